"""Convolution for Keras: SciPy's convolution family, native on TensorFlow and NumPy."""

__version__ = "0.1.0.dev0"
