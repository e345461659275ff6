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
from dataclasses import replace

from konvolve.planning import dtypes
from konvolve.planning.chunked.along import Along, Chunks, along_axes, check_chunks, largest
from konvolve.planning.chunked.plan import ChunkedPlan
from konvolve.planning.cost import fourier_seconds
from konvolve.planning.profile import Profile
from konvolve.planning.signal.plan import Plan
from konvolve.planning.words import bytes_text, seconds_text, shape_text

FAN_IN = 8
"""So many products of spectra are added up in one task: more would hold more spectra in one worker at once."""

# s: what dask's scheduler takes for a task beside the task (its documentation says 200 us to 1 ms; measured 0.1 ms).
_TASK = 2e-4
# s: for a byte of a chunk or a spectrum that a task takes in: it is copied, or sent, or read from memory.
_BYTE = 1e-9
# The kernel is cut into parts where that takes less than this part of the time: spectra are larger than samples.
_WORTH = 0.6
# A block that takes more bytes than these is not put together whole if the kernel can be cut into parts instead.
_MOST_BYTES = 2**31
# Another chunking is named where it is predicted to take this part of the time, and a block of it no more bytes.
_CLEARLY = 0.7
_MOST_BLOCK_BYTES = 2**28


def chunked_plan(
    whole: Plan, chunks1: Chunks, chunks2: Chunks, profile: Profile, plan_block: Callable[[tuple, tuple], Plan | None],
    *, may_part: bool, advise: bool = False,
) -> ChunkedPlan:  # fmt: skip
    """Plan a convolution of in1 in these chunks; ``plan_block`` plans one block from the shapes of both operands.

    ``may_part``: whether the kernel may be cut into parts, ``advise``: whether another chunking is looked for.
    """
    along = along_axes(whole, chunks1, chunks2)
    found = _with_halo(whole, along, plan_block)
    if may_part and _can_part(along, whole.problem.compute):
        found = _chosen(found, _in_parts(whole, along, profile))
    if not advise:
        return found
    return replace(found, advice=_advice(found, chunks1, chunks2, profile, plan_block, may_part))


def _chosen(halo: ChunkedPlan, parts: ChunkedPlan) -> ChunkedPlan:
    """Return the plan in parts where it is clearly quicker, or a block would be too large."""
    return parts if parts.seconds < _WORTH * halo.seconds or halo.bytes > max(_MOST_BYTES, parts.bytes) else halo


def _with_halo(whole: Plan, along: tuple[Along, ...], plan_block: Callable) -> ChunkedPlan:
    """Take the kernel whole, and for each block of the result the signal about it."""
    shapes = largest(along)
    block = plan_block(*shapes)
    inputs = dtypes.item_size(whole.problem.compute) * sum(map(math.prod, shapes))
    own = (block.bytes if block else None) or 2 * inputs
    tasks = 1.0 + any(each.taps > 1 and len(each.starts) > 2 for each in along)
    each = ((block.seconds if block else None) or 0.0) + tasks * _TASK + inputs * _BYTE
    count = math.prod(len(axis.blocks) for axis in along)
    return ChunkedPlan(whole, "halo", along, block, tasks, count * each, inputs + own)


def _can_part(along: Sequence[Along], compute: str) -> bool:
    """Whether the kernel is longer than the chunks somewhere, and both can be transformed part by part."""
    if dtypes.parse(compute).kind not in ("float", "complex"):
        return False  # integers are exact by the methods of whole blocks
    return any(each.taps > _step(each) for each in along)


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
    product = spectrum * _BYTE
    sums = -(-parts // FAN_IN)
    tasks = (frames + blocks_in_all * sums) / blocks_in_all
    seconds = (frames + blocks_in_all) * transform + blocks_in_all * parts * product
    seconds += tasks * blocks_in_all * _TASK
    return ChunkedPlan(whole, "parts", tuple(found), None, tasks, seconds, spectrum * (2 * min(FAN_IN, parts) + 2))


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
