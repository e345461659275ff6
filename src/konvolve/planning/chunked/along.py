"""One axis of an array in chunks: its chunks, the kernel's taps, and the blocks of the result."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from konvolve.planning.chunked.pieces import Piece, pieces, starts_of
from konvolve.planning.geometry import Window, window
from konvolve.planning.lengths import fast_length
from konvolve.planning.operands import ZERO, Edge, shown
from konvolve.planning.signal.plan import Plan

Chunks = tuple[tuple[int, ...], ...]
Range = tuple[int, int]

# A block of the result is at most so many times the largest chunk, or has this many samples along the axis.
_MOST_GROWTH = 2
_SHORT = 256


class Along(NamedTuple):
    """One axis: where in1's chunks begin, the taps, what lies beyond, and the blocks of the result.

    ``blocks`` are ranges of the full convolution along a convolved axis, and of the broadcast samples along others,
    which have 0 ``taps``. ``part`` is the length of the kernel's parts along this axis, ``parts`` their number.
    """

    starts: tuple[int, ...]
    taps: int
    edge: Edge
    blocks: tuple[Range, ...]
    kernel: int
    part: int = 0
    parts: int = 1

    def region(self, block: Range) -> tuple[Piece, ...]:
        """Return the pieces of in1 from which a block comes about, if the kernel is taken whole."""
        if self.taps == 0:
            return pieces(0, 1, self.starts) if self.starts[-1] == 1 else pieces(*block, self.starts)
        return pieces(block[0] - (self.taps - 1), block[1], self.starts, self.edge)

    def kernel_range(self, block: Range) -> Range:
        """Return what of the kernel belongs to a block: its own rows along a broadcast axis."""
        return block if self.taps == 0 and self.kernel > 1 else (0, self.kernel)

    def frame(self, place: int) -> Range:
        """Return the samples of a frame: those from which one part of the kernel makes the block of that place."""
        size = self.step
        start = self.blocks[0][0] + place * size
        return start - (self.part - 1), start + size

    @property
    def step(self) -> int:
        """The largest block of the result, which all but the last are where the kernel is cut into parts."""
        return max(stop - start for start, stop in self.blocks)

    @property
    def length(self) -> int:
        """The length of the transform of a frame."""
        return fast_length(self.step + self.part - 1)

    @property
    def frames(self) -> range:
        """The places of the frames."""
        return range(1 - self.parts, len(self.blocks))


def check_chunks(chunks: Any, shape: Sequence[int]) -> Chunks:
    """Return the chunks of each axis; one number, or for each axis one or the sizes of all; ValueError for others."""
    each = [chunks] * len(shape) if isinstance(chunks, int) else chunks
    message = (
        f"chunks must be a number of samples, or for each of the {len(shape)} axes one or a list whose sum is the "
        f"axis, {tuple(shape)}, not chunks={shown(chunks)}"
    )
    if not isinstance(each, list | tuple) or len(each) != len(shape):
        raise ValueError(message)
    found = []
    for given, n in zip(each, shape, strict=True):
        if isinstance(given, int) and not isinstance(given, bool) and (given > 0 or given == -1):
            size = n if given == -1 else min(given, n)
            given = (size,) * (n // size) + ((n % size,) if n % size else ()) if n else (0,)
        if not isinstance(given, list | tuple) or sum(given) != n or any(part < 0 for part in given):
            raise ValueError(message)
        found.append(tuple(given))
    return tuple(found)


def along_axes(whole: Plan, chunks1: Chunks, chunks2: Chunks) -> tuple[Along, ...]:
    """Return what lies along each axis, the kernel taken whole."""
    problem = whole.problem
    found = []
    for axis, (own, other) in enumerate(zip(chunks1, chunks2, strict=True)):
        n1, n2 = sum(own), sum(other)
        starts = starts_of(own)
        if axis in problem.axes:
            place = problem.axes.index(axis)
            edge = problem.edges[place] if problem.edges else ZERO
            kept = window(problem.keeps(place), n1, n2)
            found.append(Along(starts, n2, edge, _blocks(kept, starts, n1, n2), n2))
            continue
        bounds = starts if n1 != 1 else starts_of(other)
        if axis in problem.cropped and n1 == 1:
            kept = window("same", n1, n2)
            bounds = (kept.start, kept.start + kept.size)
        found.append(Along(starts, 0, ZERO, tuple(itertools.pairwise(bounds)), n2))
    return tuple(found)


def _blocks(kept: Window, starts: Sequence[int], n1: int, n2: int) -> tuple[Range, ...]:
    """Return the ranges of the full convolution that lie on in1's chunks; what is beyond them goes with the outer ones.

    Where that makes a block much larger than the chunks it is cut.
    """
    end = kept.start + kept.size
    centre = kept.start if kept.size == n1 else (n2 - 1) // 2
    inner = sorted({start + centre for start in starts[1:-1] if kept.start < start + centre < end})
    bounds = [kept.start, *inner, end]
    most = max(max(b - a for a, b in itertools.pairwise(starts)), _SHORT)
    cut = []
    for start, stop in itertools.pairwise(bounds):
        count = -(-(stop - start) // most) if stop - start > _MOST_GROWTH * most else 1
        cut += [(start + (stop - start) * i // count, start + (stop - start) * (i + 1) // count) for i in range(count)]
    return tuple(cut)


def largest(along: Sequence[Along]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of the signal and of the kernel for the largest block."""
    signal, kernel = [], []
    for each in along:
        size = max(stop - start for start, stop in each.blocks)
        signal.append(size + each.taps - 1 if each.taps else 1 if each.starts[-1] == 1 else size)
        kernel.append(each.taps or (size if each.kernel > 1 else 1))
    return tuple(signal), tuple(kernel)
