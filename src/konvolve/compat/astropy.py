"""``convolve`` and ``convolve_fft`` with the signatures of ``astropy.convolution``, on arrays of any library.

Both are ``konvolve.convolve`` in mode "same" with ``nan=``; docs/coming-from-astropy.md has the differences. astropy
need not be installed.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.planning import dtypes
from konvolve.signal import convolve as _convolve

_MASKED = "kernel has masked samples, which have no value to weigh with: pass kernel.filled(0), or what they should be"
_ZERO_SUM = (
    "nan_treatment='interpolate' takes means by the kernel, whose sum is nearly 0: use nan_treatment='fill', or "
    "konvolve.convolve(..., nan='omit'), which takes such a kernel"
)
_REMAIN = (
    "some samples of the result are NaN: a gap in the array is wider than the kernel, which has nothing to take a mean "
    "of there; a larger kernel reaches across it"
)
_NO_NORMAL = (
    "normalize_kernel=True divides by the kernel's sum, which is nearly 0: pass False, or a function of the kernel"
)
_BOUNDARIES = {"wrap": "wrap", "extend": "nearest"}


def convolve(
    array: Any, kernel: Any, boundary: Any = "fill", fill_value: float = 0.0, nan_treatment: str = "interpolate",
    normalize_kernel: Any = True, mask: Any = None, preserve_nan: bool = False, normalization_zero_tol: float = 1e-8,
) -> Array:  # fmt: skip
    """Convolve as ``astropy.convolution.convolve`` does, with its arguments; the arrays may be of any library.

    Returns an array of the first one's shape. Raises ValueError for a kernel of even size, of another number of
    dimensions, or that cannot be normalized where it has to be.

    >>> convolve([1.0, float("nan"), 3.0], [1.0, 1.0, 1.0], boundary="extend")
    array([1., 2., 3.])
    """
    if boundary not in (None, "fill", "wrap", "extend"):
        raise ValueError(f"boundary must be None, 'fill', 'wrap' or 'extend', not {boundary!r}")
    xp, x, k = _ready(array, kernel, mask, nan_treatment)
    if any(n is not None and n % 2 == 0 for n in xp.shape(k)):
        raise ValueError(f"kernel must have an odd size along each axis, not shape {xp.shape(k)}")
    k, zero = _normalized(xp, k, normalize_kernel, normalization_zero_tol)
    lost = _has_holes(xp, x) or (boundary == "fill" and math.isnan(fill_value))
    if zero and lost and nan_treatment == "interpolate":
        raise ValueError(_ZERO_SUM)
    edge = {None: "zero", "fill": float(fill_value)}.get(boundary, _BOUNDARIES.get(boundary))
    y = _convolved(x, k, edge, nan_treatment, fill_value, preserve_nan)
    if lost and nan_treatment == "interpolate" and not preserve_nan and _has_holes(xp, y):
        warnings.warn(_REMAIN, UserWarning, stacklevel=2)
    if boundary is None:  # zero wherever the kernel leaves the array
        reach = [n // 2 for n in xp.sizes(k)]
        inner = [n - 2 * r for n, r in zip(xp.sizes(y), reach, strict=True)]
        if any(isinstance(n, int) and n <= 0 for n in inner):
            raise ValueError(
                f"boundary=None needs a kernel smaller than the array, not {xp.shape(k)} for {xp.shape(y)}"
            )
        y = xp.window(xp.window(y, reach, inner), [-r for r in reach], xp.sizes(y))
    return _as_given(y, array)


def convolve_fft(
    array: Any, kernel: Any, boundary: Any = "fill", fill_value: float = 0.0, nan_treatment: str = "interpolate",
    normalize_kernel: Any = True, normalization_zero_tol: float = 1e-8, preserve_nan: bool = False, mask: Any = None,
    crop: bool = True, return_fft: bool = False, fft_pad: Any = None, psf_pad: Any = None, min_wt: float = 0.0,
    allow_huge: bool = False, fftn: Any = None, ifftn: Any = None, complex_dtype: Any = complex, dealias: bool = False,
) -> Array:  # fmt: skip
    """Convolve as ``astropy.convolution.convolve_fft`` does, with its arguments; the arrays may be of any library.

    A plan decides on transforms and their lengths: ``fft_pad``, ``allow_huge``, ``fftn``, ``ifftn``,
    ``complex_dtype`` and ``dealias`` change nothing. Raises NotImplementedError for ``crop=False``,
    ``return_fft=True``, ``psf_pad=False`` with a filled boundary, and boundary "extend", which ``convolve`` has.

    >>> convolve_fft([1.0, float("nan"), 3.0], [1.0, 1.0, 1.0])
    array([0.5, 2. , 1.5])
    """
    if boundary == "extend" or not crop or return_fft or (psf_pad is False and boundary != "wrap"):
        raise NotImplementedError(
            "convolve_fft has no boundary='extend' (convolve has), no crop=False, return_fft=True or psf_pad=False"
        )
    if boundary not in (None, "fill", "wrap"):
        raise ValueError(f"boundary must be None, 'fill' or 'wrap', not {boundary!r}")
    for name, given in (("psf_pad", psf_pad), ("fft_pad", fft_pad), ("dealias", dealias)):
        if given and boundary == "wrap":
            raise ValueError(f"boundary='wrap' pads nothing: {name} must not be set, not {name}={given!r}")
    if boundary is None:
        text = "boundary=None is boundary='fill' in convolve_fft, unlike in convolve: zeros lie beyond the edges"
        warnings.warn(text, UserWarning, stacklevel=2)
    xp, x, k = _ready(array, kernel, mask, nan_treatment)
    k, zero = _normalized(xp, k, normalize_kernel, normalization_zero_tol)
    if zero and nan_treatment == "interpolate":
        raise ValueError(_ZERO_SUM)
    if any(n is not None and n % 2 == 0 for n in xp.shape(k)):  # the middle of an even size is the later sample
        k = xp.window(k, [0] * len(xp.shape(k)), [n + 1 - n % 2 for n in xp.sizes(k)])
    beyond = 0.0 if nan_treatment == "fill" and not math.isfinite(fill_value) else float(fill_value)
    edge = "wrap" if boundary == "wrap" else beyond
    least = min_wt if nan_treatment == "interpolate" else 0.0
    y = _convolved(x, k, edge, nan_treatment, fill_value, False, least)
    if nan_treatment == "interpolate" and not min_wt > 0:
        y = xp.where(y == y, y, xp.scalar(0.0, xp.dtype(y), y))
    if preserve_nan:
        y = xp.where(xp.isfinite(x), y, xp.scalar(math.nan, xp.dtype(y), y))
    return _as_given(y, array)


def _ready(array: Any, kernel: Any, mask: Any, nan_treatment: str) -> tuple[Backend, Array, Array]:
    """Return the library, the array with NaN where it is masked, and the kernel, both in a floating dtype."""
    if nan_treatment not in ("interpolate", "fill"):
        raise ValueError(f"nan_treatment must be 'interpolate' or 'fill', not {nan_treatment!r}")
    if np.ma.is_masked(kernel):
        raise ValueError(_MASKED)
    masks = [each for each in (mask, array.mask if np.ma.is_masked(array) else None) if each is not None]
    array, kernel = (getattr(getattr(x, "array", x), "value", getattr(x, "array", x)) for x in (array, kernel))
    if isinstance(array, np.ma.MaskedArray):
        array = array.data
    xp, (x, k) = registry.resolve({"array": array, "kernel": kernel})
    if dtypes.parse(xp.dtype(x)).kind == "other":
        raise TypeError(f"array must hold numbers, not be of dtype {xp.dtype(x)}")
    if len(xp.shape(x)) == 0:
        raise ValueError("array must have at least one axis, not be a number")
    if len(xp.shape(x)) != len(xp.shape(k)):
        raise ValueError(f"kernel must have as many axes as the array, {len(xp.shape(x))}, not {len(xp.shape(k))}")
    if 0 in xp.shape(x):
        raise ValueError(f"array must have samples, not be of shape {xp.shape(x)}")
    x, k = (
        each if dtypes.parse(xp.dtype(each)).kind in ("float", "complex") else xp.cast(each, "float64")
        for each in (x, k)
    )
    for each in masks:
        x = xp.where(xp.asarray(each, x) != 0, xp.scalar(math.nan, xp.dtype(x), x), x)
    return xp, x, k


def _has_holes(xp: Backend, x: Array) -> bool:
    """Whether there are holes, as far as that can be seen."""
    finite = None if xp.traced(x) or xp.reads_code() else xp.all_finite((x,))
    return finite is not None and not bool(finite)


def _normalized(xp: Backend, k: Array, how: Any, tolerance: float) -> tuple[Array, bool]:
    """Return the kernel as it is to be used, and whether its sum is nearly zero, as far as that can be seen."""
    total = xp.total(k, range(len(xp.shape(k))))
    seen = None if xp.traced(total) or xp.reads_code() else abs(complex(xp.to_numpy(total).ravel()[0]))
    zero = seen is not None and seen <= tolerance
    if how is True and seen is not None and (zero or seen < 0.01):
        raise ValueError(_NO_NORMAL)
    if how is True:
        return k / total, False
    return (k / how(k) if how else k), zero


def _convolved(x: Array, k: Array, edge: Any, treatment: str, fill: Any, keep: bool, least: float = 0.0) -> Array:
    """Return the convolution in mode "same", holes treated."""
    if treatment == "fill":
        return _convolve(x, k, "same", boundary=edge, nan="fill", fill_value=fill, keep_nan=keep)
    return _convolve(x, k, "same", boundary=edge, nan="omit", min_weight=least, keep_nan=keep)


def _as_given(y: Array, array: Any) -> Array:
    """Return the result in the floating dtype and the unit that a NumPy array came with."""
    dtype, unit = getattr(array, "dtype", None), getattr(array, "unit", None)
    if isinstance(y, np.ndarray) and isinstance(dtype, np.dtype) and dtype.kind == "f":
        y = y.astype(dtype, copy=False)
    return y if unit is None else y << unit
