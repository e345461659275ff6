"""Conv1D, Conv2D and Conv3D."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from konvolve import nn
from konvolve.layers.base import ConvolutionLayer, stand_in
from konvolve.layers.stream import Causal


class Conv(ConvolutionLayer):
    """What the three have in common."""

    function = "conv"

    def kernel_shape(self: Any, channels: int) -> tuple:
        """Return (*taps, channels of a group, filters)."""
        return (*self.kernel_size, channels // self.groups, self.filters)

    def convolution_op(self: Any, inputs: Any, kernel: Any) -> Any:
        """Convolve; Keras's own hook, which a subclass may have replaced."""
        return nn.conv(inputs, nn.Weight(kernel, self), **self.options())

    def convolved(self: Any, inputs: Any) -> Any:
        """Return the convolution; Keras's ``Conv1D`` passes its hook by (seen in 3.15), this one does not."""
        return self.convolution_op(inputs, self.kernel)


@stand_in
class Conv1D(Causal, Conv, keras.layers.Conv1D):
    """A convolution of sequences, (batch, steps, channels) to (batch, new steps, filters).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.Conv1D(4, 1024, padding="causal")(np.ones((2, 3000, 3), "float32")).shape
    TensorShape([2, 3000, 4])
    """

    @property
    def reach(self: Any) -> int:
        """The number of past steps that a causal layer of sequences looks back on."""
        return (self.kernel_size[0] - 1) * self.dilation_rate[0]

    def valid(self: Any, joined: Any, inputs: Any) -> Any:
        """Return the layer's outputs for inputs, ``joined`` being these with the steps that it reaches before them."""
        options = self.options() | {"padding": "valid", "padding_mode": "zeros"}
        kernel = nn.Weight(ops.cast(self.kernel, self.compute_dtype), self)
        return self.finished(nn.conv(joined, kernel, **options))


@stand_in
class Conv2D(Conv, keras.layers.Conv2D):
    """A convolution of pictures, (batch, height, width, channels) to (batch, new height, new width, filters).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.Conv2D(4, 31, padding="same", padding_mode="reflect")(np.ones((2, 64, 64, 3), "float32")).shape
    TensorShape([2, 64, 64, 4])
    """


@stand_in
class Conv3D(Conv, keras.layers.Conv3D):
    """A convolution of volumes, (batch, depth, height, width, channels) to (batch, new sizes, filters).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.Conv3D(2, 5)(np.ones((1, 9, 9, 9, 1), "float32")).shape
    TensorShape([1, 5, 5, 5, 2])
    """
