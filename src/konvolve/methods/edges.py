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
from konvolve.planning.operands import Edge


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
