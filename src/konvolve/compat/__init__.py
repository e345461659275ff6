"""Functions with the signatures of other libraries, on konvolve."""
