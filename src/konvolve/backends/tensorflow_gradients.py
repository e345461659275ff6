"""TensorFlow's custom gradients, for linear operations whose transposes are known better than TensorFlow knows them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

try:  # Not public, so their absence must cost little: speed, and the forward mode of eager 3-D transforms.
    from tensorflow.python.eager.record import could_possibly_record as _recording
    from tensorflow.python.eager.record import stop_recording as _unrecorded
except ImportError:
    from contextlib import nullcontext as _unrecorded

    def _recording() -> bool:
        return True


def linear(
    function: Callable[[tf.Tensor], tf.Tensor],
    transposed: Callable[[tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    *,
    registered: bool = True,
) -> tf.Tensor:
    """Apply a linear function whose gradient is ``transposed``, which is applied with a gradient of its own.

    So gradients of every order, and the forward mode, which TensorFlow derives from them, need nothing else.
    Eager code outside a tape skips the preparation, which costs 0.2 ms; a forward accumulator is not a tape, so
    only where the plain operations have ``registered`` gradients.
    """
    if registered and tf.executing_eagerly() and not _recording():
        return function(x)

    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        if tf.executing_eagerly():  # or an accumulator would look for the gradients of the operations inside
            with _unrecorded():
                return function(x), transposed
        return function(x), transposed

    return apply(x)
