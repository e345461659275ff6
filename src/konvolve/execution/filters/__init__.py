"""SciPy's image filters, from arguments to a result: find the library, filter, store the result as it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Backend
from konvolve.execution.deferred import is_particular, is_symbolic, record
from konvolve.execution.filters.functions import FILTERS, summed
from konvolve.execution.filters.holes import Holes, filtered
from konvolve.execution.filters.passes import Image
from konvolve.execution.holes import HIDDEN
from konvolve.execution.operations import OPERATIONS, Operation, Options
from konvolve.planning import dtypes
from konvolve.planning.filters import arguments
from konvolve.planning.operands import Operand, plain
from konvolve.planning.signal.holes import check_holes


def solve(
    name: str, arrays: tuple, output: Any = None, *, nan: Any = None, fill_value: Any = 0.0, min_weight: Any = 0.0,
    keep_nan: Any = False, **options: Any,
) -> Any:  # fmt: skip
    """Answer one of ``ndimage``'s functions; ``options`` are its arguments that are not named here."""
    asked = None
    if check_holes(nan, fill_value, False, min_weight, keep_nan, "same"):
        asked = Holes(nan, plain(fill_value), float(min_weight), bool(keep_nan))
    if any(map(is_particular, arrays)):
        if nan == "raise" and any(map(is_symbolic, arrays)):
            raise ValueError(HIDDEN.format("input"))
        told = asked._asdict() if asked else {}
        return record(f"ndimage.{name}", arrays, {"output": _dtype_alone(output), **options, **told})
    xp, found = registry.resolve(dict(zip(("input", "weights"), arrays, strict=False)))
    given = [xp.dtype(x) for x in found]
    if dtypes.parse(given[0]).kind == "other":
        raise RuntimeError(f"input must be an array of numbers, not of dtype {given[0]}")
    into = output if isinstance(output, np.ndarray) else None
    if into is not None and not isinstance(found[0], np.ndarray):
        raise TypeError(f"output must be a dtype: {xp.name} cannot write into an array, and a new one is returned")
    dtype = arguments.output_dtype(output if into is None else into.dtype, given[0], given[1:])
    if into is not None and dtype != into.dtype.name:
        raise RuntimeError(f"output must have complex dtype, not {into.dtype}: the filter or its input is complex")
    image = Image(xp, found[0], dtype)
    if asked and not dtypes.parse(given[0]).integral:
        y = filtered(name, image, found[1:], options, asked).x
    else:  # integers have no holes
        y = FILTERS[name](image, *found[1:], **options).x
    y = xp.to_result(xp.cast(y, dtype))
    if into is None:
        return y
    if into.shape != y.shape:
        raise RuntimeError(f"output shape not correct: {into.shape}, where the result is of shape {y.shape}")
    into[...] = y
    return into


def _dtype_alone(output: Any) -> str | None:
    if isinstance(output, np.ndarray):
        raise TypeError("output must be a dtype: what is computed later cannot be written into an array now")
    return None if output is None else arguments.output_dtype(output, "float32")


def generic(
    input: Any, step: Callable, output: Any, mode: Any, cval: Any, more: Sequence[Any], named: dict | None, axes: Any,
    *, squared: bool,
) -> Any:  # fmt: skip
    """Add up what a function of the user's returns for each axis, or the squares of it, and then take the root."""
    xp, (x,) = registry.resolve({"input": input})
    if isinstance(output, np.ndarray):
        raise TypeError("output must be a dtype, or None for the input's: a new array is returned")
    dtype = arguments.output_dtype(output, xp.dtype(x))

    def asked(given: Image, axis: int, edge: Any) -> Image:
        found = step(given.x, axis, dtype, edge, cval, *more, **(named or {}))
        if found is None:
            raise TypeError(f"{getattr(step, '__name__', 'the function')} must return an array, not None")
        return given.then(xp.cast(xp.asarray(found, given.x), dtype))

    return xp.to_result(xp.cast(summed(Image(xp, x, dtype), asked, axes, mode, squared=squared).x, dtype))


_HOLES = ("nan", "fill_value", "min_weight", "keep_nan")


def _reached(name: str, arrays: Sequence[Any], options: Options) -> tuple[tuple[int, int], ...]:
    """Return how far a filter reaches along each axis, by what it does to a single sample."""
    sample, *weights = arrays
    xp, (x,) = registry.resolve({"input": sample})
    dtype = arguments.output_dtype(options["output"], xp.dtype(x), [each.dtype.name for each in weights])
    seen: list = []
    image = Image(xp, x, dtype, reach=((0, 0),) * len(xp.shape(x)), seen=seen)
    own = {key: option for key, option in options.items() if key not in ("output", *_HOLES)}
    FILTERS[name](image, *weights, **own)
    if options.get("nan") not in (None, "fill", "raise", "propagate"):  # and of the local means that go with it
        FILTERS["uniform_filter"](image, size=3, mode="nearest", cval=0.0, origin=0, axes=None)
    reach = [(max(low for low, _ in each), max(high for _, high in each)) for each in zip(*seen, strict=True)]
    twice = 1 + (options.get("nan") == "interpolate")  # first the holes, then the filter
    return tuple((twice * low, twice * high) for low, high in reach or ((0, 0),) * image.ndim)


def _enter(name: str) -> None:
    """Enter a filter into the table of operations."""

    def result(xp: Backend, operands: Sequence[Operand], options: Options) -> tuple[tuple[int | None, ...], str]:
        (shape, given), *more = operands
        return shape, arguments.output_dtype(options["output"], given, [dtype for _, dtype in more])

    def compute(arrays: Sequence[Any], options: Options, owner: Any) -> Any:
        return solve(name, tuple(arrays), **options)

    def reach(arrays: Sequence[Any], options: Options) -> tuple[tuple[int, int], ...]:
        return _reached(name, arrays, options)

    OPERATIONS[f"ndimage.{name}"] = Operation(("input", "weights"), result, compute, (), reach=reach)


for _name in FILTERS:
    _enter(_name)
