"""Checks of single arguments, with the error types and the words users of SciPy know.

Each message says what is allowed and what was given.
"""

from __future__ import annotations

import cmath
import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from konvolve.planning import dtypes
from konvolve.planning.geometry import MODES
from konvolve.planning.operands import BOUNDARIES, EDGE_WORDS, METHODS, ZERO, Edge, Shape, others_word, shown

# SciPy's words for two dimensions, and NumPy's (numpy.pad) for any number.
PLANAR_BOUNDARIES = {
    "fill": "constant",
    "pad": "constant",
    "wrap": "wrap",
    "circular": "wrap",
    "symm": "symmetric",
    "symmetric": "symmetric",
}


def check_mode(mode: Any) -> None:
    """Raise ValueError for a mode that is not "full", "same" or "valid"."""
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError(f"acceptable mode flags are 'valid', 'same', or 'full', not mode={shown(mode)}")


def check_method(method: Any) -> None:
    """Raise ValueError for a method that no plan knows."""
    if not isinstance(method, str) or method not in METHODS:
        allowed = ", ".join(map(repr, METHODS[:-1]))
        raise ValueError(f"Acceptable method flags are {allowed}, or {METHODS[-1]!r}, not method={shown(method)}")


def _other_function(word: Any) -> str:
    """Return where a boundary that these two functions have not is to be had."""
    if isinstance(word, str) and word in BOUNDARIES:
        return f"; convolve and correlate take boundary={word!r}, for pictures too"
    return ""


def check_planar_boundary(boundary: Any, fill: complex) -> Edge:
    """Return what lies beyond the edges of a picture, or raise ValueError."""
    if not isinstance(boundary, str) or boundary not in PLANAR_BOUNDARIES:
        raise ValueError(
            "Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm'), "
            f"not boundary={shown(boundary)}{_other_function(boundary)}"
        )
    kind = PLANAR_BOUNDARIES[boundary]
    return Edge(kind) if kind != "constant" else Edge(kind, fill) if fill != 0 else ZERO


def check_boundary(boundary: Any, axes: Sequence[int], dtype: str) -> dict[int, Edge]:
    """Return what lies beyond the ends of each axis, in the order the axes were named, or raise ValueError."""
    several = isinstance(boundary, (list, tuple))
    each = list(boundary) if several else [boundary] * len(axes)
    if len(each) != len(axes):
        raise ValueError(f"boundary must be one, or one for each of the {len(axes)} axes, not {shown(boundary)}")
    edges = {}
    for axis, one in zip(axes, each, strict=True):
        if isinstance(one, str) and one in BOUNDARIES:
            edges[axis] = Edge(BOUNDARIES[one])
        elif isinstance(one, (int, float, complex)):
            value = check_fill(one, dtype, "boundary")
            edges[axis] = Edge("constant", value) if value != 0 else ZERO
        else:
            raise ValueError(
                f"boundary must be {EDGE_WORDS}, or a number, or a list with one of these for each axis, "
                f"not {shown(one)}{others_word(one)}"
            )
    return edges


def check_lags(lags: Any, axes: Sequence[int], mode: str) -> dict[int, tuple[int, int]]:
    """Return the first and last lag for each axis, in the order the axes were named; none where lags is None."""
    if lags is None:
        return {}
    problem = f"lags must be a pair of integers (lowest, highest), or one such pair for each axis, not {shown(lags)}"
    if isinstance(lags, int) and not isinstance(lags, bool):
        problem += f": write lags=({-abs(lags)}, {abs(lags)}) for all from one to the other, ({lags}, {lags}) for one"
    try:
        pairs = [lags] if len(axes) == 1 and not isinstance(lags[0], (list, tuple)) else list(lags)
        found = {
            axis: (operator.index(low), operator.index(high)) for axis, (low, high) in zip(axes, pairs, strict=True)
        }
    except (TypeError, ValueError, IndexError, KeyError):
        raise ValueError(problem) from None
    if any(low > high for low, high in found.values()):
        raise ValueError(problem)
    if mode != "full":
        raise ValueError(f"lags choose what is kept, so mode must be 'full' with them, not mode={mode!r}")
    return found


def check_mask(argument: str, mask: Shape, signal: Shape) -> None:
    """Raise ValueError unless a mask has the shape of its signal."""
    if len(mask) != len(signal) or any(
        m is not None and n is not None and m != n for m, n in zip(mask, signal, strict=True)
    ):
        raise ValueError(f"{argument} must have the shape of its signal, {signal}, not {mask}")


def check_normalize(normalize: Any, boundary: Any, masks: Sequence[Any], min_overlap: Any, undefined: Any) -> bool:
    """Return whether the coefficient is asked for, or raise ValueError for what does not go with it."""
    if type(normalize).__name__ not in ("bool", "bool_"):  # NumPy's is called so
        raise ValueError(f"normalize must be True or False, not {normalize!r}")
    if not normalize:
        if any(mask is not None for mask in masks):
            raise ValueError("mask1 and mask2 are for normalize=True: multiply the signals by them otherwise")
        if not _is_number(min_overlap) or min_overlap != 0 or not _is_number(undefined) or undefined != 0:
            raise ValueError(
                f"min_overlap and undefined are for normalize=True, not min_overlap={min_overlap!r}, "
                f"undefined={undefined!r}"
            )
        return False
    if boundary != "zero":
        raise ValueError(
            f"normalize=True leaves out what lies beyond the edges: boundary must be 'zero', not {boundary!r}"
        )
    if not _is_number(min_overlap) or min_overlap < 0 or not (min_overlap <= 1 or min_overlap % 1 == 0):
        raise ValueError(
            "min_overlap must be a number of samples, or a share of in2's samples between 0 and 1 such as 0.3, "
            f"not {min_overlap!r}"
        )
    if not _is_number(undefined) or not (undefined == 0 or undefined != undefined):
        raise ValueError(f"undefined must be 0 or NaN, not {undefined!r}")
    return True


def _is_number(x: Any) -> bool:
    return isinstance(x, numbers.Real) and type(x).__name__ not in ("bool", "bool_")


def check_memory(max_memory: Any) -> int | None:
    """Return a ceiling in whole bytes, or None for none; ValueError for anything but a positive number."""
    if max_memory is None:
        return None
    if isinstance(max_memory, bool) or not isinstance(max_memory, (int, float)) or not 0 < max_memory < math.inf:
        raise ValueError(f"max_memory must be a positive number of bytes, or None, not {shown(max_memory)}")
    return int(max_memory)


def check_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return axes as non-negative ints, in the order given; None means all of them.

    Raises ValueError for anything but an int or an iterable of ints, for an axis out of range, for one that
    is named twice and for none at all.
    """
    if axes is None:
        return tuple(range(ndim))
    try:
        given = [operator.index(axes)] if not isinstance(axes, Iterable) else [operator.index(a) for a in axes]
    except TypeError:
        raise ValueError(f"axes must be a scalar or iterable of integers, not axes={shown(axes)}") from None
    if not given:
        raise ValueError("when provided, axes cannot be empty; None is all of them")
    normal = [axis + ndim if axis < 0 else axis for axis in given]
    for axis, place in zip(given, normal, strict=True):
        if not 0 <= place < ndim:
            raise ValueError(
                f"axes exceeds dimensionality of input: there is no axis {axis} in {ndim} dimensions, only "
                f"{-ndim} to {ndim - 1}; axes={shown(axes)}"
                if ndim
                else f"axes exceeds dimensionality of input: a single number has no axes, not axes={shown(axes)}"
            )
        if normal.count(place) > 1:
            raise ValueError(f"all axes must be unique: axis {place} is named twice in axes={shown(axes)}")
    return tuple(normal)


def check_compatible(shape1: Shape, shape2: Shape, batch: Sequence[int]) -> None:
    """Raise ValueError unless the sizes of every batch axis are equal, 1, or not yet known."""
    for axis in batch:
        n1, n2 = shape1[axis], shape2[axis]
        if None not in (n1, n2) and n1 != n2 and 1 not in (n1, n2):
            raise ValueError(
                f"incompatible shapes for in1 and in2: {shape1} and {shape2}; axis {axis} is not convolved, so its "
                f"sizes must be equal or one of them 1, not {n1} and {n2}"
            )


def check_valid(shape1: Shape, shape2: Shape, axes: Sequence[int]) -> None:
    """Raise ValueError when, for mode "valid", neither input is at least as large as the other on all axes."""
    pairs = [(shape1[axis], shape2[axis]) for axis in axes]
    known = [(n1, n2) for n1, n2 in pairs if n1 is not None and n2 is not None]
    if any(n1 > n2 for n1, n2 in known) and any(n1 < n2 for n1, n2 in known):
        raise ValueError(
            "For 'valid' mode, one must be at least as large as the other in every dimension: "
            f"{shape1} and {shape2} on axes {tuple(axes)}"
        )


def check_not_empty(function: str, shape1: Shape, shape2: Shape, axes: Sequence[int]) -> None:
    """Raise ValueError when there is no sample to convolve along some axis."""
    if any(0 in (shape1[axis], shape2[axis]) for axis in axes):
        raise ValueError(f"{function}: in1 and in2 cannot be empty along the axes {tuple(axes)}: {shape1} and {shape2}")


def check_fill(fillvalue: Any, dtype: str, argument: str = "fillvalue") -> complex:
    """Return the constant beyond the edges as a number that the output's dtype can hold.

    A scalar or anything with one element is accepted; None is NaN, and a fraction is cut off for an integer
    dtype, as in SciPy.
    """
    item = fillvalue
    while hasattr(item, "__len__") and not isinstance(item, str) and getattr(item, "shape", None) != ():
        if len(item) == 0:
            raise ValueError(f"`{argument}` cannot be an empty array.")
        if len(item) > 1:
            raise ValueError(f"`{argument}` must be scalar or an array with one element.")
        item = item[0]
    try:
        number = complex("nan") if item is None else complex(item)
    except (TypeError, ValueError):
        raise ValueError(f"`{argument}` must be a number, not {shown(fillvalue)}") from None
    target = dtypes.parse(dtype)
    fits = target.kind == "complex" or number.imag == 0
    if target.integral:
        low = -(2 ** (target.bits - 1)) if target.kind == "int" else 0
        # A Python integer is kept as it is: a complex number has 53 bits only.
        whole = item if isinstance(item, int) else int(number.real) if cmath.isfinite(number) else None
        fits = fits and whole is not None and low <= whole <= low + 2**target.bits - 1
        number = whole if fits and whole is not None else number
    if not fits:
        raise ValueError(
            f"could not cast `{argument}` directly to the output type (it was first converted to complex): "
            f"{shown(fillvalue)} is not a value of {dtype}."
        )
    return number
