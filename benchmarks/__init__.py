"""Timed workloads: konvolve beside SciPy, OpenCV, JAX, PyTorch and plain TensorFlow.

Run ``python -m benchmarks --help`` from the root of the repository; README.md in this folder says how to read
what comes out.
"""
