"""SeparableConv1D and SeparableConv2D: depthwise, then a mixture of the channels."""

from __future__ import annotations

from typing import Any

import keras

from konvolve import nn
from konvolve.layers.base import ConvolutionLayer, stand_in


class SeparableConv(ConvolutionLayer):
    """What the two have in common."""

    function = "depthwise_conv"

    def kernel_shape(self: Any, channels: int) -> tuple:
        """Return (*taps, channels, multiplier)."""
        return (*self.kernel_size, channels, self.depth_multiplier)

    def convolved(self: Any, inputs: Any) -> Any:
        """Return the depthwise convolution with its channels mixed."""
        depthwise = nn.Weight(self.depthwise_kernel, self)
        return nn.separable_conv(inputs, depthwise, self.pointwise_kernel, **self.options())


@stand_in
class SeparableConv1D(SeparableConv, keras.layers.SeparableConv1D):
    """Each channel of a sequence with kernels of its own, then mixed.

    From ``(batch, steps, channels)`` to ``(batch, steps, filters)``.

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.SeparableConv1D(8, 301, padding="same")(np.ones((2, 3000, 3), "float32")).shape
    TensorShape([2, 3000, 8])
    """


@stand_in
class SeparableConv2D(SeparableConv, keras.layers.SeparableConv2D):
    """Each channel of a picture with kernels of its own, then mixed.

    From ``(batch, *sizes, channels)`` to ``(batch, *sizes, filters)``.

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.SeparableConv2D(8, 31, padding="same")(np.ones((2, 56, 56, 3), "float32")).shape
    TensorShape([2, 56, 56, 8])
    """
