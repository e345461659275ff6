"""SciPy's own tests of its image filters, with konvolve's in their place."""
