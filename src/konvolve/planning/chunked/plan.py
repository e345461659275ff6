"""How a convolution of an array in chunks goes: each chunk with its neighbours' borders, or partitioned overlap-save.

A small kernel asks each chunk of the result for one block of the signal: the chunk it lies on and borders of the chunks
about it (the halo, as dask calls it the overlap). A kernel that is longer than the chunks would ask for many chunks
whole. It is cut into parts as long as a chunk instead; each frame of the signal (a chunk, and one part before it) and
each part of the kernel is transformed once, and a block of the result is the sum of products of their spectra,
transformed back. That is what ``planning/stream.py`` does along time, here along every axis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.chunked.pieces import Piece, pieces, starts_of
from konvolve.planning.cost import fourier_seconds
from konvolve.planning.geometry import Window, window
from konvolve.planning.lengths import fast_length
from konvolve.planning.operands import ZERO, Edge, shown
from konvolve.planning.profile import Profile
from konvolve.planning.signal.plan import Plan
from konvolve.planning.words import bytes_text, seconds_text, shape_text

Chunks = tuple[tuple[int, ...], ...]
Range = tuple[int, int]

FAN_IN = 8
"""So many products of spectra are added up in one task: more would hold more spectra in one worker at once."""

# s: what dask's scheduler takes for a task beside the task (its documentation says 200 us to 1 ms; measured 0.1 ms).
_TASK = 2e-4
# Chunks of fewer samples are not worth a transform each: all of them together are fetched for each chunk of the result.
_LEAST_PART = 4096
# A block of the result is at most so many times the largest chunk, or has this many samples along the axis.
_MOST_GROWTH = 2
_SHORT = 256
# Another chunking is named where it is predicted to take this part of the time, and a block of it no more bytes.
_CLEARLY = 0.7
_MOST_BLOCK_BYTES = 2**28


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


@dataclass(frozen=True)
class ChunkedPlan:
    """How a convolution of an array in chunks goes; printing it tells its story.

    ``way`` is "halo" or "parts", ``chunks`` are those of the result, ``along`` has one entry per axis, ``block`` is the
    plan of the largest block (with "halo"). ``tasks`` is their number for each chunk of the result, those that read
    chunks not counted; ``seconds`` what all blocks take on one core, ``bytes`` what one worker holds while it computes
    one, and ``advice`` a chunking that would be clearly quicker, if there is one.
    """

    whole: Plan
    way: str
    along: tuple[Along, ...]
    block: Plan | None = None
    tasks: float = field(default=0.0, compare=False)
    seconds: float = field(default=0.0, compare=False)
    bytes: int = field(default=0, compare=False)
    advice: str = field(default="", compare=False)

    @property
    def chunks(self) -> Chunks:
        """The chunks of the result."""
        return tuple(tuple(stop - start for start, stop in each.blocks) for each in self.along)

    def __str__(self) -> str:
        problem = self.whole.problem
        sizes = " x ".join(str(max(each, default=0)) for each in self.chunks)
        lines = [
            f"{problem.function}: {shape_text(problem.shape1)} {problem.dtype1} in chunks with "
            f"{shape_text(problem.shape2)} {problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
            f"  result   {shape_text(self.whole.output_shape)} {problem.result} in "
            f"{math.prod(map(len, self.chunks))} chunks of at most {sizes}",
            f"  way      {self._story()}",
            f"  tasks    {self.tasks:.3g} for each chunk of the result",
            f"  cost     {seconds_text(self.seconds)} on one core in all, {bytes_text(self.bytes)} for a worker's thread",
        ]
        if self.block is not None:
            lines.append(f"  a block  {self.block.method}: {self.block.reason}")
        if self.advice:
            lines.append(f"  advice   {self.advice}")
        return "\n".join(lines)

    def _story(self) -> str:
        convolved = [each for each in self.along if each.taps]
        if self.way == "parts":
            counts = " x ".join(str(each.parts) for each in convolved)
            lengths = " x ".join(str(each.length) for each in convolved)
            return f"parts: the kernel in {counts} parts, frames transformed to {lengths} samples, products added up"
        halo = " x ".join(str(each.taps - 1) for each in convolved)
        return f"halo: each chunk with {halo or 'no'} samples of those about it"


def chunked_plan(
    whole: Plan, chunks1: Chunks, chunks2: Chunks, profile: Profile, plan_block: Callable[[tuple, tuple], Plan | None],
    *, may_part: bool, advise: bool = False,
) -> ChunkedPlan:  # fmt: skip
    """Plan a convolution of in1 in these chunks; ``plan_block`` plans one block from the shapes of both operands."""
    problem = whole.problem
    along = _along(whole, chunks1, chunks2)
    if may_part and _wants_parts(along, problem.compute):
        found = _in_parts(whole, along, profile)
    else:
        block = plan_block(*_largest(along))
        size = dtypes.item_size(problem.compute)
        count = math.prod(len(each.blocks) for each in along)
        inputs = size * sum(math.prod(shape) for shape in _largest(along))
        own = (block.bytes if block else None) or 2 * inputs
        tasks = 1.0 + any(each.taps > 1 and len(each.starts) > 2 for each in along)
        seconds = count * (((block.seconds if block else None) or 0.0) + tasks * _TASK)
        found = ChunkedPlan(whole, "halo", along, block, tasks, seconds, inputs + own)
    if not advise:
        return found
    advice = _advice(found, chunks1, chunks2, profile, plan_block, may_part)
    return ChunkedPlan(whole, found.way, found.along, found.block, found.tasks, found.seconds, found.bytes, advice)


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


def _along(whole: Plan, chunks1: Chunks, chunks2: Chunks) -> tuple[Along, ...]:
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


def _largest(along: Sequence[Along]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of the signal and of the kernel for the largest block."""
    signal, kernel = [], []
    for each in along:
        size = max(stop - start for start, stop in each.blocks)
        signal.append(size + each.taps - 1 if each.taps else 1 if each.starts[-1] == 1 else size)
        kernel.append(each.taps or (size if each.kernel > 1 else 1))
    return tuple(signal), tuple(kernel)


def _wants_parts(along: Sequence[Along], compute: str) -> bool:
    """Whether the kernel is longer than the chunks somewhere, and both can be transformed part by part."""
    if dtypes.parse(compute).kind not in ("float", "complex"):
        return False  # integers are exact by the methods of whole blocks
    convolved = [each for each in along if each.taps]
    longer = any(each.taps > _step(each) for each in convolved)
    return longer and math.prod(_step(each) for each in convolved) >= _LEAST_PART


def _step(each: Along) -> int:
    """Return the length of blocks where the kernel is cut into parts: the largest chunk."""
    kept = each.blocks[-1][1] - each.blocks[0][0]
    return min(kept, max(b - a for a, b in itertools.pairwise(each.starts)))


def _in_parts(whole: Plan, along: Sequence[Along], profile: Profile) -> ChunkedPlan:
    """Cut the kernel into parts, and the result into blocks of one size."""
    found = []
    for each in along:
        if not each.taps:
            found.append(each)
            continue
        step, first, last = _step(each), each.blocks[0][0], each.blocks[-1][1]
        blocks = tuple((start, min(start + step, last)) for start in range(first, last, step))
        part = min(each.taps, step)
        found.append(each._replace(blocks=blocks, part=part, parts=-(-each.taps // part)))
    convolved = [each for each in found if each.taps]
    rows = math.prod(len(each.blocks) for each in found if not each.taps)
    lengths = [each.length for each in convolved]
    frames = rows * math.prod(len(each.frames) for each in convolved)
    blocks_in_all = rows * math.prod(len(each.blocks) for each in convolved)
    parts = math.prod(each.parts for each in convolved)
    compute = whole.problem.compute
    width = math.prod(max(b - a for a, b in each.blocks) for each in found if not each.taps)
    transform = fourier_seconds(profile, width, lengths, compute)
    spectrum = 2 * dtypes.item_size(dtypes.real(compute)) * math.prod(lengths) * width
    spectrum = spectrum if dtypes.is_complex(compute) else spectrum // 2
    product = spectrum / 1e9  # s: of spectra, which is bound by memory
    sums = -(-parts // FAN_IN)
    tasks = (frames + blocks_in_all * sums) / blocks_in_all
    seconds = (frames + blocks_in_all) * transform + blocks_in_all * parts * product
    seconds += tasks * blocks_in_all * _TASK
    return ChunkedPlan(whole, "parts", tuple(found), None, tasks, seconds, spectrum * (2 * FAN_IN + 2))


def _advice(
    found: ChunkedPlan, chunks1: Chunks, chunks2: Chunks, profile: Profile, plan_block: Callable, may_part: bool
) -> str:
    """Return which chunking would be clearly better, if one of twice, four or eight times the size is."""
    axes = found.whole.problem.axes
    best, text = found.seconds, ""
    for growth in (2, 4, 8, 16, 32, 64):
        sizes = [max(own) * (growth if axis in axes else 1) for axis, own in enumerate(chunks1)]
        shape = [sum(own) for own in chunks1]
        if all(size >= 2 * n for size, n in zip(sizes, shape, strict=True)):
            break
        sizes = [min(size, n) for size, n in zip(sizes, shape, strict=True)]
        other = chunked_plan(
            found.whole, check_chunks(sizes, shape), chunks2, profile, plan_block, may_part=may_part
        )  # fmt: skip
        if other.bytes > max(_MOST_BLOCK_BYTES, found.bytes):
            break
        if other.seconds < _CLEARLY * best or (text and other.seconds < best):
            best = other.seconds
            text = (
                f"chunks of {shape_text(tuple(sizes))} would take {seconds_text(best)} in place of "
                f"{seconds_text(found.seconds)}, and {bytes_text(other.bytes)} for a worker's thread"
            )
    return text
