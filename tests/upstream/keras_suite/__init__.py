"""Keras's own tests of its convolution layers, asked of konvolve's; see README.md one folder up."""
