"""SciPy's own tests of its convolution family, asked of konvolve. Runs inside the child process only."""
