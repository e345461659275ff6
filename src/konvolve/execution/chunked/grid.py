"""A result on a grid of blocks, each computed from the array itself, as where a file is read region by region."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from konvolve.execution.chunked import family, filters
from konvolve.execution.chunked.region import Region
from konvolve.execution.chunked.tasks import Block, Job, Operand
from konvolve.execution.operations import OPERATIONS, Options
from konvolve.planning.chunked.along import check_chunks
from konvolve.planning.chunked.plan import ChunkedPlan
from konvolve.planning.operands import Operand as Described


class Piece(NamedTuple):
    """One block: its place in the grid, what is done, and where in the result it belongs."""

    at: tuple[int, ...]
    block: Block
    region: tuple[slice, ...]


class Gridded(NamedTuple):
    """A result on a grid: the job of each block, its shape, the blocks, and the plan where it is a convolution's."""

    job: Job
    shape: tuple[int, ...]
    grid: tuple[int, ...]
    axes: tuple[Any, ...]
    plan: ChunkedPlan | None

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of blocks along each axis."""
        return tuple(-(-n // size) for n, size in zip(self.shape, self.grid, strict=True))

    def pieces(self, dtype: str) -> Iterator[Piece]:
        """Yield the blocks, in the order in which they lie in memory."""
        for at in itertools.product(*map(range, self.counts)):
            chosen = [axis[place] for axis, place in zip(self.axes, at, strict=True)]
            region = tuple(slice(*each[0]) for each in chosen)
            operand = Operand(Region(tuple(each[1] for each in chosen)), dtype)
            kept = tuple(each[2] for each in chosen) if self.plan is None else None
            rows = tuple(each[2] for each in chosen) if self.plan is not None else None
            yield Piece(at, Block((operand,), rows, kept), region)

    @property
    def block_shape(self) -> tuple[int, ...]:
        """The shape of the largest block of the signal."""
        return tuple(max(sum(piece.size for piece in each[1]) for each in axis) for axis in self.axes)


def convolution(
    operation: str, one: Described, two: Described, options: Options, grid: Sequence[int], library: str
) -> Gridded:  # fmt: skip
    """Lay a convolution of a whole array on a grid of its result."""
    question = family.ask(operation, one, two, options, library, False)
    shape: Any = question.whole.output_shape
    kernel: Any = tuple((n,) for n in two[0])
    grid = tuple(min(size, n) for size, n in zip(grid, shape, strict=True))
    chunks = check_chunks(list(grid), one[0])  # type: ignore[arg-type]
    plan = family.planned(question, chunks, kernel, False)
    axes = []
    for along, n, size, own in zip(plan.along, shape, grid, one[0], strict=True):
        first = along.blocks[0][0]
        along = along._replace(starts=(0, own or 0))
        ranges = [(start, min(start + size, n)) for start in range(0, n, size)]
        blocks = [(first + start, first + stop) for start, stop in ranges]
        axes.append([(r, along.region(b), along.kernel_range(b)) for r, b in zip(ranges, blocks, strict=True)])
    job = family.job_of(question, masked=False)
    return Gridded(job, shape, grid, tuple(axes), plan)


def filtered(operation: str, one: Described, options: Options, grid: Sequence[int], library: str) -> Gridded:
    """Lay an image filter of a whole array on a grid."""
    shape: Any = one[0]
    grid = tuple(min(size, n) for size, n in zip(grid, shape, strict=True))
    sample = np.zeros((1,) * len(shape), one[1])
    reach = OPERATIONS[operation].reach
    assert reach is not None
    periodic = filters.periodic(operation, options, len(shape))
    axes = []
    for n, size, sides, wraps in zip(shape, grid, reach((sample,), options), periodic, strict=True):
        ranges = [(start, min(start + size, n)) for start in range(0, n, size)]
        regions, kept = filters.regions(ranges, (0, n), sides, wraps)
        axes.append(list(zip(ranges, regions, kept, strict=True)))
    job = Job(OPERATIONS[operation].compute.__module__, operation, dict(options), library)
    return Gridded(job, shape, grid, tuple(axes), None)
