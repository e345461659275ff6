"""SciPy's image filters on arrays in chunks: each chunk with as much of its neighbours as the filter reaches.

A filter sees a block that ends where the image ends, and treats that edge as it always does; where the block ends and
the image goes on, it sees an edge that is none, and what that spoils is cut off. Only where the image is periodic, the
block goes on with the other end of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from konvolve.backends import registry
from konvolve.execution.chunked.family import Need
from konvolve.execution.chunked.region import Region
from konvolve.execution.chunked.tasks import Block, Job, Operand
from konvolve.execution.operations import OPERATIONS, Options
from konvolve.planning.chunked.halo import Blocks, blocks
from konvolve.planning.chunked.pieces import Piece, pieces, starts_of
from konvolve.planning.filters import arguments
from konvolve.planning.operands import Edge


class Question(NamedTuple):
    """A filter of an image in chunks: the job, its result's dtype, and the blocks along each axis.

    ``kept`` are where in each block its part of the result lies.
    """

    job: Job
    dtype: str
    given: str
    along: tuple[Blocks, ...]
    kept: tuple[tuple[tuple[int, int], ...], ...]


def ask(
    operation: str, meta: Any, chunks: tuple, weights: Sequence[Any], options: Options, library: str
) -> Question:  # fmt: skip
    """Ask how a filter goes over an image in chunks; all errors of its arguments are raised here."""
    xp, (empty,) = registry.resolve({"input": meta})
    sample = xp.zeros((1,) * len(chunks), xp.dtype(empty), empty)
    entry = OPERATIONS[operation]
    assert entry.reach is not None
    reach = entry.reach((sample, *weights), options)
    _, dtype = entry.result(
        xp, [((1,) * len(chunks), xp.dtype(empty)), *((w.shape, w.dtype.name) for w in weights)], options
    )
    along, kept = [], []
    for own, sides, wraps in zip(chunks, reach, periodic(operation, options, len(chunks)), strict=True):
        starts = starts_of(own)
        found, parts = regions(list(itertools.pairwise(starts)), starts, sides, wraps)
        along.append(blocks(found, own))
        kept.append(parts)
    job = Job(entry.compute.__module__, operation, dict(options), library)
    return Question(job, dtype, xp.dtype(empty), tuple(along), tuple(kept))


def needs(question: Question) -> Iterator[Need]:
    """Yield what each chunk of the result needs."""
    for index in itertools.product(*(range(len(each.pieces)) for each in question.along)):
        region = Region(tuple(each.pieces[place] for each, place in zip(question.along, index, strict=True)))
        kept = tuple(each[place] for each, place in zip(question.kept, index, strict=True))
        own = tuple(each.own[place] for each, place in zip(question.along, index, strict=True))
        sources = tuple((0, chunk, chunk == own) for chunk, _ in region.sources())
        yield Need(index, Block((Operand(region, question.given),), None, kept), False, sources)


def regions(
    ranges: Sequence[tuple[int, int]], starts: Sequence[int], reach: tuple[int, int], wraps: bool
) -> tuple[list[tuple[Piece, ...]], tuple[tuple[int, int], ...]]:
    """Return the pieces of the block of each range of an axis, and where the range lies in it."""
    n, (low, high) = starts[-1], reach
    found, kept = [], []
    for start, stop in ranges:
        first, last = start - low, stop + high
        if not wraps:  # beyond the image's edges lie mirrors of what is as far inside
            inner = (min(first, 2 * n - 1 - last) if last > n else first, max(last, 1 - first) if first < 0 else last)
            first, last = max(inner[0], 0), min(inner[1], n)
        found.append(pieces(first, last, starts, Edge("wrap")))
        kept.append((start - first, stop - first))
    return found, tuple(kept)


def periodic(operation: str, options: Options, ndim: int) -> list[bool]:
    """Return along which axes the image is periodic."""
    mode = options["mode"]
    if operation == "ndimage.correlate1d":
        axes: Sequence[int] = (arguments.check_axis(options["axis"], ndim),)
    elif "axes" in options:
        axes = arguments.check_axes(options["axes"], ndim)
    else:
        axes = range(ndim)
    modes = dict(zip(axes, arguments.each_axis("mode", mode, len(axes)), strict=True))
    return [modes.get(axis) in ("wrap", "grid-wrap") for axis in range(ndim)]
