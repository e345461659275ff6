"""Where the samples of a region lie among an array's chunks, those beyond its edges included.

Along one axis a region is a run of indices, which may begin before the array and end behind it. What lies there follows
the boundary, in the words of ``methods/edges.py``. A region is told as pieces: runs of samples of one chunk each, in
order, backwards (a mirror) or the same one again and again ("nearest"), and runs of a constant.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from konvolve.planning.operands import ZERO, Edge


class Piece(NamedTuple):
    """So many samples of a chunk: from ``start`` on, by ``step`` 1, -1 or 0; ``chunk`` None: of a constant."""

    chunk: int | None
    start: int
    size: int
    step: int = 1
    value: complex = 0

    @property
    def range(self) -> tuple[int, int]:
        """The samples of the chunk that are needed, from the first to behind the last."""
        if self.step == 0:
            return self.start, self.start + 1
        if self.step < 0:
            return self.start - self.size + 1, self.start + 1
        return self.start, self.start + self.size


def starts_of(chunks: Sequence[int]) -> tuple[int, ...]:
    """Return where each chunk begins, and the end of the last.

    >>> starts_of((3, 1, 2))
    (0, 3, 4, 6)
    """
    return (0, *itertools.accumulate(chunks))


def pieces(first: int, last: int, starts: Sequence[int], edge: Edge = ZERO) -> tuple[Piece, ...]:
    """Return the pieces of the indices from ``first`` to before ``last`` of an axis whose chunks begin at ``starts``.

    >>> pieces(-2, 3, (0, 2, 5), Edge("symmetric"))[:2]
    (Piece(chunk=0, start=1, size=2, step=-1, value=0), Piece(chunk=0, start=0, size=2, step=1, value=0))
    """
    return tuple(_in_chunks(_runs(first, last, starts[-1], edge), starts))


def _runs(first: int, last: int, n: int, edge: Edge) -> Iterator[Piece]:
    """Yield runs of an axis of n samples, as of one chunk."""
    here = first
    while here < last:
        inside = 0 <= here < n
        left = last - here
        if inside or edge.kind == "wrap":
            start, step, most = here % n, 1, n - here % n
        elif edge.kind in ("zero", "constant"):
            start, step, most = 0, 1, -here if here < 0 else left
            yield Piece(None, 0, min(most, left), 1, edge.value)
            here += min(most, left)
            continue
        elif edge.kind == "nearest":
            start, step, most = (0, 0, -here) if here < 0 else (n - 1, 0, left)
        else:
            start, step, most = _mirrored(here, n, edge.kind)
        count = min(most, left)
        yield Piece(0, start, count, step)
        here += count


def _mirrored(here: int, n: int, kind: str) -> tuple[int, int, int]:
    """Return the sample that an index beyond the edges mirrors, in which direction it goes on, and how far."""
    if n == 1:
        return 0, 0, 2**62
    period, last = (2 * n, 2 * n - 1) if kind == "symmetric" else (2 * n - 2, 2 * n - 2)
    within = here % period
    if within < n:
        return within, 1, n - within
    return last - within, -1, period - within


def _in_chunks(runs: Iterator[Piece], starts: Sequence[int]) -> Iterator[Piece]:
    """Cut runs of the axis where its chunks meet."""
    for run in runs:
        if run.chunk is None:
            yield run
            continue
        start, left = run.start, run.size
        while left:
            chunk = bisect.bisect_right(starts, start) - 1
            if run.step == 0:
                count = left
            elif run.step > 0:
                count = min(left, starts[chunk + 1] - start)
            else:
                count = min(left, start - starts[chunk] + 1)
            yield Piece(chunk, start - starts[chunk], count, run.step)
            start += run.step * count
            left -= count
