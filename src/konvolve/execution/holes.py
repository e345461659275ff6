"""Convolution of data with holes: samples that are missing, being NaN or infinite, or that count for less.

With k the kernel, z the data (0 in its holes, times the weights), h the missing share of each sample (1 in a hole,
otherwise 1 - weight) and * the convolution in the mode and boundary that are asked for, what is there for a result has
the weight D = sum(k) - h * k, and "omit" is

    sum(k) (z * k) / D

which is the plain convolution where nothing is missing. A kernel whose sum is nearly zero has nothing to divide by.
With s its support, 1 where it is not 0, the local weighted mean is m = (z * s) / (sum(s) - h * s), and the result is

    z * k + m (h * k)

the convolution of the data with m in the place of what is missing: for a sum of zero the same as to take m away from
the data. Each * is a convolution by a plan of its own, of real data and a real h: no sample's size touches the other's
rounding, and a kernel that is a product stays one.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.execution import signal
from konvolve.execution.deferred import is_particular, is_symbolic, record
from konvolve.execution.kernel import Kernel
from konvolve.execution.operations import OPERATIONS, Operation, Options
from konvolve.planning import dtypes
from konvolve.planning.operands import Operand, plain
from konvolve.planning.signal.arguments import check_axes, check_fill
from konvolve.planning.signal.holes import ROUNDINGS, check_weights, nearly_zero, rounding, split_boundary
from konvolve.planning.signal.plan import Plan

_KERNEL_HOLE = "in2 has a hole, a sample that is NaN or infinite, and nan={!r} is about holes of in1: fill it first"
_NO_MEAN = (
    "nan='interpolate' fills holes with means weighted by the kernel, and a kernel whose sum is nearly zero has none: "
    "use nan='omit' or 'fill', or fill the holes by another kernel first"
)
HIDDEN = "nan='raise' has to look at {}, whose values are not known yet where a function is compiled or recorded"


class _Question(NamedTuple):
    """What is asked about two arrays: the function, what becomes of holes, and the function's own arguments."""

    function: str
    nan: str
    min_weight: float
    options: dict[str, Any]


class _Work(NamedTuple):
    """The arrays, in the dtype of the work.

    ``kernel`` is in2 as it was given where its dtype is right, so that what is known of it stays known; ``seen`` are
    its values, None where they are hidden, and ``own`` is its dtype as it came. ``missing`` says how much of a sample
    is missing, 1 in a hole.
    """

    xp: Backend
    data: Array
    kernel: Any
    taps: Array
    seen: np.ndarray | None
    own: str
    missing: Array


def solve(
    function: str, in1: Any, in2: Any, *, nan: Any, fill_value: Any, weights: Any, min_weight: float, keep_nan: bool,
    **options: Any,
) -> Array:  # fmt: skip
    """Answer ``convolve`` or ``correlate`` of data with holes; ``options`` are the function's other arguments."""
    given = {"in1": in1, "in2": in2} if weights is None else {"in1": in1, "in2": in2, "weights": weights}
    if any(map(is_particular, given.values())):
        if nan == "raise" and any(map(is_symbolic, given.values())):
            raise ValueError(HIDDEN.format("in1"))
        told = {"function": function, "nan": nan, "fill_value": plain(fill_value)}
        told |= {"min_weight": float(min_weight), "keep_nan": bool(keep_nan)}
        return record("holes", tuple(given.values()), told | options)
    if isinstance(in2, Kernel):
        given["in2"] = in2.array
    xp, (a, b, *rest) = registry.resolve(given)
    plan = signal.plan_arrays(xp, function, a, b, **options)  # all errors of the other arguments
    result = _result(plan.problem.result, weighted=bool(rest))
    if rest:
        check_weights(xp.shape(rest[0]), xp.shape(a))
    question = _Question(function, nan, float(min_weight), options)
    if dtypes.parse(result).kind not in ("float", "complex"):
        return signal.solve(function, a, in2, **options)  # integers have no holes
    holes = xp.isfinite(a) if dtypes.parse(xp.dtype(a)).kind in ("float", "complex") else None
    y = _answered(xp, question, a, (in2, b), holes, rest[0] if rest else None, fill_value, result)
    y = xp.cast(y, result)
    if keep_nan:
        back = _holes(xp, a, holes, rest[0] if rest else None)
        y = xp.where(xp.broadcast_to(back, xp.sizes(y)), xp.scalar(math.nan, result, y), y)
    return xp.to_result(y)


def _result(promoted: str, *, weighted: bool) -> str:
    """Return the dtype of the result: weights make floating-point numbers of integers."""
    integral = dtypes.parse(promoted).kind in ("bool", "int", "uint")
    return "float64" if weighted and integral else promoted


def _answered(
    xp: Backend, question: _Question, a: Array, kernel: tuple, finite: Array | None, weights: Array | None,
    fill_value: Any, result: str,
) -> Array:  # fmt: skip
    """Return the answer of each choice, in the dtype of the work or of the result."""
    function, nan, _, options = question
    if nan == "propagate" or (finite is None and weights is None and nan in ("fill", "raise")):
        return signal.solve(function, a, kernel[0], **options, local=True)
    seen = _values(xp, *kernel)
    if seen is not None and seen.dtype.kind in "fc" and not np.isfinite(seen).all():
        raise ValueError(_KERNEL_HOLE.format(nan))
    if nan == "raise":
        refuse(xp, a)
        return signal.solve(function, a, kernel[0], **options)
    if nan == "fill":
        own = xp.dtype(a)
        value = check_fill(fill_value, own, "fill_value")
        filled = xp.where(finite, a, xp.scalar(value if dtypes.is_complex(own) else complex(value).real, own, a))
        return signal.solve(function, filled, kernel[0], **options, local=not cmath.isfinite(value))
    data, edges, beyond = split_boundary(options["boundary"])
    if weights is None and not beyond and (finite is None or xp.all_finite((a,)) is True):
        return signal.solve(function, a, kernel[0], **options)
    facts = xp, a, kernel, seen, finite, weights, result
    if nan == "omit":
        return _omitted(question, _work(*facts), (data, edges))
    filled = _filled(question, facts, (data, edges))
    return signal.solve(function, filled, kernel[0], **options, local=True)


def _values(xp: Backend, given: Any, b: Array) -> np.ndarray | None:
    """Return the kernel's values, None where they are hidden."""
    if isinstance(given, Kernel):
        return np.asarray(given)
    if xp.reads_code():
        return None
    return np.asarray(given) if isinstance(given, np.ndarray | list | tuple | float | int) else xp.values(b)


def refuse(xp: Backend, a: Array, name: str = "in1") -> None:
    """Raise ValueError if there is a hole in an argument, or if nobody can tell."""
    if xp.traced(a) or xp.reads_code():
        raise ValueError(HIDDEN.format(name))
    x = xp.to_numpy(a)
    if x.dtype.kind not in "iub" and not np.isfinite(x).all():
        number = int((~np.isfinite(x)).sum())
        raise ValueError(f"nan='raise', and {name} has holes: {number} of its {x.size} samples are NaN or infinite")


def _work(
    xp: Backend, a: Array, kernel: tuple, seen: np.ndarray | None, finite: Array | None, weights: Array | None,
    result: str,
) -> _Work:  # fmt: skip
    real = xp.canonical(dtypes.real(dtypes.as_float(result)))
    wide = {True: dtypes.result_type(real, "complex64"), False: real}
    own = xp.dtype(kernel[1])
    data = xp.cast(a, wide[dtypes.is_complex(xp.dtype(a))])
    taps = xp.cast(kernel[1], wide[dtypes.is_complex(own)])
    there = xp.zeros((), real, a) + 1
    if weights is not None:
        _check_values(xp, weights)
        there = xp.broadcast_to(xp.cast(weights, real), xp.sizes(a))
    if finite is not None:
        data = xp.where(finite, data, xp.zeros((), xp.dtype(data), a))
        there = xp.where(finite, there, xp.zeros((), real, a))
    there = xp.broadcast_to(there, xp.sizes(a))
    if weights is not None:
        data = data * (there if xp.dtype(data) == real else xp.cast(there, xp.dtype(data)))
    given = kernel[0] if xp.dtype(taps) == own and not isinstance(kernel[0], list | tuple) else taps
    return _Work(xp, data, given, taps, seen, own, 1 - there)


def _holes(xp: Backend, a: Array, finite: Array | None, weights: Array | None) -> Array:
    """Return where a sample is missing altogether."""
    hole = xp.broadcast_to(xp.zeros((), "bool", a), xp.sizes(a)) if finite is None else ~finite
    return hole if weights is None else hole | (weights == 0)


def _check_values(xp: Backend, weights: Array) -> None:
    values = None if xp.reads_code() else xp.values(weights)
    if values is not None and not (values >= 0).all():
        worst = values[~(values >= 0)].ravel()[0]
        raise ValueError(f"weights must not be negative, nor NaN: one of them is {worst}")


def _omitted(question: _Question, work: _Work, boundaries: tuple, interpolating: bool = False) -> Array:
    """Return what is there, made up for what is missing; NaN where too little is there."""
    xp, options = work.xp, question.options
    axes = check_axes(options["axes"], len(xp.shape(work.data)))
    of_data, of_holes = (question.options | {"boundary": each} for each in boundaries)
    z = signal.solve(question.function, work.data, work.kernel, **of_data)
    missing = signal.solve(question.function, work.missing, work.kernel, **of_holes)
    total = xp.total(_oriented(xp, question, work.taps), axes)
    size = xp.total(_magnitude(xp, work.taps), axes)
    zero_sums = _zero_sums(work, axes, total, size)
    if interpolating and zero_sums is True:
        raise ValueError(_NO_MEAN)
    if zero_sums is False or interpolating:
        del work  # as large as the data, and nobody else has it
        return _shared(xp, question, z, total, (total, missing, size))
    divided = None if zero_sums is True else _shared(xp, question, z, total, (total, missing, size))
    support = xp.cast(xp.where(work.taps != 0, xp.zeros((), xp.dtype(work.missing), z) + 1, 0 * size), xp.dtype(size))
    near = signal.solve(question.function, work.data, support, **of_data)
    away = signal.solve(question.function, work.missing, support, **of_holes)
    count = xp.total(support, axes)
    mean = _shared(xp, question, near, 1 + 0 * count, (count, away, count))
    wide = xp.dtype(z)
    moved = z + xp.cast(mean, wide) * xp.cast(missing, wide)
    return moved if divided is None else xp.where(zero_sums, moved, divided)


def _shared(xp: Backend, question: _Question, z: Array, share: Array, weights: tuple[Array, Array, Array]) -> Array:
    """Return z times a share of the weight that is there, NaN where too little is.

    ``weights`` are the kernel's sum, what is missing of it, and the sum of its magnitudes.
    """
    total, missing, size = weights
    left = total - missing
    nothing = size * (ROUNDINGS * rounding(xp.dtype(size)))
    enough = _exceeds(xp, left, nothing)
    if question.min_weight:
        real = not dtypes.is_complex(xp.dtype(left))  # the part of a real sum has a sign
        there = xp.where(xp.constant(total) < 0, -left, left) if real else _magnitude(xp, left)
        enough = enough & (there >= question.min_weight * _magnitude(xp, total) - nothing)
    # Chosen before the division, so that no gradient passes through one by zero.
    left = xp.where(enough, left, xp.scalar(1, xp.dtype(left), left))
    y = z * xp.cast(share / left, xp.dtype(z))
    return xp.where(enough, y, xp.scalar(math.nan, xp.dtype(z), y))


def _exceeds(xp: Backend, x: Array, bound: Array) -> Array:
    """Return where the magnitude is larger than a bound, a constant to derivatives."""
    if dtypes.is_complex(xp.dtype(x)):
        return _magnitude(xp, x) > bound
    x = xp.constant(x)
    return (x > bound) | (x < -bound)  # without an array of magnitudes


def _zero_sums(work: _Work, axes: Sequence[int], total: Array, size: Array) -> Any:
    """Return whether the kernel's sum is nearly zero: True or False for all of its rows, or a truth for each."""
    if work.seen is not None:
        rows = sums_to_zero(work.seen, axes, work.own)
        if rows.all() or not rows.any():
            return bool(rows.all())
    return _magnitude(work.xp, total) <= nearly_zero(work.own) * size


def sums_to_zero(values: np.ndarray, axes: Sequence[int], dtype: str) -> np.ndarray:
    """Return whether each row of a kernel, along all other axes, has a sum of nearly zero."""
    values = values if values.dtype.kind == "c" else values.astype(np.float64)
    return np.asarray(np.abs(values.sum(tuple(axes))) <= nearly_zero(dtype) * np.abs(values).sum(tuple(axes)))


def _oriented(xp: Backend, question: _Question, taps: Array) -> Array:
    conjugate = question.function == "correlate" and dtypes.is_complex(xp.dtype(taps))
    return xp.conjugate(taps) if conjugate else taps


def _magnitude(xp: Backend, x: Array) -> Array:
    """Return the magnitude, a constant to derivatives: it is for bounds."""
    x = xp.constant(x)
    if not dtypes.is_complex(xp.dtype(x)):
        return xp.where(x < 0, -x, x)
    real, imaginary = xp.split_complex(x)
    return (real * real + imaginary * imaginary) ** 0.5


def _filled(question: _Question, facts: tuple, boundaries: tuple) -> Array:
    """Return the data with each hole filled by the answer of "omit" there; ``facts`` are the arguments of ``_work``."""
    xp, a, _, _, finite, weights, _ = facts
    here = {name: option for name, option in question.options.items() if name != "lags"} | {"mode": "same"}
    means = _omitted(question._replace(options=here), _work(*facts), boundaries, interpolating=True)
    hole, shape = _holes(xp, a, finite, weights), xp.sizes(means)
    clean = xp.where(hole, xp.zeros((), xp.dtype(a), a), a)
    return xp.where(xp.broadcast_to(hole, shape), means, xp.broadcast_to(xp.cast(clean, xp.dtype(means)), shape))


def _compute(arrays: Sequence[Any], options: Options, owner: Any) -> Array:
    """Answer a call that was recorded with symbolic tensors; the weights follow in2 where there are any."""
    in1, in2, *rest = arrays
    return solve(in1=in1, in2=in2, weights=rest[0] if rest else None, **options)


def _recorded(xp: Backend, operands: Sequence[Operand], options: Options) -> tuple[tuple[int | None, ...], str]:
    one, two, *rest = operands
    if rest:
        check_weights(rest[0][0], one[0])
    plan = _planned(xp.profile(), (one, two), options)
    return plan.output_shape, _result(plan.problem.result, weighted=bool(rest))


def _planned(library: str, operands: Sequence[Operand], options: Options) -> Plan:
    """Return the plan of the convolution itself."""
    own = {k: v for k, v in options.items() if k not in ("function", "nan", "fill_value", "min_weight", "keep_nan")}
    return signal.make(options["function"], operands[0], operands[1], library, (None, None), **own)


OPERATIONS["holes"] = Operation(("in1", "in2", "weights"), _recorded, _compute, (), _planned)
