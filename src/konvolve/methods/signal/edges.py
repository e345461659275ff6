"""A signal extended beyond its edges along each convolved axis, and a kernel wrapped onto the period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.methods.edges import beyond
from konvolve.planning.geometry import window
from konvolve.planning.operands import Edge
from konvolve.planning.signal.plan import Plan


def extend(xp: Backend, plan: Plan, a: Array, taps: tuple) -> Array:
    """Return the samples of a that the windows need, those beyond the edges filled in."""
    problem = plan.problem
    assert plan.extension is not None
    rank = len(problem.axes)
    batch = len(xp.shape(a)) - rank
    for place, (kept, edge) in enumerate(zip(plan.extension, problem.edges, strict=True)):
        axis = batch + place
        sizes = xp.sizes(a)
        n = sizes[axis]
        if kept is None:
            kept = window(problem.keeps(place), n, taps[place], xp.minimum, xp.maximum)
        start, size = kept.start - (taps[place] - 1), kept.size + taps[place] - 1
        if all(isinstance(each, int) for each in (start, size, n)) and (start, size) == (0, n):
            continue
        if edge.kind == "zero":
            behind = rank - place - 1
            a = xp.window(a, [start] + [0] * behind, [size, *sizes[axis + 1 :]])
        else:
            a = _around(xp, a, start, size, axis, edge)
    return a


def _around(xp: Backend, a: Array, start: Any, size: Any, axis: int, edge: Edge) -> Array:
    """Return ``size`` samples from ``start`` on along an axis, which may lie before it or beyond its end.

    Only what lies outside is gathered, where that is known: indices for all samples are several times as large as
    a signal of one axis.
    """
    sizes = xp.sizes(a)
    n = sizes[axis]
    if not all(isinstance(each, int) for each in (start, size, n)) or start >= n or start + size <= 0:
        return beyond(xp, a, xp.arange(start, start + size, a), n, axis, edge)
    first, last = max(start, 0), min(start + size, n)
    behind = sizes[axis + 1 :]
    parts = [xp.window(a, [first] + [0] * len(behind), [last - first, *behind])]
    if start < 0:
        parts.insert(0, beyond(xp, a, xp.arange(start, 0, a), n, axis, edge))
    if start + size > n:
        parts.append(beyond(xp, a, xp.arange(n, start + size, a), n, axis, edge))
    return parts[0] if len(parts) == 1 else xp.concatenate(parts, axis)


def wrap_kernel(xp: Backend, b: Array, offsets: Sequence[int | None], periods: Sequence[int | None]) -> Array:
    """Wrap the kernel onto the periods of its trailing axes, from its samples ``offsets`` on; None: not along this one.

    Sample j of the wrapped kernel is the sum of the samples t with ``t = j + offset`` modulo the period: a cyclic
    convolution with it begins with the sample of the result that lies at ``offset``.
    """
    batch = len(xp.shape(b)) - len(offsets)
    for place, (offset, period) in enumerate(zip(offsets, periods, strict=True)):
        if offset is None or period is None:
            continue
        sizes = xp.sizes(b)[batch + place :]
        taps, behind = sizes[0], sizes[1:]
        first = offset - period if offset else 0
        laps = [xp.window(b, [s] + [0] * len(behind), [period, *behind]) for s in range(first, taps, period)]
        b = laps[0]
        for lap in laps[1:]:
            b = b + lap
    return b
