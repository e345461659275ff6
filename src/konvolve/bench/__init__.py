"""Measuring: konvolve beside SciPy, OpenCV, JAX, PyTorch, CuPy and plain TensorFlow; ``konvolve bench``.

Nothing else in konvolve imports this room but the command. `benchmarks/README.md` in the repository says how to
read what comes out.
"""
