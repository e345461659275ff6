"""SciPy's linear image filters, on TensorFlow, JAX, PyTorch and NumPy arrays.

Each function has the name, the arguments, the defaults and the rules of its namesake in ``scipy.ndimage``; the arrays
may be of any library konvolve knows, and the result is of the same one. Each filter is one correlation along an axis
after the other, each of which is planned, so that the cost hardly grows with the kernel.

What the functions have in common:

    input: The image, any shape and dtype of numbers.
    output: The dtype of the result, that of the input by default; on NumPy an array, too, that is written into.
        Integers are cut off towards zero after each axis, as SciPy does.
    mode: What lies beyond the edges: "reflect" (or "grid-mirror") the image mirrored with the edge's own sample,
        "mirror" without it, "nearest" the edge's sample, "wrap" (or "grid-wrap") the image again, "constant" (or
        "grid-constant") ``cval``. ``konvolve.convolve``'s "symmetric" is "reflect" here, and its "reflect" is "mirror".
        One, or one for each axis where axes are filtered one after the other.
    cval: The number beyond the edges in mode "constant".
    origin: By how many samples the kernel lies to the left (positive: to the right) of its middle.
    axes: The axes to filter along, all by default; the others are a batch.
    nan: Beyond SciPy, what becomes of holes, samples that are NaN or infinite: None as SciPy does, "propagate" NaN
        where a tap meets one, "fill" with ``fill_value``, "raise" ValueError, "omit" the filter of what is there made
        up for what is missing (NaN where nothing is), "interpolate" holes filled by the answer of "omit" first. The
        formulas are those of ``konvolve.convolve``; a derivative of a Gaussian takes what is missing to be the mean
        weighted by the Gaussian itself. Integers have no holes.
    min_weight: For "omit" and "interpolate", the share of the mean's weights that has to be there, else the result is
        NaN.
    keep_nan: Whether holes are NaN in the result, too.

float32 images are computed with in float32, where SciPy takes float64 inside, half precision in float32; integers in
float64 (in float32 on JAX without 64-bit types), and exactly where kernel and image are whole numbers.

Raises ``RuntimeError``, ``ValueError`` and ``TypeError`` for wrong arguments, as SciPy does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from konvolve.execution import filters
from konvolve.execution.operations import public

Array = Any


@public
def correlate(
    input: Array, weights: Array, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: Any = 0, *,
    axes: Any = None, nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Correlate an image with a kernel of as many axes as are filtered.

    Args:
        input: The image.
        weights: The kernel, whose middle (the later of two) lies on the output; conjugated if it is complex.
        output: The dtype of the result, that of the input by default; on NumPy also an array to write into.
        mode: What lies beyond the edges, as this module says; one for all axes.
        cval: The number beyond the edges in mode "constant".
        origin: By how many samples the kernel lies off its middle; one, or one for each axis.
        axes: The axes to filter along, all by default.
        nan: What becomes of missing samples, as this module says.
        fill_value: For nan="fill", the value in their place.
        min_weight: For nan="omit" and "interpolate", the least share of the weights that has to be there.
        keep_nan: Whether what is missing in the input is missing in the result.

    Returns:
        An array of the input's shape and library.

    The same as ``scipy.ndimage.correlate``.

    >>> correlate([[1, 2], [3, 4]], [[1, 1]])
    array([[2, 3],
           [6, 7]])
    """
    return filters.solve(
        "correlate", (input, weights), output, mode=mode, cval=cval, origin=origin, axes=axes, convolve=False, nan=nan,
        fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def convolve(
    input: Array, weights: Array, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: Any = 0, *,
    axes: Any = None, nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Convolve an image with a kernel: correlate it with the reversed one. Arguments are those of ``correlate``.

    The same as ``scipy.ndimage.convolve``.

    >>> convolve([1, 2, 3, 4], [0, 0, 1])
    array([1, 1, 2, 3])
    """
    return filters.solve(
        "correlate", (input, weights), output, mode=mode, cval=cval, origin=origin, axes=axes, convolve=True, nan=nan,
        fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def correlate1d(
    input: Array, weights: Array, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,
    origin: int = 0, *, nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Correlate along one axis with a kernel of one axis. Arguments are those of ``correlate``.

    The same as ``scipy.ndimage.correlate1d``.

    >>> correlate1d([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3])
    array([ 8, 26,  8, 12,  7, 28, 36,  9])
    """
    return filters.solve(
        "correlate1d", (input, weights), output, axis=axis, mode=mode, cval=cval, origin=origin, convolve=False,
        nan=nan, fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def convolve1d(
    input: Array, weights: Array, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,
    origin: int = 0, *, nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Convolve along one axis with a kernel of one axis. Arguments are those of ``correlate``.

    The same as ``scipy.ndimage.convolve1d``.

    >>> convolve1d([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3])
    array([14, 24,  4, 13, 12, 36, 27,  0])
    """
    return filters.solve(
        "correlate1d", (input, weights), output, axis=axis, mode=mode, cval=cval, origin=origin, convolve=True,
        nan=nan, fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def gaussian_filter(
    input: Array, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    truncate: float = 4.0, *, radius: Any = None, axes: Any = None, nan: str | None = None, fill_value: Any = 0.0,
    min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Blur with a Gaussian, or take derivatives of the blurred image.

    Args:
        input: The image.
        sigma: The standard deviation in samples; one, or one for each axis; an axis of 0 is left alone. Beyond SciPy an
            array of the input's library, to which derivatives are taken: of no axes, of one with a value for each of
            ``axes``, or (\\*batch, 1 or len(axes)), values for each sample along the axes that are not filtered.
        order: Which derivative is taken along each axis, 0 for none.
        output: The dtype of the result, that of the input by default; on NumPy also an array to write into.
        mode: What lies beyond the edges, as this module says; one, or one for each axis.
        cval: The number beyond the edges in mode "constant".
        truncate: Where the Gaussian ends, in standard deviations.
        radius: Where it ends, in samples, instead. It must be given where sigma is an array whose values are not known,
            in a function that is being traced; otherwise the largest sigma sets it.
        axes: The axes to filter along, all by default.
        nan: What becomes of missing samples, as this module says.
        fill_value: For nan="fill", the value in their place.
        min_weight: For nan="omit" and "interpolate", the least share of the weights that has to be there.
        keep_nan: Whether what is missing in the input is missing in the result.

    Returns:
        An array of the input's shape and library.

    The same as ``scipy.ndimage.gaussian_filter``.

    >>> import numpy as np
    >>> gaussian_filter(np.eye(3), 1.0).round(3)
    array([[0.502, 0.329, 0.168],
           [0.329, 0.342, 0.329],
           [0.168, 0.329, 0.502]])
    """
    return filters.solve(
        "gaussian_filter", (input,), output, sigma=sigma, order=order, mode=mode, cval=cval, truncate=truncate,
        radius=radius, axes=axes, nan=nan, fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def gaussian_filter1d(
    input: Array, sigma: Any, axis: int = -1, order: int = 0, output: Any = None, mode: str = "reflect",
    cval: Any = 0.0, truncate: float = 4.0, *, radius: int | None = None, nan: str | None = None,
    fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Blur along one axis with a Gaussian. Arguments are those of ``gaussian_filter``.

    The same as ``scipy.ndimage.gaussian_filter1d``.

    >>> gaussian_filter1d([1.0, 2.0, 3.0, 4.0, 5.0], 1).round(3)
    array([1.427, 2.068, 3.   , 3.932, 4.573])
    """
    return filters.solve(
        "gaussian_filter", (input,), output, sigma=sigma, order=order, mode=mode, cval=cval, truncate=truncate,
        radius=radius, axes=(axis,), nan=nan, fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def uniform_filter(
    input: Array, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
    axes: Any = None, nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Take the mean of a box about each sample.

    Args:
        input: The image.
        size: The samples of the box; one number, or one for each axis.
        output: The dtype of the result, that of the input by default; on NumPy also an array to write into.
        mode: What lies beyond the edges, as this module says; one, or one for each axis.
        cval: The number beyond the edges in mode "constant".
        origin: By how many samples the box lies off its middle; one, or one for each axis.
        axes: The axes to filter along, all by default.
        nan: What becomes of missing samples, as this module says.
        fill_value: For nan="fill", the value in their place.
        min_weight: For nan="omit" and "interpolate", the least share of the weights that has to be there.
        keep_nan: Whether what is missing in the input is missing in the result.

    Returns:
        An array of the input's shape and library. Integers are added exactly and then divided; floating-point numbers
        are correlated with the box, without the errors that a running sum gathers.

    The same as ``scipy.ndimage.uniform_filter``.

    >>> uniform_filter([0, 3, 6, 9], 3)
    array([1, 3, 6, 8])
    """
    return filters.solve(
        "uniform_filter", (input,), output, size=size, mode=mode, cval=cval, origin=origin, axes=axes, nan=nan,
        fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def uniform_filter1d(
    input: Array, size: int, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,
    origin: int = 0, *, nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Take means along one axis. Arguments are those of ``uniform_filter``.

    The same as ``scipy.ndimage.uniform_filter1d``.

    >>> uniform_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3)
    array([4, 3, 4, 1, 4, 6, 6, 3])
    """
    return filters.solve(
        "uniform_filter", (input,), output, size=size, mode=mode, cval=cval, origin=origin, axes=(axis,), least=1,
        nan=nan, fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def sobel(
    input: Array, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *,
    nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Take Sobel's derivative: differences (-1, 0, 1) along one axis, weights (1, 2, 1) along the others.

    The same as ``scipy.ndimage.sobel``.

    >>> sobel([[0, 0, 1, 1], [0, 0, 1, 1]])
    array([[0, 4, 4, 0],
           [0, 4, 4, 0]])
    """
    return filters.solve(
        "derivative_filter", (input,), output, axis=axis, across=[1, 2, 1], mode=mode, cval=cval, nan=nan,
        fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def prewitt(
    input: Array, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *,
    nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Take Prewitt's derivative: differences (-1, 0, 1) along one axis, weights (1, 1, 1) along the others.

    The same as ``scipy.ndimage.prewitt``.

    >>> prewitt([[0, 0, 1, 1], [0, 0, 1, 1]])
    array([[0, 3, 3, 0],
           [0, 3, 3, 0]])
    """
    return filters.solve(
        "derivative_filter", (input,), output, axis=axis, across=[1, 1, 1], mode=mode, cval=cval, nan=nan,
        fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def laplace(
    input: Array, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False,
) -> Array:  # fmt: skip
    """Add up the second differences (1, -2, 1) along each axis.

    The same as ``scipy.ndimage.laplace``.

    >>> laplace([0, 0, 1, 0, 0])
    array([ 0,  1, -2,  1,  0])
    """
    return filters.solve(
        "laplace", (input,), output, mode=mode, cval=cval, axes=axes, nan=nan, fill_value=fill_value,
        min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def gaussian_laplace(
    input: Array, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False, **kwargs: Any,
) -> Array:  # fmt: skip
    """Add up the second derivatives of the blurred image. ``kwargs`` are ``truncate`` and ``radius``.

    The same as ``scipy.ndimage.gaussian_laplace``.

    >>> gaussian_laplace([0.0, 0.0, 1.0, 0.0, 0.0], 1.0).round(3)
    array([ 0.197,  0.002, -0.399,  0.002,  0.197])
    """
    return filters.solve(
        "gaussian_laplace", (input,), output, sigma=sigma, mode=mode, cval=cval, axes=axes, more=kwargs, nan=nan,
        fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def gaussian_gradient_magnitude(
    input: Array, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    nan: str | None = None, fill_value: Any = 0.0, min_weight: float = 0.0, keep_nan: bool = False, **kwargs: Any,
) -> Array:  # fmt: skip
    """Return the length of the blurred image's gradient. ``kwargs`` are ``truncate`` and ``radius``.

    Where the length is 0 its derivative is taken to be 0.

    The same as ``scipy.ndimage.gaussian_gradient_magnitude``.

    >>> gaussian_gradient_magnitude([0.0, 0.0, 1.0, 1.0], 1.0).round(3)
    array([0.108, 0.363, 0.363, 0.108])
    """
    return filters.solve(
        "gaussian_gradient_magnitude", (input,), output, sigma=sigma, mode=mode, cval=cval, axes=axes, more=kwargs,
        nan=nan, fill_value=fill_value, min_weight=min_weight, keep_nan=keep_nan,
    )  # fmt: skip


@public
def generic_laplace(
    input: Array, derivative2: Callable, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    extra_arguments: Sequence[Any] = (), extra_keywords: dict | None = None, *, axes: Any = None,
) -> Array:  # fmt: skip
    """Add up a second derivative of the user's along each axis.

    ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)`` returns an array; ``output`` is
    the name of a dtype, since arrays of other libraries than NumPy cannot be written into.

    The same as ``scipy.ndimage.generic_laplace``, which passes NumPy arrays to be written into, too.

    >>> def second(input, axis, output, mode, cval):
    ...     return correlate1d(input, [1, -2, 1], axis, output, mode, cval)
    >>> generic_laplace([0, 0, 1, 0, 0], second)
    array([ 0,  1, -2,  1,  0])
    """
    return filters.generic(input, derivative2, output, mode, cval, extra_arguments, extra_keywords, axes, squared=False)


@public
def generic_gradient_magnitude(
    input: Array, derivative: Callable, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    extra_arguments: Sequence[Any] = (), extra_keywords: dict | None = None, *, axes: Any = None,
) -> Array:  # fmt: skip
    """Return the length of a gradient whose parts along each axis a function of the user's returns.

    ``derivative`` is called as ``generic_laplace`` calls its own.

    The same as ``scipy.ndimage.generic_gradient_magnitude``, which passes NumPy arrays to be written into, too.

    >>> generic_gradient_magnitude([[0.0, 3.0], [0.0, 3.0]], sobel)
    array([[12., 12.],
           [12., 12.]])
    """
    return filters.generic(input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes, squared=True)
