"""SciPy's convolution family, on TensorFlow and NumPy arrays.

Each function has the name, the arguments and the rules of its namesake in ``scipy.signal``; the arrays may be
of any library konvolve knows, and the result is of the same one. What is done is decided by a plan
(``konvolve.plan``), not here.
"""

from __future__ import annotations

from typing import Any

from konvolve import execute
from konvolve.planning import problem

Array = Any


def fftconvolve(in1: Array, in2: Array, mode: str = "full", axes: Any = None) -> Array:
    """Convolve two N-dimensional arrays with fast Fourier transforms.

    Args:
        in1: The signal, any shape.
        in2: The kernel, of as many dimensions. On the axes that are not convolved, and where it has one sample,
            it is broadcast.
        mode: "full", all ``n1 + n2 - 1`` samples of the convolution; "same", the ``n1`` samples about its centre;
            "valid", the samples that no zero beyond the edges enters.
        axes: The axis or axes to convolve over; all by default.

    Returns:
        An array of in1's and in2's library. Each input is taken to a floating dtype on its own (integers to
        float64, half precisions to float32), the result is their common dtype.

    Raises:
        ValueError: for different numbers of dimensions, shapes that do not broadcast, a bad mode or bad axes, and
            for "valid" where neither input is at least as large as the other on every axis.
        TypeError: when the arrays are of two libraries.

    The same as ``scipy.signal.fftconvolve``. A long signal with a short kernel is transformed in blocks where
    that is faster.

    >>> fftconvolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5]).round(6)
    array([0. , 1. , 2.5, 4. , 1.5])
    """
    return execute.solve(problem.fourier, "fftconvolve", in1, in2, mode, axes)


def oaconvolve(in1: Array, in2: Array, mode: str = "full", axes: Any = None) -> Array:
    """Convolve two N-dimensional arrays in overlapping blocks.

    Arguments, result and errors are those of ``fftconvolve``. The signal is cut into blocks along every axis where
    blocks cost less than one transform, so the memory beside the signal and the result is that of a few blocks,
    and a NaN spoils only the blocks it falls into.

    The same as ``scipy.signal.oaconvolve``, by overlap-save instead of overlap-add.

    >>> import numpy as np
    >>> signal, kernel = np.ones(10_000), np.full(8, 0.125)
    >>> oaconvolve(signal, kernel, mode="valid").round(6)
    array([1., 1., 1., ..., 1., 1., 1.])
    """
    return execute.solve(problem.fourier, "oaconvolve", in1, in2, mode, axes)


def convolve(in1: Array, in2: Array, mode: str = "full", method: str = "auto", *, axes: Any = None) -> Array:
    """Convolve two N-dimensional arrays.

    Args:
        in1: The signal, any shape.
        in2: The kernel, of as many dimensions.
        mode: "full", "same" or "valid", as in ``fftconvolve``.
        method: "auto" takes the method that the cost model predicts to be fastest; "direct" the sum itself, "fft"
            one transform, "overlap" transforms of blocks.
        axes: The axes to convolve over, all by default; the others are broadcast. Beyond SciPy.

    Returns:
        An array of the inputs' library and common dtype. Integers are exact, and wrap as NumPy's do, whatever
        the method.

    Raises:
        ValueError: as in ``fftconvolve``, for an unknown method, and for an input without samples.
        TypeError: when the arrays are of two libraries.

    The same as ``scipy.signal.convolve``.

    >>> convolve([1, 2, 3], [0, 1, 1], mode="same")
    array([1, 3, 5])
    """
    return execute.solve(problem.convolve, "convolve", in1, in2, mode, method, axes)


def correlate(in1: Array, in2: Array, mode: str = "full", method: str = "auto", *, axes: Any = None) -> Array:
    """Cross-correlate two N-dimensional arrays: convolve in1 with in2 reversed and conjugated.

    Arguments, result and errors are those of ``convolve``. ``correlation_lags`` gives the lag of each sample.

    The same as ``scipy.signal.correlate``.

    >>> correlate([1, 2, 3], [0, 1, 1])
    array([1, 3, 5, 3, 0])
    """
    return execute.solve(problem.correlate, "correlate", in1, in2, mode, method, axes)


def convolve2d(
    in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0, *, method: str = "auto"
) -> Array:
    """Convolve two images.

    Args:
        in1: The image, two-dimensional.
        in2: The kernel, two-dimensional.
        mode: "full", "same" or "valid", as in ``fftconvolve``.
        boundary: What lies beyond in1's edges: "fill" (or "pad"), the fillvalue; "wrap" (or "circular"), in1 again;
            "symm" (or "symmetric"), in1 mirrored about its edges.
        fillvalue: A number that the result's dtype can hold.
        method: As in ``convolve``. Beyond SciPy, which always sums directly.

    Returns:
        An array of the inputs' library and common dtype. Integers are exact.

    Raises:
        ValueError: for arrays that are not two-dimensional, a bad mode, boundary, method or fillvalue, bool or
            object arrays, and for "valid" where neither input is at least as large as the other on both axes.
        TypeError: when the arrays are of two libraries.

    The same as ``scipy.signal.convolve2d``.

    >>> convolve2d([[1, 2], [3, 4]], [[1, 1]], mode="same", boundary="wrap")
    array([[3, 3],
           [7, 7]])
    """
    return execute.solve(problem.planar, "convolve2d", in1, in2, mode, boundary, fillvalue, method)


def correlate2d(
    in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0, *, method: str = "auto"
) -> Array:
    """Cross-correlate two images: convolve in1 with in2 reversed and conjugated.

    Arguments, result and errors are those of ``convolve2d``. For a kernel of even size "same" starts one sample
    later than ``correlate`` does, as in SciPy.

    The same as ``scipy.signal.correlate2d``, but conjugated in mode "valid" too when in2 is the larger one.

    >>> correlate2d([[1, 2], [3, 4]], [[1, 1]], mode="valid")
    array([[3],
           [7]])
    """
    return execute.solve(problem.planar, "correlate2d", in1, in2, mode, boundary, fillvalue, method)
