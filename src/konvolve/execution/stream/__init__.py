"""Streams: a convolution in blocks, with what the kernel still reaches of earlier blocks as its state."""
