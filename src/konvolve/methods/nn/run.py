"""The common way of every plan on channels: dtypes, samples beyond the edges, what is not finite."""

from __future__ import annotations

from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.methods import finite, nothing
from konvolve.methods.edges import beyond
from konvolve.methods.nn import direct, fft, overlap
from konvolve.methods.nn.layout import spatial_sizes
from konvolve.methods.nn.sizes import at_run_time, known
from konvolve.planning.nn.phases import extended
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.operands import Edge

METHODS: dict[str, Any] = {"direct": direct, "fft": fft, "overlap": overlap}
"""What carries each method out: ``prepare(xp, plan, sizes, kernel)`` and ``run(xp, plan, sizes, x, prepared)``.

``x`` are the inputs, extended beyond their edges, and ``prepared`` is what ``prepare`` returned.
"""


def run(xp: Backend, plan: ChannelPlan, x: Array, kernel: Array, prepared: Array | None = None) -> Array:
    """Carry out a plan on two arrays of the backend's library.

    ``prepared`` is what ``prepare`` made of the kernel, where that was done before; then all of the kernel is finite.
    """
    problem = plan.problem
    if plan.method == "nothing":
        return nothing.zeros(xp, _output_sizes(xp, plan, x), problem.result, x, kernel)
    own = plan.method == "direct" and not plan.loops
    dtype = problem.result if own and xp.is_fast_in(x, problem.result) else problem.compute
    x, method = _extend(xp, problem, xp.cast(x, dtype)), METHODS[plan.method]
    sizes = at_run_time(xp, plan, spatial_sizes(problem, xp.sizes(x)))

    def linear(x: Array, kernel: Array) -> Array:
        return method.run(xp, plan, sizes, x, method.prepare(xp, plan, sizes, kernel))

    def by_prepared(x: Array) -> Array:
        return method.run(xp, plan, sizes, x, prepared)

    if plan.between_taps or (plan.way.spreads and problem.local):
        kernel = xp.cast(kernel, dtype)
        y = finite.convolve(xp, linear, x, kernel, None if prepared is None else by_prepared)
    else:
        y = linear(x, xp.cast(kernel, dtype)) if prepared is None else by_prepared(x)
    y = xp.cast(y, problem.result)
    return y if own else xp.to_result(y)  # what a library's own convolution returns its users know


def prepare(xp: Backend, plan: ChannelPlan, kernel: Array) -> Array:
    """Do all of a plan that concerns the kernel alone; the plan is one that allows it (``preparable``)."""
    return xp.to_result(METHODS[plan.method].prepare(xp, plan, known(plan), xp.cast(kernel, plan.problem.compute)))


def both_ways(xp: Backend, problem: ChannelProblem, forward: Array, backward: Array) -> Array:
    """Return the one kernel that looks back as ``forward`` does and ahead as ``backward`` does.

    Their last taps meet the same sample: the taps of ``backward`` are laid behind, in the other direction, and the one
    in the middle is their sum. The convolution is linear in the kernel.
    """
    axis = len(xp.shape(forward)) - 3
    one, two = xp.sizes(forward)[axis], xp.sizes(backward)[axis]
    rest = xp.sizes(forward)[axis + 1 :]
    size = [one + two - 1, *rest]
    forward, backward = (xp.cast(k, problem.compute) for k in (forward, backward))
    ahead = xp.flip(backward, (axis,))
    return xp.window(forward, [0] * 3, size) + xp.window(ahead, [1 - one, 0, 0], size)


def _extend(xp: Backend, problem: ChannelProblem, x: Array) -> Array:
    """Return x with the samples beyond its edges filled in, where they are not zeros."""
    for i, axis in enumerate(problem.axes):
        if axis.edge != "zero" and not problem.transposed:
            where = i + (1 if problem.last else 2)
            n = xp.sizes(x)[where]
            before, size = extended(axis, n, xp.maximum)
            x = beyond(xp, x, xp.arange(-before, size - before, x), n, where, Edge(axis.edge))
    return x


def _output_sizes(xp: Backend, plan: ChannelPlan, x: Array) -> list[Size]:
    problem, sizes = plan.problem, xp.sizes(x)
    spatial = [
        (axis.transposed(n) if problem.transposed else axis.convolved(n, xp.maximum))[1]
        for axis, n in zip(problem.axes, spatial_sizes(problem, sizes), strict=True)
    ]
    return [sizes[0], *spatial, problem.outputs] if problem.last else [sizes[0], problem.outputs, *spatial]
