"""LongConv1D: a convolution as long as the sequence."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from konvolve import nn
from konvolve.layers.stream import Causal
from konvolve.planning.nn.arguments import check_channel_method, check_format
from konvolve.planning.operands import plain, shown


@keras.saving.register_keras_serializable(package="konvolve")
class LongConv1D(Causal, keras.layers.Layer):
    """Each channel of a sequence with a kernel that may be as long as the sequence, or longer.

    With K taps, ``y[t] = sum over s of kernel[s] * x[t - s] + skip * x[t]``: causal, s from 0 to K - 1, or
    bidirectional, s from -(K - 1) to K - 1, the tap of s = 0 in the middle of the kernel. Samples before the
    first and after the last are zeros. The token mixer of Hyena (Poli and others 2023) and the convolutional form of
    S4 (Gu and others 2022), with the kernel itself as the weight.

    Args:
        kernel_size: K, the number of taps. None takes the length of the sequence the layer is built for, so that
            every sample reaches every later one; longer and shorter sequences may follow.
        bidirectional: Whether later samples count as well; the kernel then has 2 * K - 1 taps.
        use_skip: Whether there is the skip term, one number per channel.
        activation: Applied last; None for none.
        data_format: "channels_last" or "channels_first"; None for Keras's own setting.
        method: "auto" (the quickest by prediction), "direct", "fft" or "overlap".
        kernel_initializer: None draws normal numbers of variance 1 / taps, which keeps the variance of white input.
        skip_initializer, kernel_regularizer, skip_regularizer, kernel_constraint, skip_constraint: As everywhere
            in Keras.
        **kwargs: Arguments of ``keras.layers.Layer``.

    Inputs and outputs: (batch, steps, channels), or (batch, channels, steps) for "channels_first"; any dtype policy.
    Weights: ``kernel``, (taps, channels), and ``skip``, (channels,).

    Raises:
        ValueError: for a wrong argument; for kernel_size=None where the length is not known when the layer is built.

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layer = layers.LongConv1D()
    >>> layer(np.ones((2, 501, 3), "float32")).shape
    TensorShape([2, 501, 3])
    >>> [(weight.name, tuple(weight.shape)) for weight in layer.weights]
    [('kernel', (501, 3)), ('skip', (3,))]
    """

    def __init__(
        self,
        kernel_size: int | None = None,
        bidirectional: bool = False,
        use_skip: bool = True,
        activation: Any = None,
        data_format: str | None = None,
        method: str = "auto",
        kernel_initializer: Any = None,
        skip_initializer: Any = "ones",
        kernel_regularizer: Any = None,
        skip_regularizer: Any = None,
        kernel_constraint: Any = None,
        skip_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        size = plain(kernel_size)
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            raise ValueError(f"kernel_size must be a positive int or None, not kernel_size={shown(kernel_size)}")
        self.kernel_size = size
        self.bidirectional = bool(bidirectional)
        self.use_skip = bool(use_skip)
        self.activation = keras.activations.get(activation)
        self.data_format = keras.config.image_data_format() if data_format is None else check_format(plain(data_format))
        self.method = check_channel_method(plain(method))
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.skip_initializer = keras.initializers.get(skip_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.skip_regularizer = keras.regularizers.get(skip_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.skip_constraint = keras.constraints.get(skip_constraint)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    @property
    def _axes(self) -> tuple[int, int]:
        """The axes of the steps and of the channels."""
        return (1, 2) if self.data_format == "channels_last" else (2, 1)

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the skip term."""
        steps, channels = (input_shape[axis] for axis in self._axes)
        size = self.kernel_size or steps
        if size is None:
            raise ValueError(
                "kernel_size=None takes the length of the sequence, and that is not known when the layer is built "
                f"for input_shape={tuple(input_shape)}: say kernel_size"
            )
        if size == 0:
            raise ValueError(
                "kernel_size=None takes the length of the sequence, and the layer is built for one of no steps, "
                f"input_shape={tuple(input_shape)}: say kernel_size"
            )
        if channels is None:
            raise ValueError(f"the number of channels must be known, not input_shape={tuple(input_shape)}")
        taps = 2 * size - 1 if self.bidirectional else size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(taps, channels),
            initializer=self.kernel_initializer or keras.initializers.RandomNormal(stddev=taps**-0.5),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.skip = None
        if self.use_skip:
            self.skip = self.add_weight(
                name="skip",
                shape=(channels,),
                initializer=self.skip_initializer,
                regularizer=self.skip_regularizer,
                constraint=self.skip_constraint,
            )
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={self._axes[1]: channels})

    def call(self, inputs: Any) -> Any:
        """Convolve, add the skip term, apply the activation."""
        kernel = ops.convert_to_tensor(self.kernel)
        taps, steps = kernel.shape[0], inputs.shape[self._axes[0]]
        if steps is not None:
            # Taps that reach beyond the whole sequence meet only zeros: without them the transform is shorter.
            if self.bidirectional:
                idle = max((taps + 1) // 2 - steps, 0)
                kernel = kernel[idle : taps - idle]
            else:
                kernel = kernel[: max(steps, 1)]
        return self._finished(self._convolved(inputs, kernel, self.padding), inputs)

    @property
    def padding(self) -> str:
        """Where the kernel lies: "same" about the present, or "causal" behind it."""
        return "same" if self.bidirectional else "causal"

    @property
    def reach(self) -> int:
        """The number of past steps that a causal layer looks back on."""
        return self.kernel.shape[0] - 1

    def valid(self, joined: Any, inputs: Any) -> Any:
        """Return the layer's outputs for inputs, ``joined`` being these with the steps that it reaches before them."""
        kernel = ops.cast(ops.convert_to_tensor(self.kernel), self.compute_dtype)
        return self._finished(self._convolved(joined, kernel, "valid"), inputs)

    def _convolved(self, inputs: Any, kernel: Any, padding: str) -> Any:
        # a filter of nn is correlated: its last tap is the present
        weight = nn.Weight(ops.expand_dims(ops.flip(kernel, 0), -1), self)
        return nn.depthwise_conv(inputs, weight, padding=padding, data_format=self.data_format, method=self.method)

    def _finished(self, outputs: Any, inputs: Any) -> Any:
        if self.skip is not None:
            skip = ops.reshape(self.skip, (1, 1, -1) if self.data_format == "channels_last" else (1, -1, 1))
            outputs = ops.add(outputs, ops.multiply(inputs, skip))
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input's shape: nothing is cut, whatever the lengths."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return what ``from_config`` needs."""
        return super().get_config() | {
            "kernel_size": self.kernel_size,
            "bidirectional": self.bidirectional,
            "use_skip": self.use_skip,
            "activation": keras.activations.serialize(self.activation),
            "data_format": self.data_format,
            "method": self.method,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "skip_initializer": keras.initializers.serialize(self.skip_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "skip_regularizer": keras.regularizers.serialize(self.skip_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "skip_constraint": keras.constraints.serialize(self.skip_constraint),
        }
