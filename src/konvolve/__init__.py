"""Convolution for Keras: SciPy's convolution family, native on TensorFlow and NumPy."""

from konvolve.signal import convolve as convolve
from konvolve.signal import convolve2d as convolve2d
from konvolve.signal import correlate as correlate
from konvolve.signal import correlate2d as correlate2d
from konvolve.signal import fftconvolve as fftconvolve
from konvolve.signal import oaconvolve as oaconvolve

__version__ = "0.1.0.dev0"
