"""The common way of every plan: dtypes, the second operand reversed, axes brought last, and all of it undone."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.methods import edges, finite, nothing
from konvolve.methods.signal import direct, fft, integers, matrix, overlap
from konvolve.methods.signal.sizes import Sizes, at_run_time, broadcast
from konvolve.planning import dtypes
from konvolve.planning.geometry import window
from konvolve.planning.signal.plan import Plan

_NOT_FINITE = (
    "Use of fft convolution on input with NAN or inf results in NAN or inf output. "
    "Consider using method='direct' instead."
)

_PACKAGE = os.path.join(os.path.abspath(__file__).rpartition(os.path.join("", "methods", "signal", ""))[0], "")

_METHODS: dict[str, Any] = {"direct": direct, "fft": fft, "overlap": overlap, "matrix": matrix}


def run(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Carry out a plan on two arrays of the backend's library."""
    problem = plan.problem
    if plan.rows is not None:
        return _in_chunks(xp, plan, a, b)
    if plan.method == "nothing":
        return nothing.zeros(xp, _output_sizes(xp, plan, a, b), problem.result, a, b)
    b = _oriented(xp, plan, b)
    if problem.cropped:
        b = _centre(xp, plan, a, b)
    if plan.method == "product":
        return xp.finish(xp.cast(xp.cast(a, _work_dtype(plan)) * b, problem.result))
    b = b if plan.layout is None else xp.transpose(b, plan.layout[0])
    rank = len(problem.axes)
    taps = xp.sizes(b)[-rank:]
    a = _signal(xp, plan, a, taps)
    sizes = at_run_time(xp, plan, xp.sizes(a)[-rank:], taps)

    def linear(a: Array, b: Array) -> Array:
        return _method(xp, plan, sizes, a, _kernel(xp, plan, sizes, b))

    local = plan.spreads or (plan.method == "direct" and _meets_zeros(xp, plan, a if plan.swap else b))
    y = finite.convolve(xp, linear, a, b) if local else linear(a, b)
    del a  # extended, or in digits, it is not needed while the result is brought to its dtype and layout
    return _finished(xp, plan, y)


def _meets_zeros(xp: Backend, plan: Plan, taps: Array) -> bool:
    """Whether a direct sum would be NaN where it lays its taps over the zeros beyond the other operand's ends.

    Known where values are at hand, which is in eager calls.
    """
    floating = plan.problem.compute.startswith(("float", "complex"))
    return floating and xp.device(taps) in ("", "cpu") and xp.all_finite((taps,)) is False


def _in_chunks(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Carry out the plan of a chunk for one chunk of the batch after the other."""
    assert plan.rows is not None
    axis, rows = plan.rows
    n = xp.sizes(a)[axis]
    part = plan.passes[0]
    return xp.finish(xp.bands(lambda x: run(xp, part, x, b), a, axis, (0, rows, rows, -(-n // rows)), n))


def prepare(xp: Backend, plan: Plan, b: Array) -> Array:
    """Do all of a plan that concerns the kernel alone; the plan is one that allows it (``Plan.preparable``)."""
    b = _oriented(xp, plan, b)
    b = b if plan.layout is None else xp.transpose(b, plan.layout[0])
    return _kernel(xp, plan, Sizes(plan.windows, plan.lengths), b)  # type: ignore[arg-type]


def run_prepared(xp: Backend, plan: Plan, a: Array, prepared: Array, b: Array) -> Array:
    """Carry out a plan with a kernel b, all of it finite, that has been prepared for it."""
    taps = tuple(plan.problem.shape2[axis] for axis in plan.problem.axes)
    sizes = Sizes(plan.windows, plan.lengths)  # type: ignore[arg-type]
    a = _signal(xp, plan, a, taps)

    def linear(a: Array, b: Array) -> Array:
        return _method(xp, plan, sizes, a, prepare(xp, plan, b))

    def convolved(a: Array) -> Array:
        return _method(xp, plan, sizes, a, prepared)

    y = finite.convolve(xp, linear, a, xp.cast(b, _work_dtype(plan)), convolved) if plan.spreads else convolved(a)
    del a
    return _finished(xp, plan, y)


def _oriented(xp: Backend, plan: Plan, b: Array) -> Array:
    """Return the kernel in the dtype of the work, reversed and conjugated for a correlation."""
    work = _work_dtype(plan)
    b = xp.cast(b, work)
    if plan.problem.conjugate and dtypes.is_complex(work):
        b = xp.conjugate(b)
    return xp.flip(b, plan.problem.flip) if plan.problem.flip else b


def _signal(xp: Backend, plan: Plan, a: Array, taps: tuple) -> Array:
    """Return the signal with the convolved axes last, and all the samples beyond its edges that are wanted."""
    a = xp.cast(a, _work_dtype(plan))
    if plan.layout is not None:
        a = xp.transpose(a, plan.layout[0])
    if plan.extension is not None:
        a = edges.extend(xp, plan, a, taps)
    # Here, where nothing else keeps the integers alive beside their digits.
    return integers.split(xp, a, plan.digits.width, plan.digits.count1) if _in_digits(plan) and plan.digits else a


def _in_digits(plan: Plan) -> bool:
    """Whether the method is given digits; blocks are written in digits one band at a time, by the method itself."""
    return plan.digits is not None and plan.method != "overlap"


def _kernel(xp: Backend, plan: Plan, sizes: Sizes, b: Array) -> Array:
    """Return what the method makes of a kernel, whose convolved axes are last."""
    if plan.turns:
        b = edges.wind(xp, plan, b)
    if _in_digits(plan) and plan.digits:
        b = integers.split(xp, b, plan.digits.width, plan.digits.count2)
    return _METHODS[plan.method].prepare(xp, plan, sizes, b)


def _method(xp: Backend, plan: Plan, sizes: Sizes, a: Array, kernel: Array) -> Array:
    """Return the result of the method, the convolved axes last."""
    if plan.adjoint is None:
        y = _METHODS[plan.method].run(xp, plan, sizes, a, kernel)
    else:  # the kernel is as it was: only a sum has an adjoint
        y = xp.forked(
            lambda a, b: _METHODS[plan.method].run(xp, plan, sizes, a, b),
            None,
            functools.partial(_other, xp, plan.adjoint),
            a,
            kernel,
        )
    return integers.join(xp, plan.digits, y) if _in_digits(plan) and plan.digits else y


def _finished(xp: Backend, plan: Plan, y: Array) -> Array:
    """Return a result in the layout and dtype that were asked for."""
    if plan.layout is not None:
        y = xp.transpose(y, plan.layout[1])
    y = xp.finish(xp.cast(y, plan.problem.result))
    if plan.problem.warns and plan.method != "direct" and not xp.begins_finite(y):
        warnings.warn(_NOT_FINITE, RuntimeWarning, stacklevel=_outside())
    return y


def _outside() -> int:
    """Return the stacklevel of the line that called konvolve."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level


def _other(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Carry out a plan in the middle of another one: all sizes are known, and all around the method is done."""
    sizes = Sizes(plan.windows, plan.lengths)  # type: ignore[arg-type]
    method = _METHODS[plan.method]
    return method.run(xp, plan, sizes, a, method.prepare(xp, plan, sizes, b))


def _work_dtype(plan: Plan) -> str:
    compute = plan.problem.compute
    if plan.digits is not None or ((plan.loop or plan.method == "product") and dtypes.parse(compute).integral):
        return "int64"  # in which every library can add, and which wraps to any other integer
    if compute == "bool":  # a sum of products of truths is a count
        return "int32"
    return compute


def _centre(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Keep the rows of b that mode "same" keeps where in1 has one row to broadcast: the middle one.

    SciPy cuts the broadcast result down to in1's own shape, about the centre; taking the row before convolving gives
    the same.
    """
    problem = plan.problem
    pairs = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.cropped]
    if all(n2 == 1 or (n1 is not None and n1 == n2) for n1, n2 in pairs):
        return b
    sizes1, sizes2 = xp.sizes(a), list(xp.sizes(b))
    starts = [0] * len(sizes2)
    for axis in problem.cropped:
        n1, n2 = sizes1[axis], sizes2[axis]
        single = xp.maximum(1 - abs(n1 - 1), 0)  # 1 where n1 is, otherwise 0: sizes that do not fit stay an error
        starts[axis] = single * ((n2 - 1) // 2)
        sizes2[axis] = n2 + single * (1 - n2)
    return xp.window(b, starts, sizes2)


def _output_sizes(xp: Backend, plan: Plan, a: Array, b: Array) -> list:
    if plan.problem.kind == "empty":
        return [0]
    problem = plan.problem
    shape = list(plan.output_shape)
    for axis, (n, n1, n2) in enumerate(zip(shape, xp.sizes(a), xp.sizes(b), strict=True)):
        if n is not None:
            continue
        if axis in problem.axes:
            kept = problem.keeps(problem.axes.index(axis))
            shape[axis] = window(kept, n1, n2, xp.minimum, xp.maximum).size
        elif axis in problem.cropped:
            shape[axis] = n1
        else:
            shape[axis] = broadcast(xp, n1, n2)
    return shape
