"""SciPy's convolution family, on TensorFlow, JAX, PyTorch and NumPy arrays.

Each function has the name, the arguments and the rules of its namesake in ``scipy.signal``; the arrays may be
of any library konvolve knows, and the result is of the same one. What is done is decided by a plan
(``konvolve.plan``), not here.
"""

from __future__ import annotations

from typing import Any

from konvolve.execution import coefficient, holes
from konvolve.execution import signal as execution
from konvolve.planning.signal.arguments import check_normalize
from konvolve.planning.signal.holes import check_holes

Array = Any


@execution.public
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

    >>> fftconvolve([1.0, 2.0, 3.0], [1.0, 0.5]).round(6)
    array([1. , 2.5, 4. , 1.5])

    A batch of tensors, height, width and channels, with one kernel for all of them:

    >>> import tensorflow as tf
    >>> images, kernel = tf.ones((8, 32, 32, 3)), tf.ones((1, 5, 5, 1)) / 25
    >>> fftconvolve(images, kernel, mode="same", axes=(1, 2)).shape
    TensorShape([8, 32, 32, 3])
    """
    return execution.solve("fftconvolve", in1, in2, mode=mode, axes=axes)


@execution.public
def oaconvolve(in1: Array, in2: Array, mode: str = "full", axes: Any = None) -> Array:
    """Convolve two N-dimensional arrays in overlapping blocks.

    Arguments, result and errors are those of ``fftconvolve``. The signal is cut into blocks along every axis where
    blocks cost less than one transform, so the memory beside the signal and the result is that of a few blocks,
    and a NaN spoils only the blocks it falls into.

    The same as ``scipy.signal.oaconvolve``, by overlap-save instead of overlap-add.

    >>> import numpy as np
    >>> signal, kernel = np.ones(10_000), np.full(8, 0.125)
    >>> oaconvolve(signal, kernel, mode="valid")[:4].round(6)
    array([1., 1., 1., 1.])
    """
    return execution.solve("oaconvolve", in1, in2, mode=mode, axes=axes)


@execution.public
def convolve(
    in1: Array, in2: Array, mode: str = "full", method: str = "auto", *, axes: Any = None, boundary: Any = "zero",
    max_memory: float | None = None, nan: str | None = None, fill_value: Any = 0.0, weights: Any = None,
    min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Convolve two N-dimensional arrays.

    Args:
        in1: The signal, any shape.
        in2: The kernel, of as many dimensions.
        mode: "full", "same" or "valid", as in ``fftconvolve``.
        method: "auto" takes the method that the cost model predicts to be fastest; "direct" the sum itself, "fft"
            one transform, "overlap" transforms of blocks, "matrix" blocks times a banded matrix (floating point, one
            kernel for all rows; on NumPy, and for complex numbers, a single axis), "separable" one axis after the
            other, for a kernel that is a product.
        axes: The axes to convolve over, all by default. The others are a batch, and broadcast. Beyond SciPy.
        boundary: What lies beyond in1's ends: "zero", "wrap" (the other end), "symmetric" (mirrored, the last sample
            twice), "reflect" (mirrored, the last sample once), "nearest" or "edge" (the last sample), or a number. One,
            or a list with one for each axis; the axes are extended in ascending order. Mode "valid" sees none of it.
            Beyond SciPy.
        max_memory: A ceiling in bytes for the predicted peak of memory beside the inputs, the result included. The plan
            keeps below it with another method, smaller blocks, or the batch in chunks. Beyond SciPy.
        nan: What becomes of in1's holes, which are NaN and infinite samples (docs/holes.md). None: what the method
            makes of them. "propagate": NaN where a tap meets one, by every method; infinities stay what the sum makes
            of them. "fill": ``fill_value`` in their place. "raise": ValueError if there are any. "omit": what is there
            stands for what is missing, ``sum(k) (z * k) / (sum(k) - h * k)`` with z the data, 0 in holes, and h 1 in
            holes; for a kernel k whose sum is below sqrt(eps) of sum(abs(k)), eps of its dtype, ``z * k + m (h * k)``
            with m the mean of what is there under the kernel's support. "interpolate": each hole takes what "omit" has
            there in mode "same", and the convolution is plain. What nothing reaches is NaN. What lies beyond the edges
            is data, but a hole if ``boundary`` is not finite. Beyond SciPy, as what follows.
        fill_value: With "fill", the number.
        weights: With "omit" and "interpolate", how much each sample counts, an array of numbers of at least 0 that
            broadcasts to in1: h is 1 - weights and z in1 times weights. Samples of weight 0 are holes. A mask is 0 and
            1. Integers are computed in float64 then.
        min_weight: With "omit" and "interpolate", the share of sum(k) that has to be there, else the answer is NaN.
        keep_nan: Whether in1's holes are holes of the result, in mode "same".

    Returns:
        An array of the inputs' library and common dtype. Integers are exact, and wrap as NumPy's do, whatever
        the method.

    Raises:
        ValueError: as in ``fftconvolve``, for an unknown method or one that cannot answer, for an input without
            samples, and for a ceiling of memory that no plan keeps below. For negative weights and a hole in in2 with
            "fill", "raise", "omit" and "interpolate", where values can be seen; for nan="raise" where they cannot.
        TypeError: when the arrays are of two libraries.

    The same as ``scipy.signal.convolve``.

    >>> convolve([1, 2, 3], [0, 1, 1], mode="same")
    array([1, 3, 5])
    >>> convolve([1, 2, 3], [0, 1, 1], mode="same", boundary="wrap")
    array([4, 3, 5])
    >>> convolve([1.0, float("nan"), 3.0], [0.25, 0.5, 0.25], mode="same", boundary="nearest", nan="omit")
    array([1., 2., 3.])

    Each row by itself:

    >>> convolve([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[0.5, 0.5]], mode="same", axes=1)
    array([[0.5, 1.5, 2.5],
           [2. , 4.5, 5.5]])
    """
    if check_holes(nan, fill_value, weights is not None, min_weight, keep_nan, mode):
        return holes.solve(
            "convolve", in1, in2, mode=mode, method=method, axes=axes, boundary=boundary, max_memory=max_memory,
            nan=nan, fill_value=fill_value, weights=weights, min_weight=min_weight, keep_nan=keep_nan,
        )  # fmt: skip
    return execution.solve(
        "convolve", in1, in2, mode=mode, method=method, axes=axes, boundary=boundary, max_memory=max_memory
    )


@execution.public
def correlate(
    in1: Array, in2: Array, mode: str = "full", method: str = "auto", *,
    axes: Any = None, boundary: Any = "zero", lags: Any = None, normalize: bool = False, mask1: Any = None,
    mask2: Any = None, min_overlap: float = 0, undefined: float = 0.0, max_memory: float | None = None,
    nan: str | None = None, fill_value: Any = 0.0, weights: Any = None, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Cross-correlate two N-dimensional arrays: convolve in1 with in2 reversed and conjugated.

    Arguments, result and errors are those of ``convolve``, and some more. ``correlation_lags`` gives the lag of each
    sample.

    Args:
        in1: The signal, any shape.
        in2: What is looked for in it, of as many dimensions.
        mode: "full", "same" or "valid", as in ``fftconvolve``.
        method: As in ``convolve``.
        axes: As in ``convolve``.
        boundary: As in ``convolve``.
        lags: The lowest and the highest lag to return, both included, or a list with such a pair for each axis; instead
            of a mode. A lag at which the two do not meet is zero. Beyond SciPy.
        normalize: Return the correlation coefficient of the samples that overlap at each lag, from -1 to 1, or in the
            unit disc for complex signals: means removed, divided by the root of both energies, each over the overlap
            alone. It is ``undefined`` where either is constant or less than two samples overlap. In a floating dtype,
            right to 1e-8 in float64 and 1e-6 in float32 (JAX without 64 bits: 1e-3). Beyond SciPy.
        mask1: With ``normalize``, an array of in1's shape, zero or False where a sample of in1 is not to count,
            whatever its value. (Padfield 2012.)
        mask2: The same for in2.
        min_overlap: With ``normalize``, how many samples have to overlap: an integer, or as a float below 1 a share of
            in2's samples that count. Two samples always correlate to 1 or -1, so without it "full" and "same" may be
            largest at the border; 0.3 is a good choice.
        undefined: With ``normalize``, what stands where the coefficient is not defined, or less overlaps: 0 or NaN.
        max_memory: As in ``convolve``, for each of the correlations that ``normalize`` takes.
        nan: As in ``convolve``, with the sums of the conjugated in2; not with ``normalize``, which has masks.
        fill_value: As in ``convolve``.
        weights: As in ``convolve``.
        min_weight: As in ``convolve``.
        keep_nan: As in ``convolve``.

    The same as ``scipy.signal.correlate``.

    >>> correlate([1, 2, 3], [0, 1, 1])
    array([1, 3, 5, 3, 0])
    >>> correlate([1, 2, 3], [0, 1, 1], lags=(-1, 0))
    array([3, 5])
    >>> correlate([0.0, 2.0, 4.0, 1.0], [1.0, 2.0], mode="valid", normalize=True).round(6)
    array([ 1.,  1., -1.])
    """
    missing = check_holes(nan, fill_value, weights is not None, min_weight, keep_nan, mode, lags)
    if check_normalize(normalize, boundary, (mask1, mask2), min_overlap, undefined):
        if missing:
            raise ValueError(f"nan is not for normalize=True, whose mask1 and mask2 leave samples out: nan={nan!r}")
        return coefficient.correlate(
            in1, in2, (mask1, mask2), mode=mode, method=method, axes=axes, lags=lags, max_memory=max_memory,
            min_overlap=min_overlap, undefined=undefined,
        )  # fmt: skip
    if missing:
        return holes.solve(
            "correlate", in1, in2, mode=mode, method=method, axes=axes, boundary=boundary, lags=lags,
            max_memory=max_memory, nan=nan, fill_value=fill_value, weights=weights, min_weight=min_weight,
            keep_nan=keep_nan,
        )  # fmt: skip
    return execution.solve(
        "correlate", in1, in2, mode=mode, method=method, axes=axes, boundary=boundary, lags=lags, max_memory=max_memory
    )


@execution.public
def convolve2d(
    in1: Array,
    in2: Array,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    *,
    method: str = "auto",
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
    return execution.solve("convolve2d", in1, in2, mode=mode, boundary=boundary, fillvalue=fillvalue, method=method)


@execution.public
def correlate2d(
    in1: Array,
    in2: Array,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    *,
    method: str = "auto",
) -> Array:
    """Cross-correlate two images: convolve in1 with in2 reversed and conjugated.

    Arguments, result and errors are those of ``convolve2d``. For a kernel of even size "same" starts one sample
    later than ``correlate`` does, as in SciPy.

    The same as ``scipy.signal.correlate2d``, but conjugated in mode "valid" too when in2 is the larger one.

    >>> correlate2d([[1, 2], [3, 4]], [[1, 1]], mode="valid")
    array([[3],
           [7]])
    """
    return execution.solve("correlate2d", in1, in2, mode=mode, boundary=boundary, fillvalue=fillvalue, method=method)


@execution.public
def sepfir2d(input: Array, hrow: Array, hcol: Array) -> Array:
    """Filter an image with two one-dimensional kernels of odd length, edges mirrored.

    Args:
        input: The image, two-dimensional.
        hrow: The kernel along the rows (the last axis), of odd length, no longer than a row.
        hcol: The kernel along the columns (the first axis), likewise.

    Returns:
        An array of the image's shape: float32 for float32, half precision and 8- and 16-bit integer images, float64
        for other real ones, complex as given.

    Raises:
        ValueError: for an image that is not two-dimensional, a kernel that is not one-dimensional, of even length
            or longer than the image.
        TypeError: for a complex kernel on a real image, and when the arrays are of two libraries.

    The same as ``scipy.signal.sepfir2d``: ``convolve2d(input, outer(hcol, hrow), "same", "symm")`` in two passes.

    >>> import numpy as np
    >>> sepfir2d(np.eye(3), [0.25, 0.5, 0.25], [0.0, 1.0, 0.0])
    array([[0.75, 0.25, 0.  ],
           [0.25, 0.5 , 0.25],
           [0.  , 0.25, 0.75]])
    """
    return execution.solve_separable(input, hrow, hcol)


@execution.public
def choose_conv_method(in1: Array, in2: Array, mode: str = "full", measure: bool = False) -> Any:
    """Say which of "direct" and "fft" SciPy would take for this convolution.

    Args:
        in1: The signal.
        in2: The kernel.
        mode: "full", "same" or "valid".
        measure: Time both methods of ``convolve`` on these arrays instead of predicting.

    Returns:
        "direct" or "fft"; with ``measure`` also a dictionary of the seconds each took.

    Raises:
        ValueError: for a bad mode, unknown sizes, and as in ``convolve``.

    The same rule and constants as ``scipy.signal.choose_conv_method``, so that code which asks it keeps its answers.
    konvolve's own ``method="auto"`` also knows blocks and the library at hand: ``konvolve.plan`` shows what it does.

    >>> choose_conv_method([1.0, 2.0, 3.0], [0.5, 0.5])
    'direct'
    """
    return execution.choose(in1, in2, mode, measure)


@execution.public
def correlation_lags(in1_len: int, in2_len: int, mode: str = "full") -> Array:
    """Return the lag of each sample of a one-dimensional ``correlate``.

    Args:
        in1_len: Samples of in1.
        in2_len: Samples of in2.
        mode: "full", "same" or "valid", as given to ``correlate``.

    Returns:
        A NumPy array of integers. A positive lag means that in2 matches a later part of in1.

    Raises:
        ValueError: for a bad mode or a length below 1.

    The same as ``scipy.signal.correlation_lags``, but with the lags that ``correlate(mode="same")`` really has when
    in1_len is odd and in2_len even; SciPy's are one too high there.

    >>> correlation_lags(3, 2)
    array([-1,  0,  1,  2])
    """
    return execution.lags(in1_len, in2_len, mode)
