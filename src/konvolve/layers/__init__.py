"""Keras layers that stand in for Keras's own and stay fast when the kernel is large.

``from konvolve import layers`` in the place of ``from keras import layers`` for the convolutions is the whole
migration: names, arguments, weights and results are Keras's. It is also the line that a process needs before
``keras.models.load_model`` reads a model made with konvolve.
"""

import konvolve.backends.keras_backend  # before Keras is imported
import konvolve.execution.deferred.symbolic  # noqa: F401 - so that models of konvolve's functions can be loaded, too
from konvolve.layers.conv import Conv1D as Conv1D
from konvolve.layers.conv import Conv2D as Conv2D
from konvolve.layers.conv import Conv3D as Conv3D
from konvolve.layers.depthwise import DepthwiseConv1D as DepthwiseConv1D
from konvolve.layers.depthwise import DepthwiseConv2D as DepthwiseConv2D
from konvolve.layers.filters import Filter as Filter
from konvolve.layers.filters import GaussianBlur as GaussianBlur
from konvolve.layers.long_conv import LongConv1D as LongConv1D
from konvolve.layers.separable import SeparableConv1D as SeparableConv1D
from konvolve.layers.separable import SeparableConv2D as SeparableConv2D
from konvolve.layers.transpose import Conv1DTranspose as Conv1DTranspose
from konvolve.layers.transpose import Conv2DTranspose as Conv2DTranspose
from konvolve.layers.transpose import Conv3DTranspose as Conv3DTranspose

Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
