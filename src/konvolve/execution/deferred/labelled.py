"""Arrays with names: xarray's DataArray goes in and comes out, its dimensions, coordinates, attributes and name kept.

Nothing of xarray is imported: a result is made by the class of the signal. A result's sample lies where the middle of
the kernel lay, as in mode "same", so its coordinates are those of the signal there: cut for "valid", and for "full"
continued where they are regular.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from konvolve.backends.registry import is_labelled
from konvolve.execution.kernel import Kernel
from konvolve.execution.operations import OPERATIONS
from konvolve.planning.caller import stacklevel
from konvolve.planning.geometry import Window
from konvolve.planning.operands import shown

# How far a step of a regular coordinate may lie from the mean step, as a part of it.
_REGULAR = 1e-6


def compute(operation: str, arrays: tuple, options: dict[str, Any]) -> Any:
    """Return the result of an operation of arrays one of which has names; it has them if the first operand has."""
    for x in arrays:
        if is_labelled(x) and type(x).__name__ == "Dataset":
            raise TypeError(f"a {type(x).__name__} holds several arrays: map the function over them, or pass one")
    signal, *rest = arrays
    if not is_labelled(signal):
        plain = tuple(x.data if is_labelled(x) else x for x in arrays)
        return OPERATIONS[operation].compute(plain, options, None)
    dims = tuple(signal.dims)
    options = _by_number(options, dims)
    if operation.startswith("ndimage."):
        more = [_weights(x, dims, options) for x in rest]
        y = OPERATIONS[operation].compute((signal.data, *more), options, None)
        return _named(signal, y, signal.coords)
    if operation == "sepfir2d":
        y = OPERATIONS[operation].compute(tuple(x.data if is_labelled(x) else x for x in arrays), options, None)
        return _named(signal, y, signal.coords)
    kernel, options = _aligned(rest[0], dims, options)
    more = [x.transpose(*dims).data if is_labelled(x) else x for x in rest[1:]]
    plan = OPERATIONS[operation].plan
    assert plan is not None
    whole = plan("numpy", [(tuple(x.shape), str(x.dtype)) for x in (signal, kernel)], options)
    y = OPERATIONS[operation].compute((signal.data, kernel, *more), options, None)
    windows = dict(zip(whole.problem.axes, whole.windows, strict=True))
    moved = {}
    for axis, dim in enumerate(dims):
        taps = kernel.shape[axis]
        kept = windows.get(axis) or Window((taps - 1) // 2 if y.shape[axis] == signal.shape[axis] else 0, y.shape[axis])
        moved[dim] = kept.start - (taps - 1) // 2, kept.size
    return _named(signal, y, _coordinates(signal, moved))


def _named(signal: Any, y: Any, coordinates: Any) -> Any:
    return type(signal)(y, dims=signal.dims, coords=coordinates, attrs=signal.attrs, name=signal.name)


def _by_number(options: dict[str, Any], dims: Sequence[Any]) -> dict[str, Any]:
    """Return the options with the axes as numbers in place of the dimensions' names."""
    found = dict(options)
    for argument in ("axes", "axis"):
        given = found.get(argument)
        if isinstance(given, str):
            found[argument] = _number(argument, given, dims)
        elif isinstance(given, list | tuple):
            found[argument] = [_number(argument, each, dims) if isinstance(each, str) else each for each in given]
    return found


def _number(argument: str, name: str, dims: Sequence[Any]) -> int:
    if name not in dims:
        raise ValueError(f"{argument} must name dimensions of the array, {tuple(dims)}, not {shown(name)}")
    return list(dims).index(name)


def _aligned(kernel: Any, dims: Sequence[Any], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the kernel with an axis for each dimension of the signal, and the options with the axes it convolves.

    One with names convolves the dimensions that it has, if no others are asked for; an array of as many axes as are
    asked for has these, in their order.
    """
    if not is_labelled(kernel):
        axes = options.get("axes")
        array = kernel if hasattr(kernel, "shape") else np.asarray(kernel)
        if axes is None or isinstance(array, Kernel) or len(array.shape) == len(dims):
            return array, options
        asked = [axes] if isinstance(axes, int) else list(axes)
        if len(array.shape) != len(asked):
            return array, options  # which the plan refuses in its own words
        return _spread(array, [axis % len(dims) for axis in asked], len(dims)), options
    strange = [dim for dim in kernel.dims if dim not in dims]
    if strange:
        raise ValueError(f"in2 has the dimension {strange[0]!r}, and in1 has {tuple(dims)}")
    places = [list(dims).index(dim) for dim in kernel.dims]
    if options.get("axes") is None and "axes" in options:
        options = {**options, "axes": sorted(places)}
    return _spread(kernel.data, places, len(dims)), options


def _spread(array: Any, places: Sequence[int], ndim: int) -> Any:
    """Return an array with its axes at these places of so many, and axes of one sample at the others."""
    order = sorted(range(len(places)), key=lambda place: places[place])
    shape = [1] * ndim
    for place, size in zip(places, array.shape, strict=True):
        shape[place] = size
    return array.transpose(order).reshape(shape)


def _weights(x: Any, dims: Sequence[Any], options: dict[str, Any]) -> Any:
    """Return a filter's weights, their axes in the order of the image's dimensions."""
    if not is_labelled(x):
        return x
    return x.transpose(*(dim for dim in dims if dim in x.dims)).data


def _coordinates(signal: Any, moved: dict[Any, tuple[int, int]]) -> dict[Any, Any]:
    """Return the coordinates of a result that begins so many samples behind the signal, and is so long, along each."""
    found = {}
    for name, coordinate in signal.coords.items():
        along = [dim for dim in coordinate.dims if moved[dim] != (0, signal.sizes[dim])]
        inside = all(moved[d][0] >= 0 and sum(moved[d]) <= signal.sizes[d] for d in along)
        if inside:
            found[name] = coordinate.isel({d: slice(moved[d][0], sum(moved[d])) for d in along}).variable
            continue
        values = _continued(np.asarray(coordinate.values), *moved[along[0]]) if len(coordinate.dims) == 1 else None
        if values is None:
            warnings.warn(
                f"the coordinate {name!r} is dropped: it is not regular along {along[0]!r}, so that it has no values "
                "beyond its ends",
                UserWarning,
                stacklevel=stacklevel(),
            )
            continue
        found[name] = (coordinate.dims, values, coordinate.attrs)
    return found


def _continued(values: np.ndarray, start: int, size: int) -> np.ndarray | None:
    """Return a regular coordinate from so many samples behind its first on, None for one that is not regular."""
    if len(values) < 2 or values.dtype.kind not in "iufmM":
        return None
    first, step = values[0], values[1] - values[0]
    places = np.arange(start, start + size)
    if values.dtype.kind in "mM":
        return first + step * places if (np.diff(values) == step).all() else None
    mean = (float(values[-1]) - float(values[0])) / (len(values) - 1)
    steps = np.diff(values.astype(np.float64))
    if not math.isfinite(mean) or not np.allclose(steps, mean, rtol=0, atol=_REGULAR * abs(mean)):
        return None
    if values.dtype.kind in "iu":
        return first + int(step) * places
    return (float(first) + mean * places).astype(values.dtype)
