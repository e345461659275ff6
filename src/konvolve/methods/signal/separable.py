"""One axis after the other: the sum of the terms of a separable kernel, each a chain of one-dimensional plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from konvolve.backends.interface import Array, Backend
from konvolve.planning.signal.separable import Separable


def run(xp: Backend, convolve: Callable, way: Separable, a: Array, terms: Sequence[Sequence[Array]]) -> Array:
    """Convolve with a kernel given as terms of one factor per axis; ``convolve`` carries out a plan."""
    total = None
    for factors in terms:
        y = a
        for step, factor in zip(way.passes, factors, strict=True):
            y = convolve(xp, step, y, factor)
        total = y if total is None else total + y
    return total
