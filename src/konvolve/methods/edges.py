"""Samples beyond the edges: periodic, mirrored or constant, as a gather along each axis.

An index i beyond a signal of N samples stands for::

    wrap        i mod N                        c d | a b c d | a b
    symmetric   j = i mod 2N, min(j, 2N-1-j)   b a | a b c d | d c
    fill        a constant                     k k | a b c d | k k

so a kernel may be longer than the signal, and an edge may be crossed many times.
"""

from __future__ import annotations

from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.planning.dtypes import is_complex
from konvolve.planning.geometry import Window, window
from konvolve.planning.plan import Plan


def extend(xp: Backend, plan: Plan, a: Array, taps: tuple) -> Array:
    """Return the samples of a that the windows need, those beyond the edges filled in."""
    problem = plan.problem
    assert plan.extension is not None
    batch = len(xp.shape(a)) - len(problem.axes)
    for i, kept in enumerate(plan.extension):
        axis = batch + i
        n = xp.sizes(a)[axis]
        if kept is None:
            kept = Window(taps[i] // 2, n) if problem.late else window(problem.mode, n, taps[i], xp.minimum, xp.maximum)
        index = xp.arange(kept.start - (taps[i] - 1), kept.start + kept.size, a)
        a = _gather(xp, a, index, n, axis, problem.boundary, problem.fill)
    return a


def _gather(xp: Backend, a: Array, index: Array, n: Any, axis: int, boundary: str, fill: complex) -> Array:
    if boundary == "wrap":
        return xp.take(a, index % n, axis)
    if boundary == "symmetric":
        within = index % (2 * n)
        return xp.take(a, xp.where(within < n, within, 2 * n - 1 - within), axis)
    inside = (index >= 0) & (index < n)
    y = xp.take(a, xp.where(inside, index, index * 0), axis)
    name = xp.dtype(a)
    constant = xp.scalar(fill if is_complex(name) else fill.real, name)
    shape = [1] * len(xp.shape(a))
    shape[axis] = -1
    return xp.where(xp.reshape(inside, shape), y, constant)
