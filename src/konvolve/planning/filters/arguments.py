"""The checks of single arguments of SciPy's image filters, and their messages; the kinds of errors are SciPy's."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.caller import stacklevel
from konvolve.planning.operands import plain, shown

MODES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "reflect",
    "nearest": "nearest",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}
"""What lies beyond the edges, in ``scipy.ndimage``'s words and in ``convolve``'s, two of which mean something else."""


class Placement(NamedTuple):
    """How a kernel lies along an axis: the axis, how many taps it has there, and which of them lies on the output."""

    axis: int
    taps: int
    centre: int


def integer(argument: str, given: Any, least: int = 0, error: type[Exception] = ValueError) -> int:
    """Return an integer from ``least`` on; an error that names the argument for anything else."""
    try:
        found = operator.index(plain(given))
    except TypeError:
        found = least - 1
    if found < least or isinstance(given, bool):
        raise error(f"{argument} must be an integer of at least {least}, not {argument}={shown(given)}")
    return found


def check_axis(axis: Any, ndim: int, argument: str = "axis") -> int:
    """Return an axis from 0 on; ValueError for one that the input has not, TypeError for what is none."""
    try:
        found = operator.index(plain(axis))
    except TypeError:
        raise TypeError(f"{argument}={shown(axis)} cannot be interpreted as an integer") from None
    if not -ndim <= found < ndim:
        raise ValueError(f"{argument}={found} is out of range: an input of {ndim} axes has {-ndim} to {ndim - 1}")
    return found % ndim


def check_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a filter, all by default; ValueError for one that is not there, or there twice."""
    if axes is None:
        return tuple(range(ndim))
    given = list(axes) if isinstance(axes, Iterable) else [axes]
    found = tuple(check_axis(axis, ndim, "axes") for axis in given)
    if len(set(found)) < len(found):
        raise ValueError(f"axes must be unique, not axes={shown(axes)}")
    return found


def each_axis(argument: str, given: Any, count: int) -> list:
    """Return an argument as a list with one for each axis."""
    given = plain(given)
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [given] * count
    found = list(given)
    if len(found) != count:
        raise RuntimeError(
            f"sequence argument must have length equal to input rank: {argument} must be one, or one for each of the "
            f"{count} axes, not {argument}={shown(given)}"
        )
    return found


def boundary(mode: Any, cval: Any, dtype: str) -> Any:
    """Return what lies beyond the edges of an input of a dtype, as ``correlate`` takes it: a word or a number."""
    word = MODES.get(mode) if isinstance(mode, str) else None
    if word is None:
        words = ", ".join(map(repr, MODES))
        raise RuntimeError(f"boundary mode not supported: mode must be one of {words}, not mode={shown(mode)}")
    if word != "constant":
        return word
    value = plain(cval)
    if isinstance(value, bool) or not isinstance(value, int | float | complex):
        raise TypeError(f"cval must be a number, not cval={shown(cval)}")
    if isinstance(value, complex) and not dtypes.is_complex(dtype):
        if value.imag:
            raise ValueError(f"Cannot provide a complex-valued cval when the input is real: cval={shown(cval)}")
        return value.real
    return value


def placement(axis: int, taps: int, origin: Any) -> Placement:
    """Return how a correlation's kernel lies along an axis; ValueError for an origin that moves it off the output."""
    shift = plain(origin)
    allowed = range(-(taps // 2), (taps - 1) // 2 + 1)
    if isinstance(shift, bool) or not isinstance(shift, int) or shift not in allowed:
        raise ValueError(
            f"invalid origin: of {taps} taps it must be an integer from {allowed[0]} to {allowed[-1]}, not "
            f"origin={shown(origin)}"
        )
    return Placement(axis, taps, taps // 2 + shift)


def mirrored(taps: int, origin: Any) -> Any:
    """Return the origin of a correlation with the reversed kernel that is the convolution."""
    shift = plain(origin)
    return -shift - (taps % 2 == 0) if isinstance(shift, int) else origin


def output_dtype(output: Any, given: str, also: Sequence[str] = ()) -> str:
    """Return the name of the result's dtype: that which was asked for, or that of the input.

    A result with complex numbers in it is complex, also for a real input.
    """
    involved = [given, *also]
    is_complex = any(map(dtypes.is_complex, involved))
    if output is None:
        if not is_complex or dtypes.is_complex(given):
            return given
        return dtypes.result_type(given, "complex64")
    name = getattr(output, "name", None) or getattr(output, "__name__", None) or str(output)
    name = {"float": "float64", "int": "int64", "complex": "complex128"}.get(name, name.rpartition(".")[2])
    name = _CODES.get(name, name)
    if dtypes.parse(name).kind == "other":
        raise RuntimeError(f"output must be a dtype of numbers, or None for the input's, not output={shown(output)}")
    if is_complex and not dtypes.is_complex(name):
        if isinstance(output, str):
            raise RuntimeError(f"output must have complex dtype where the filter or its input has, not {name}")
        warnings.warn("promoting specified output dtype to complex", stacklevel=stacklevel())
        return dtypes.result_type(name, "complex64")
    return name


# NumPy's codes for dtypes, which SciPy's users write.
_CODES = {"d": "float64", "f": "float32", "D": "complex128", "F": "complex64", "i": "int32", "B": "uint8", "?": "bool"}


def work_dtype(given: str, result: str) -> str:
    """Return the dtype in which sums are taken: at least as precise as both, floating or complex.

    >>> work_dtype("uint8", "uint8"), work_dtype("float32", "float32"), work_dtype("float32", "float64")
    ('float64', 'float32', 'float64')
    """
    floats = [dtypes.as_float(name) for name in (given, result) if not dtypes.parse(name).integral]
    if dtypes.parse(given).integral:
        floats.append("float64")
    found = floats[0]
    for other in floats[1:]:
        found = dtypes.result_type(found, other)
    return found


def number_of(argument: str, given: Any) -> float:
    """Return a real number; ValueError for anything else."""
    value = plain(given)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"{argument} must be a number, not {argument}={shown(given)}")
    return float(value)


MOST_TAPS = 2**20
"""A kernel reaches at most so far: one of two axes would not fit into memory long before."""


def radius_of(sigma: float, truncate: Any, radius: Any) -> int:
    """Return how many samples a Gaussian reaches to each side."""
    if radius is not None:
        found = plain(radius)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise ValueError(f"Radius must be a nonnegative integer, not radius={shown(radius)}")
    else:
        reach = number_of("truncate", truncate) * sigma + 0.5
        if not 0 <= reach < MOST_TAPS:
            raise ValueError(
                f"sigma={sigma:g} with truncate={shown(truncate)} reaches {reach:g} samples; allowed: 0 to {MOST_TAPS}"
            )
        found = int(reach)
    return found
