"""The common way of every plan: dtypes, the second operand reversed, axes brought last, and all of it undone."""

from __future__ import annotations

import warnings

from konvolve.backends.interface import Array, Backend
from konvolve.methods import direct, edges, exact, fft, overlap
from konvolve.methods.sizes import at_run_time
from konvolve.planning import dtypes
from konvolve.planning.plan import Plan

_NOT_FINITE = (
    "Use of fft convolution on input with NAN or inf results in NAN or inf output. "
    "Consider using method='direct' instead."
)

_METHODS = {"direct": direct.run, "fft": fft.run, "overlap": overlap.run}


def run(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Carry out a plan on two arrays of the backend's library."""
    problem = plan.problem
    if plan.method == "nothing":
        return xp.zeros(_output_sizes(xp, plan, a, b), problem.result, a)
    work = _work_dtype(plan)
    a, b = xp.cast(a, work), xp.cast(b, work)
    if problem.conjugate and dtypes.is_complex(work):
        b = xp.conjugate(b)
    if problem.flip:
        b = xp.flip(b, problem.flip)
    if problem.mode == "same" and problem.batch:
        b = _centre(xp, plan, a, b)
    if plan.method == "product":
        return xp.finish(xp.cast(a * b, problem.result))
    if plan.layout is not None:
        a, b = xp.transpose(a, plan.layout[0]), xp.transpose(b, plan.layout[0])
    rank = len(problem.axes)
    taps = xp.sizes(b)[-rank:]
    if plan.extension is not None:
        a = edges.extend(xp, plan, a, taps)
    if plan.turns:
        b = edges.wind(xp, plan, b)
    sizes = at_run_time(xp, plan, xp.sizes(a)[-rank:], taps)
    method = _METHODS[plan.method]
    if plan.digits is not None:
        y = exact.run(xp, plan.digits, lambda x, k: method(xp, plan, sizes, x, k), a, b)
    else:
        y = method(xp, plan, sizes, a, b)
    if plan.layout is not None:
        y = xp.transpose(y, plan.layout[1])
    y = xp.finish(xp.cast(y, problem.result))
    if problem.warns and plan.method != "direct" and not xp.begins_finite(y):
        warnings.warn(_NOT_FINITE, RuntimeWarning, stacklevel=4)
    return y


def _work_dtype(plan: Plan) -> str:
    compute = plan.problem.compute
    if plan.digits is not None or ((plan.loop or plan.method == "product") and dtypes.parse(compute).integral):
        return "int64"  # in which every library can add, and which wraps to any other integer
    if compute == "bool":  # a sum of products of truths is a count
        return "int32"
    return compute


def _centre(xp: Backend, plan: Plan, a: Array, b: Array) -> Array:
    """Keep the rows of b that mode "same" keeps where in1 has one row to broadcast: the middle one.

    SciPy cuts the broadcast result down to in1's own shape on every axis, about the centre; taking the row
    before convolving gives the same.
    """
    problem = plan.problem
    pairs = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.batch]
    if all(n2 == 1 or (n1 is not None and n1 == n2) for n1, n2 in pairs):
        return b
    sizes1, sizes2 = xp.sizes(a), list(xp.sizes(b))
    starts = [0] * len(sizes2)
    for axis in problem.batch:
        n1, n2 = sizes1[axis], sizes2[axis]
        single = xp.maximum(1 - abs(n1 - 1), 0)  # 1 where n1 is, otherwise 0: sizes that do not fit stay an error
        starts[axis] = single * ((n2 - 1) // 2)
        sizes2[axis] = n2 + single * (1 - n2)
    return xp.window(b, starts, sizes2)


def _output_sizes(xp: Backend, plan: Plan, a: Array, b: Array) -> list:
    if plan.problem.kind == "empty":
        return [0]
    shape = list(plan.output_shape)
    for axis, (n, n1, n2) in enumerate(zip(shape, xp.sizes(a), xp.sizes(b), strict=True)):
        if n is None:
            shape[axis] = xp.maximum(n1, n2)
    return shape
