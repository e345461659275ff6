"""Samples beyond the edges: periodic, mirrored or constant, as a gather along each axis.

An index i beyond a signal of N samples stands for::

    wrap        i mod N                            c d | a b c d | a b
    symmetric   j = i mod 2N, min(j, 2N-1-j)       b a | a b c d | d c
    reflect     j = i mod (2N-2), min(j, 2N-2-j)   c b | a b c d | c b
    nearest     0 or N-1                           a a | a b c d | d d
    constant    a value                            k k | a b c d | k k

so a kernel may be longer than the signal, and an edge may be crossed many times.
"""

from __future__ import annotations

from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.planning import dtypes
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
        if plan.turns and plan.turns[place] is not None:
            continue
        axis = batch + place
        held = xp.sizes(a)
        n = held[axis]
        if kept is None:
            kept = window(problem.keeps(place), n, taps[place], xp.minimum, xp.maximum)
        start, size = kept.start - (taps[place] - 1), kept.size + taps[place] - 1
        if edge.kind == "zero":
            behind = rank - place - 1
            a = xp.window(a, [start] + [0] * behind, [size, *held[axis + 1 :]])
        else:
            a = _around(xp, a, start, size, axis, edge)
    return a


def _around(xp: Backend, a: Array, start: Any, size: Any, axis: int, edge: Edge) -> Array:
    """Return ``size`` samples from ``start`` on along an axis, which may lie before it or beyond its end.

    Only what lies outside is gathered, where that is known: indices for all samples are several times as large as
    a signal of one axis.
    """
    held = xp.sizes(a)
    n = held[axis]
    if not all(isinstance(each, int) for each in (start, size, n)) or start >= n or start + size <= 0:
        return beyond(xp, a, xp.arange(start, start + size, a), n, axis, edge)
    first, last = max(start, 0), min(start + size, n)
    behind = held[axis + 1 :]
    parts = [xp.window(a, [first] + [0] * len(behind), [last - first, *behind])]
    if start < 0:
        parts.insert(0, beyond(xp, a, xp.arange(start, 0, a), n, axis, edge))
    if start + size > n:
        parts.append(beyond(xp, a, xp.arange(n, start + size, a), n, axis, edge))
    return parts[0] if len(parts) == 1 else xp.concatenate(parts, axis)


def wind(xp: Backend, plan: Plan, b: Array) -> Array:
    """Wind the kernel onto the periods of the periodic axes, from its sample ``turns`` on.

    Sample j of the wound kernel is the sum of the samples t with ``t = j + turn`` modulo the period: a cyclic
    convolution with it begins with the sample of the result that lies at ``turn``.
    """
    rank = len(plan.turns)
    batch = len(xp.shape(b)) - rank
    for place, (turn, period) in enumerate(zip(plan.turns, plan.lengths, strict=True)):
        if turn is None or period is None:
            continue
        held = xp.sizes(b)[batch + place :]
        taps, behind = held[0], held[1:]
        first = turn - period if turn else 0
        laps = [xp.window(b, [s] + [0] * len(behind), [period, *behind]) for s in range(first, taps, period)]
        b = laps[0]
        for lap in laps[1:]:
            b = b + lap
    return b


def beyond(xp: Backend, a: Array, index: Array, n: Any, axis: int, edge: Edge) -> Array:
    """Return the samples at these indices along an axis of n, those outside it as the edge says."""
    if edge.kind == "wrap":
        return xp.take(a, index % n, axis)
    if edge.kind == "symmetric":
        return xp.take(a, _mirrored(xp, index, 2 * n, 2 * n - 1), axis)
    if edge.kind == "reflect":  # a single sample is its own mirror
        return xp.take(a, _mirrored(xp, index, xp.maximum(2 * n - 2, 1), 2 * n - 2), axis)
    inside = (index >= 0) & (index < n)
    nearest = xp.where(inside, index, xp.where(index < 0, index * 0, index * 0 + (n - 1)))
    y = xp.take(a, nearest, axis)
    if edge.kind == "nearest":
        return y
    constant = xp.scalar(dtypes.fitted(edge.value, xp.dtype(a)), xp.dtype(a), a)
    shape = [1] * len(xp.shape(a))
    shape[axis] = -1
    return xp.where(xp.reshape(inside, shape), y, constant)


def _mirrored(xp: Backend, index: Array, period: Any, last: Any) -> Array:
    """Fold indices into one period and mirror its second half back onto the first."""
    within = index % period
    return xp.where(within <= last - within, within, last - within)
