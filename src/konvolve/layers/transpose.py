"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose: the way back from a convolution's shape."""

from __future__ import annotations

from typing import Any

import keras

from konvolve import nn
from konvolve.layers.base import ConvolutionLayer, stand_in


class ConvTranspose(ConvolutionLayer):
    """What the three have in common."""

    def convolved(self: Any, inputs: Any) -> Any:
        """Return the transposed convolution."""
        return nn.conv_transpose(inputs, self.kernel, output_padding=self.output_padding, **self.options())


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
