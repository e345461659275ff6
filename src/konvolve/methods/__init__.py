"""The ways to convolve, each written once on the backend interface."""
