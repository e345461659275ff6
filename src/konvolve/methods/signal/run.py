"""The common way of every plan: dtypes, the second operand reversed, axes brought last, and all of it undone."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.methods import finite, nothing
from konvolve.methods.signal import direct, edges, fft, integers, matrix, overlap
from konvolve.methods.signal.sizes import Sizes, at_run_time, broadcast
from konvolve.planning import dtypes
from konvolve.planning.caller import stacklevel
from konvolve.planning.geometry import window
from konvolve.planning.signal.chunks import Chunks
from konvolve.planning.signal.plan import Plan

_NOT_FINITE = (
    "Use of fft convolution on input with NAN or inf results in NAN or inf output. "
    "Consider using method='direct' instead."
)

METHODS: dict[str, Any] = {"direct": direct, "fft": fft, "overlap": overlap, "matrix": matrix}
"""What carries each method out: ``prepare(xp, way, sizes, b)`` and ``run(xp, way, sizes, a, prepared)``.

``a`` is the signal, extended beyond its edges and in digits where the way has digits, ``b`` the kernel, reversed where
it is a correlation's, both with the convolved axes last; ``prepared`` is what ``prepare`` returned.
"""


def run(
    xp: Backend, plan: Plan, a: Array, b: Array, prepared: Array | None = None, *, finite_input: bool = False
) -> Array:
    """Carry out a plan on two arrays of the backend's library.

    ``prepared`` is what ``prepare`` made of b, where that was done before; then all of b is finite. ``finite_input``
    says that all samples were looked at and are finite.
    """
    problem = plan.problem
    if isinstance(plan.way, Chunks):
        return _in_chunks(xp, plan.way, a, b)
    if plan.method == "nothing":
        return nothing.zeros(xp, _output_sizes(xp, plan, a, b), problem.result, a, b)
    if plan.method == "product":
        b = _centre(xp, plan, a, _oriented(xp, plan, b))
        return xp.to_result(xp.cast(xp.cast(a, plan.way.work_dtype(problem.compute)) * b, problem.result))
    taps: tuple = tuple(problem.shape2[axis] for axis in problem.axes)
    if prepared is None:
        b = _kernel(xp, plan, a, b)
        taps = xp.sizes(b)[-len(taps) :]
    a = _signal(xp, plan, a, taps)
    sizes = at_run_time(xp, plan, xp.sizes(a)[-len(taps) :], taps)

    def linear(a: Array, b: Array) -> Array:
        return _convolved(xp, plan, sizes, a, b if prepared is None else _kernel(xp, plan, None, b))

    def by_prepared(a: Array) -> Array:
        return METHODS[plan.method].run(xp, plan.way, sizes, a, prepared)

    if not finite_input and (plan.spreads or _meets_zeros(xp, plan, a, b)):
        b = b if prepared is None else xp.cast(b, plan.way.work_dtype(problem.compute))
        y = finite.convolve(xp, linear, a, b, None if prepared is None else by_prepared)
    else:
        y = linear(a, b) if prepared is None else by_prepared(a)
    del a  # extended, or in digits, it is not needed while the result is brought to its dtype and layout
    if plan.layout is not None:
        y = xp.transpose(y, plan.layout[1])
    y = xp.to_result(xp.cast(y, problem.result))
    if problem.warns and plan.method != "direct" and not xp.begins_finite(y):
        warnings.warn(_NOT_FINITE, RuntimeWarning, stacklevel=stacklevel())
    return y


def prepare(xp: Backend, plan: Plan, b: Array) -> Array:
    """Do all of a plan that concerns the kernel alone; the plan is one that allows it (``Plan.preparable``)."""
    sizes = Sizes(plan.windows, plan.lengths)  # type: ignore[arg-type]
    return METHODS[plan.method].prepare(xp, plan.way, sizes, _kernel(xp, plan, None, b))


def _meets_zeros(xp: Backend, plan: Plan, a: Array, b: Array) -> bool:
    """Whether a direct sum would be NaN where it lays its taps over the zeros beyond the other operand's ends.

    Known where values are at hand, which is in eager calls.
    """
    if plan.method != "direct" or not plan.problem.compute.startswith(("float", "complex")):
        return False
    taps = a if plan.way.swap else b  # type: ignore[attr-defined]
    return xp.device(taps) in ("", "cpu") and xp.all_finite((taps,)) is False


def _in_chunks(xp: Backend, way: Chunks, a: Array, b: Array) -> Array:
    """Carry out the plan of a chunk for one chunk of the batch after the other."""
    rows, n = way.rows, xp.sizes(a)[way.axis]
    return xp.to_result(xp.map_slabs(lambda x: run(xp, way.part, x, b), a, way.axis, (0, rows, rows, -(-n // rows)), n))


def _oriented(xp: Backend, plan: Plan, b: Array) -> Array:
    """Return the kernel in the dtype of the work, reversed and conjugated for a correlation."""
    work = plan.way.work_dtype(plan.problem.compute)
    b = xp.cast(b, work)
    if plan.problem.conjugate and dtypes.is_complex(work):
        b = xp.conjugate(b)
    return xp.flip(b, plan.problem.flip) if plan.problem.flip else b


def _kernel(xp: Backend, plan: Plan, a: Array | None, b: Array) -> Array:
    """Return the kernel as a convolution of the signal a takes it, the convolved axes last."""
    b = _oriented(xp, plan, b)
    if a is not None:
        b = _centre(xp, plan, a, b)
    return b if plan.layout is None else xp.transpose(b, plan.layout[0])


def _signal(xp: Backend, plan: Plan, a: Array, taps: tuple) -> Array:
    """Return the signal with the convolved axes last, and all the samples beyond its edges that are wanted."""
    way = plan.way
    a = xp.cast(a, way.work_dtype(plan.problem.compute))
    if plan.layout is not None:
        a = xp.transpose(a, plan.layout[0])
    if plan.extension is not None:
        a = edges.extend(xp, plan, a, taps)
    if way.digits is None or way.splits_bands:
        return a
    # Here, where nothing else keeps the integers alive beside their digits.
    return integers.split(xp, a, way.digits.width, way.digits.count1)


def _convolved(xp: Backend, plan: Plan, sizes: Sizes, a: Array, b: Array) -> Array:
    """Return the result of the plan's method, the convolved axes last."""
    method = METHODS[plan.method]
    prepared = method.prepare(xp, plan.way, sizes, b)
    if plan.adjoint is None:
        return method.run(xp, plan.way, sizes, a, prepared)
    # Only a sum has an adjoint, and it prepares nothing; the adjoint is a plan for the same sizes, all of them known.
    same = Sizes(plan.adjoint.windows, plan.adjoint.lengths)  # type: ignore[arg-type]
    other = functools.partial(_convolved, xp, plan.adjoint, same)
    return xp.with_gradient_of(lambda a, b: method.run(xp, plan.way, sizes, a, b), None, other, a, prepared)


def _centre(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Keep the rows of b that mode "same" keeps where in1 has one row to broadcast: the middle one.

    SciPy cuts the broadcast result down to in1's own shape, about the centre; taking the row before convolving gives
    the same.
    """
    problem = plan.problem
    if not problem.cropped:
        return b
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
