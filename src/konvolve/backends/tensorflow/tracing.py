"""What the TensorFlow files lean on: constants that are made once, and gradients better than TensorFlow's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import raw_ops

try:  # Not public, so their absence must cost little: speed, and the forward mode of eager 3-D transforms.
    from tensorflow.python.eager.record import could_possibly_record as recording
    from tensorflow.python.eager.record import stop_recording as unrecorded
except ImportError:
    from contextlib import nullcontext as unrecorded

    def recording() -> bool:
        """Whether a gradient may be asked for."""
        return True


try:  # Not public either: without it a forward accumulator is taken to be at work.
    from tensorflow.python.eager.forwardprop_util import pack_tangents as _tangents
except ImportError:

    def differentiated(x: tf.Tensor) -> bool:
        """Whether a forward accumulator follows x."""
        return True

else:

    def differentiated(x: tf.Tensor) -> bool:
        """Whether a forward accumulator follows x."""
        return bool(_tangents([x]).tangents)


try:  # Not public either: without it every graph is taken for one that XLA compiles.
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as _in_xla
except ImportError:

    def _in_xla(graph: Any) -> bool:
        return True


def compiling() -> bool:
    """Whether the graph that is being traced will be compiled by XLA, which lacks some operations."""
    return _in_xla(tf.compat.v1.get_default_graph())


_CONSTANTS: dict[tuple, tf.Tensor] = {}
_MOST_CONSTANTS = 4096


def ints(values: Sequence[Any]) -> Any:
    """Return sizes, or a list of rows of sizes, as an operation takes them fastest.

    An eager operation that is handed a list leaves its fast path and takes five times as long (seen with TensorFlow
    2.21: six operations 350 us, and 67 us with tensors), so eager constants are kept. In a graph they belong to it.
    """
    if not tf.executing_eagerly():
        return values
    key = tuple(values) if not values or isinstance(values[0], int) else tuple(map(tuple, values))
    found = _CONSTANTS.get(key)
    if found is None:
        if len(_CONSTANTS) >= _MOST_CONSTANTS:
            _CONSTANTS.clear()
        with tf.device("CPU:0"):  # sizes are read by the host
            found = _CONSTANTS[key] = tf.constant(key, tf.int32)
    return found


def run_time_sizes(x: tf.Tensor) -> tuple[Any, ...]:
    """Return the static sizes, scalar tensors in the place of unknown ones."""
    static = tuple(x.shape)
    if None not in static:
        return static
    dynamic = tf.unstack(raw_ops.Shape(input=x, out_type=tf.int32), num=len(static))
    return tuple(d if s is None else s for s, d in zip(static, dynamic, strict=True))


def linear(
    function: Callable[[tf.Tensor, list], tf.Tensor],
    transposed: Callable[[tf.Tensor, list], tf.Tensor],
    x: tf.Tensor,
    sizes: Sequence[Any] = (),
    *,
    registered: bool = True,
) -> tf.Tensor:
    """Apply a linear function whose gradient is ``transposed``, which is applied with a gradient of its own.

    Both take the array and the sizes. So gradients of every order, and the forward mode, which TensorFlow derives
    from them, need nothing else. Eager code outside a tape skips the preparation, which costs 0.2 ms; a forward
    accumulator is not a tape, so only where the plain operations have ``registered`` gradients.

    Sizes known at run time only are copied into the graph at hand: a gradient's gradient is traced in a third graph,
    out of which a tensor of the first cannot be reached.
    """
    if tf.executing_eagerly():
        if registered and not recording():
            return function(x, list(sizes))
        # An accumulator would look for the gradients of the operations inside.
        function = _unseen(function)

    def filled(tensors: Sequence[tf.Tensor]) -> list:
        rest = iter(tensors)
        return [size if isinstance(size, int) else next(rest) for size in sizes]

    @tf.custom_gradient
    def apply(x: tf.Tensor, *tensors: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        here = filled(tensors)
        return function(x, here), lambda gradient: (transposed(gradient, here), *(None for _ in tensors))

    return apply(x, *(tf.identity(size) for size in sizes if not isinstance(size, int)))


def _unseen(function: Callable[[tf.Tensor, list], tf.Tensor]) -> Callable[[tf.Tensor, list], tf.Tensor]:
    def unseen(x: tf.Tensor, sizes: list) -> tf.Tensor:
        with unrecorded():
            return function(x, sizes)

    return unseen
