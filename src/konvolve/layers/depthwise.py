"""DepthwiseConv1D and DepthwiseConv2D: each channel with kernels of its own."""

from __future__ import annotations

from typing import Any

import keras

from konvolve import nn
from konvolve.layers.base import ConvolutionLayer, stand_in


class DepthwiseConv(ConvolutionLayer):
    """What the two have in common."""

    function = "depthwise_conv"

    def kernel_shape(self: Any, channels: int) -> tuple:
        """Return (*taps, channels, multiplier)."""
        return (*self.kernel_size, channels, self.depth_multiplier)

    def convolved(self: Any, inputs: Any) -> Any:
        """Return the convolution of each channel."""
        return nn.depthwise_conv(inputs, nn.Weight(self.kernel, self), **self.options())


@stand_in
class DepthwiseConv1D(DepthwiseConv, keras.layers.DepthwiseConv1D):
    """Each channel of a sequence with kernels of its own, (batch, steps, channels).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.DepthwiseConv1D(301, padding="same")(np.ones((2, 3000, 3), "float32")).shape
    TensorShape([2, 3000, 3])
    """


@stand_in
class DepthwiseConv2D(DepthwiseConv, keras.layers.DepthwiseConv2D):
    """Each channel of a picture with kernels of its own, (batch, height, width, channels).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.DepthwiseConv2D(31, padding="same")(np.ones((2, 56, 56, 3), "float32")).shape
    TensorShape([2, 56, 56, 3])
    """
