"""A problem with samples beyond the edges, as a "valid" one on an extended signal, or as a periodic one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from konvolve.planning.geometry import Window
from konvolve.planning.signal.problem import Problem

Windows = tuple[Window | None, ...]


class Reduced(NamedTuple):
    """What a method is to see of a problem.

    ``core`` is a problem without samples beyond the edges, and ``windows`` what is kept of its full convolution.
    ``extension`` are the windows of the problem itself, for which in1 is extended first; None where it is not.
    """

    core: Problem
    windows: Windows
    extension: Windows | None = None


def extended(problem: Problem, windows: Windows) -> Reduced:
    """Turn a problem with samples beyond the edges into a "valid" one on the extended signal."""
    if not problem.extended:
        return Reduced(problem, windows)
    shape1 = list(problem.shape1)
    inner = []
    for axis, kept in zip(problem.axes, windows, strict=True):
        taps = problem.shape2[axis]
        shape1[axis] = None if kept is None or taps is None else kept.size + taps - 1
        inner.append(None if kept is None or taps is None else Window(taps - 1, kept.size))
    core = replace(problem, shape1=tuple(shape1), mode="valid", late=False, edges=(), lags=())
    return Reduced(core, tuple(inner), windows)


def wrapped(problem: Problem, reduced: Reduced) -> tuple[Reduced, tuple[int | None, ...]] | None:
    """Leave the periodic axes as they are, the kernel wrapped onto their periods; None where there are none.

    Returned with what a method is to see are the kernel's samples that fall on the beginning of each period, None along
    the axes along which the signal is extended as before.
    """
    if reduced.extension is None or not problem.known:
        return None
    shape1, inner, extension = list(reduced.core.shape1), list(reduced.windows), list(reduced.extension)
    offsets: list[int | None] = [None] * len(inner)
    for place, (axis, kept, edge) in enumerate(zip(problem.axes, reduced.extension, problem.edges, strict=True)):
        n, taps = problem.shape1[axis], problem.shape2[axis]
        if edge.kind == "wrap" and kept is not None and n is not None and taps is not None and kept.size <= n:
            shape1[axis], inner[place], offsets[place] = n, Window(0, kept.size), kept.start % n
            extension[place] = Window(taps - 1, n - taps + 1)  # for which the axis itself is enough
    if all(offset is None for offset in offsets):
        return None
    core = replace(reduced.core, shape1=tuple(shape1))
    return Reduced(core, tuple(inner), tuple(extension)), tuple(offsets)
