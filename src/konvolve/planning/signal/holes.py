"""Checks of the arguments about missing samples, and what lies beyond the edges of data and of holes."""

from __future__ import annotations

import cmath
import numbers
from collections.abc import Sequence
from typing import Any

from konvolve.planning import dtypes
from konvolve.planning.operands import Shape, plain, shown

CHOICES = ("propagate", "fill", "raise", "omit", "interpolate")
"""What ``nan=`` may be beside None."""

WEIGHED = ("omit", "interpolate")
"""The choices that weights and a least weight are for."""

ROUNDINGS = 64
"""Less than so many roundings of sum(abs(kernel)) is nothing: a transform's error stays well below a few of them."""


def check_holes(
    nan: Any, fill_value: Any, weighted: bool, min_weight: Any, keep_nan: Any, mode: Any, lags: Any = None
) -> bool:
    """Return whether anything is to be done about holes, or raise ValueError for what does not go together."""
    if nan is None and not weighted and keep_nan is False and min_weight == 0 and fill_value == 0:
        return False  # before a compiler is asked what kind of number these are
    if nan is not None and (not isinstance(nan, str) or nan not in CHOICES):
        raise ValueError(f"nan must be None or one of {', '.join(map(repr, CHOICES))}, not {shown(nan)}")
    if type(keep_nan).__name__ not in ("bool", "bool_"):  # NumPy's is called so
        raise ValueError(f"keep_nan must be True or False, not {shown(keep_nan)}")
    least: Any = plain(min_weight)
    if not isinstance(least, int | float) or isinstance(least, bool) or not 0 <= least <= 1:
        raise ValueError(f"min_weight must be a share of the kernel's sum, from 0 to 1, not {shown(min_weight)}")
    for name, given in (("weights", weighted), ("min_weight", least != 0)):
        if given and nan not in WEIGHED:
            raise ValueError(f"{name} is for nan='omit' and nan='interpolate', not for nan={nan!r}")
    if nan != "fill" and not (isinstance(fill_value, numbers.Number) and fill_value == 0):
        raise ValueError(f"fill_value is for nan='fill', not for nan={nan!r}: fill_value={shown(fill_value)}")
    if keep_nan and nan is None:
        raise ValueError(f"keep_nan is for a choice of nan, one of {', '.join(map(repr, CHOICES))}, not for nan=None")
    if keep_nan and (mode != "same" or lags is not None):
        raise ValueError(f"keep_nan=True needs a result of in1's shape, which is mode='same', not mode={shown(mode)}")
    return nan is not None


def check_weights(weights: Shape, signal: Shape) -> None:
    """Raise ValueError unless weights of this shape broadcast to the signal's."""
    fits = len(weights) <= len(signal) and all(
        w is None or n is None or w in (1, n) for w, n in zip(weights[::-1], signal[::-1], strict=False)
    )
    if not fits:
        raise ValueError(f"weights must broadcast to in1's shape, {signal}, not be of shape {weights}")


def nearly_zero(dtype: str) -> float:
    """Return the share of sum(abs(kernel)) below which the sum of a kernel of a dtype counts as zero.

    It is the root of the dtype's rounding error: 1.5e-8 in float64 and for integers, 3.5e-4 in float32.
    """
    return rounding(dtype) ** 0.5


def rounding(dtype: str) -> float:
    """Return the distance from 1 to the next number of a dtype; float64's for integers."""
    name = dtypes.real(dtype)
    known = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}
    return known.get(name, 2.0**-52)


def split_boundary(boundary: Any) -> tuple[Any, Any, bool]:
    """Return what lies beyond the edges of the data, beyond those of the holes, and whether that is a hole anywhere.

    A number is data that counts in full. One that is not finite makes a hole of all that lies beyond.
    """
    boundary = plain(boundary)
    several = isinstance(boundary, list | tuple)
    each: Sequence[Any] = boundary if several else [boundary]
    data, holes, missing = [], [], False
    for one in each:
        number = isinstance(one, int | float | complex) and not isinstance(one, bool)
        lost = number and not cmath.isfinite(one)
        missing = missing or lost
        data.append("zero" if lost else one)
        holes.append(1.0 if lost else "zero" if number else one)
    return (data, holes, missing) if several else (data[0], holes[0], missing)
