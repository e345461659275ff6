"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose: the way back from a convolution's shape."""

from __future__ import annotations

from typing import Any

import keras

from konvolve import nn
from konvolve.layers.base import ConvolutionLayer, pads_with_zeros, stand_in
from konvolve.planning.nn.arguments import check_padding_modes


class ConvTranspose(ConvolutionLayer):
    """What the three have in common."""

    function = "conv_transpose"

    def kernel_shape(self: Any, channels: int) -> tuple:
        """Return (*taps, filters, channels)."""
        return (*self.kernel_size, self.filters, channels)

    def options(self: Any) -> dict:
        """Return the arguments of the function of ``konvolve.nn``."""
        options = super().options() | {"output_padding": self.output_padding}
        del options["padding_mode"]
        return options

    def adopt(self: Any, method: str = "auto", padding_mode: Any = "zeros") -> None:
        """Take konvolve's arguments, but no padding mode: nothing beyond the edges is read."""
        check_padding_modes(padding_mode, self.rank, "same")
        if not pads_with_zeros(padding_mode):
            raise ValueError(
                "padding_mode must be 'zeros' in a transposed convolution, which reads nothing beyond the edges, "
                f"not padding_mode={padding_mode!r}"
            )
        super().adopt(method, padding_mode)

    def convolved(self: Any, inputs: Any) -> Any:
        """Return the transposed convolution."""
        return nn.conv_transpose(inputs, nn.Weight(self.kernel, self), **self.options())


@stand_in
class Conv1DTranspose(ConvTranspose, keras.layers.Conv1DTranspose):
    """From (batch, steps, channels) to (batch, about steps * strides, filters).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.Conv1DTranspose(4, 301, strides=2, padding="same")(np.ones((2, 500, 3), "float32")).shape
    TensorShape([2, 1000, 4])
    """


@stand_in
class Conv2DTranspose(ConvTranspose, keras.layers.Conv2DTranspose):
    """From (batch, height, width, channels) to (batch, about height * strides, about width * strides, filters).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.Conv2DTranspose(4, 17, strides=2, padding="same")(np.ones((2, 20, 20, 3), "float32")).shape
    TensorShape([2, 40, 40, 4])
    """


@stand_in
class Conv3DTranspose(ConvTranspose, keras.layers.Conv3DTranspose):
    """From (batch, depth, height, width, channels) to (batch, about each size * strides, filters).

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.Conv3DTranspose(2, 5)(np.ones((1, 4, 4, 4, 1), "float32")).shape
    TensorShape([1, 8, 8, 8, 2])
    """
