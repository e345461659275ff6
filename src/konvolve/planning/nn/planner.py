"""The choice of how a convolution on channels is done: the candidates, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from konvolve.planning import blocks, dtypes
from konvolve.planning.cost import Estimate, Traits, fourier_seconds
from konvolve.planning.geometry import sufficient_length
from konvolve.planning.lengths import fast_length
from konvolve.planning.nn.phases import Phases, Place, extended, phases, place
from konvolve.planning.nn.plan import ChannelPlan, ChannelTraits, transformed_rows
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.words import shape_text

# What is not known is costed with these: samples in a batch, and kernels' lengths in a signal.
_BATCH = 8
_LENGTHS = 16

# The library's own convolution is taken where transforms aren't predicted to be so much faster: nobody shall find
# konvolve slower than what it replaces, and a prediction may be off by as much.
_PREFERENCE = 1.3


class _Sizes(NamedTuple):
    """The sizes a problem is costed with: those known, and stand-ins for the others."""

    batch: int
    spatial: tuple[int, ...]
    places: tuple[Place, ...]


def _assumed(problem: ChannelProblem, splits: tuple[Phases, ...]) -> _Sizes:
    batch = problem.shape[0] if problem.shape[0] is not None else problem.kernel[0] if problem.per_sample else None
    spatial = tuple(
        max(_LENGTHS * axis.span, 256) if n is None else n
        for axis, n in zip(problem.axes, problem.spatial, strict=True)
    )
    places = _places(replace(problem, shape=_with_spatial(problem, spatial, problem.shape[0])), splits)
    return _Sizes(_BATCH if batch is None else batch, spatial, tuple(p for p in places if p is not None))


def _with_spatial(problem: ChannelProblem, spatial: tuple[int, ...], batch: int | None) -> tuple[int | None, ...]:
    return (batch, *spatial, problem.channels) if problem.last else (batch, problem.channels, *spatial)


def _places(problem: ChannelProblem, splits: tuple[Phases, ...]) -> tuple[Place | None, ...]:
    found: list[Place | None] = []
    for axis, split, n in zip(problem.axes, splits, problem.spatial, strict=True):
        if n is None:
            found.append(None)
            continue
        size = n if axis.edge == "zero" or problem.transposed else extended(axis, n)[1]
        found.append(place(axis, split, problem.transposed, size))
    return tuple(found)


def _spectral(
    problem: ChannelProblem, traits: Traits, speed: ChannelTraits, rows: tuple[int, int, int, int], lengths: list[int],
    count: int,
) -> float:  # fmt: skip
    """Predict the time of ``count`` blocks of these lengths, and of the kernel's transform."""
    inputs, kernel, outputs, sums = rows
    width = dtypes.item_size(problem.compute) / 4
    seconds = fourier_seconds(traits, (inputs + outputs) * count + kernel, lengths, problem.compute)
    bins = math.prod(lengths[:-1]) * (lengths[-1] // 2 + 1)
    # Rows are padded and their spectra written and read; frequencies are brought first and last again for matrices.
    passes = 2 * inputs * count + 2 * kernel + 3 * outputs * count
    if sums > outputs:
        passes += inputs * count + kernel + outputs * count
        seconds += width * bins * sums * count * speed.product
    return seconds + width * 8 * bins * passes * speed.moved + 40 * traits.call


def _fourier(problem: ChannelProblem, plan: ChannelPlan, sizes: _Sizes, traits: Traits, speed: ChannelTraits):
    rows = transformed_rows(problem, plan.splits, sizes.batch)
    lengths = [fast_length(n) for n in _sufficient(plan, sizes)]
    seconds = _spectral(problem, traits, speed, rows, lengths, 1)
    points = sum(rows[:3]) * math.prod(lengths)
    known = tuple(n if p is not None else None for n, p in zip(lengths, plan.places, strict=True))
    estimate = Estimate("fft", seconds, 3 * points * dtypes.item_size(problem.compute))
    return replace(plan, method="fft", lengths=known), estimate


def _sufficient(plan: ChannelPlan, sizes: _Sizes) -> list[int]:
    """Return the least length of one transform along each axis."""
    return [sufficient_length(p.size, split.taps, p.window) for p, split in zip(sizes.places, plan.splits, strict=True)]


def _tilings(plan: ChannelPlan, sizes: _Sizes) -> Iterator[tuple[blocks.Blocks, ...]]:
    """Yield tilings: blocks of so many times the kernel along every axis, but where that holds everything."""
    whole = [fast_length(n) for n in _sufficient(plan, sizes)]
    for times in (1.5, 2, 2.5, 3, 4, 6, 8, 12, 16, 24, 32, 64):
        tiles = []
        for split, most, known in zip(plan.splits, whole, plan.places, strict=True):
            length = fast_length(max(math.ceil(split.taps * times), math.ceil(8 * times)))
            small = length < most or known is None
            tiles.append(blocks.Blocks(length, length - split.taps + 1) if small else blocks.Blocks(most, 0))
        if any(tile.step for tile in tiles):
            yield tuple(tiles)


def _overlap(problem: ChannelProblem, plan: ChannelPlan, sizes: _Sizes, traits: Traits, speed: ChannelTraits):
    rows = transformed_rows(problem, plan.splits, sizes.batch)
    size = dtypes.item_size(problem.compute)
    best: tuple[ChannelPlan, Estimate] | None = None
    for tiles in _tilings(plan, sizes):
        counts = [-(-p.window.size // t.step) if t.step else 1 for t, p in zip(tiles, sizes.places, strict=True)]
        lengths = [tile.length for tile in tiles]
        total, points = math.prod(counts), math.prod(lengths)
        # Cutting the blocks out and laying them side by side again moves each sample.
        moved = (1 + len(tiles)) * (rows[0] + rows[2]) * total * points * size * speed.moved
        seconds = _spectral(problem, traits, speed, rows, lengths, total) + moved + 40 * traits.call
        if best is not None and seconds >= best[1].seconds:
            continue
        first = next(i for i, tile in enumerate(tiles) if tile.step)
        row = (rows[0] + rows[2]) * points * total // counts[first]
        band = min(max(1, 4 * traits.band // row), counts[first])
        estimate = Estimate("overlap", seconds, 3 * (row * band + rows[1] * points) * size)
        steps = tuple(tile.step for tile in tiles)
        best = replace(plan, method="overlap", lengths=tuple(lengths), steps=steps, band=band), estimate
    return best


def _allowed(problem: ChannelProblem, traits: Traits, method: str) -> bool:
    """Whether a method was asked for, or may be chosen: one transform has to know how long everything is."""
    if problem.method != "auto":
        return problem.method == method
    return method != "fft" or traits.late_lengths or None not in problem.spatial


def _direct(problem: ChannelProblem, plan: ChannelPlan, sizes: _Sizes, traits: Traits, speed: ChannelTraits):
    taps = math.prod([axis.taps for axis in problem.axes])
    places = sizes.spatial if problem.transposed else tuple(p.output for p in sizes.places)
    sums = sizes.batch * math.prod(places) * taps * problem.channels // problem.groups * problem.outputs
    width = dtypes.item_size(problem.compute) / 4
    of_complex = dtypes.is_complex(problem.compute)
    depthwise = problem.groups == problem.channels > 1
    dilated = any(axis.dilation > 1 for axis in problem.axes)
    mixed = dilated and any(axis.stride > 1 for axis in problem.axes) and not depthwise
    special = problem.groups > 1 and problem.rank in speed.plain
    loop = not speed.native or problem.per_sample or special or (mixed and not speed.mixed)
    if depthwise and taps > 1:
        each, beside = speed.depthwise * (1 + speed.slim / problem.channels), speed.depthwise_sample
    else:
        each, beside = speed.dense[problem.rank] * (1 + speed.narrow * problem.groups / problem.outputs), speed.sample
        each *= speed.grouped if problem.groups > 1 else 1
    outputs = sizes.batch * math.prod(places) * problem.outputs
    seconds = (sums * each * (2 if of_complex else 1) + outputs * beside) * width + 8 * traits.call
    memory = outputs * dtypes.item_size(problem.compute)
    if loop:
        steps = math.prod([split.taps for split in plan.splits])
        rows = transformed_rows(problem, plan.splits, sizes.batch)
        outputs = math.prod([p.window.size for p in sizes.places])
        seconds = steps * (
            outputs * (rows[3] * speed.dense[problem.rank] * width + (rows[0] + 2 * rows[2]) * 4 * width * speed.moved)
            + 4 * traits.call
        )
    in_parts = of_complex and not traits.native_complex and not loop
    settled = replace(plan, method="direct", loop=loop, in_parts=in_parts)
    if not loop:
        other, cost = _fourier(problem, plan, sizes, traits, speed)
        tiled = _overlap(problem, plan, sizes, traits, speed)
        if tiled is not None and tiled[1].seconds < cost.seconds:
            other, cost = tiled
        cliff = speed.depthwise_cliff if depthwise else speed.cliff
        beyond = cliff is not None and taps >= cliff[0] and taps * math.prod(places) >= cliff[1]
        if cliff and beyond and sums * cliff[2] * width > 2 * cost.seconds:  # which is a forward pass
            real = replace(problem, compute=dtypes.real(problem.compute)) if in_parts else problem
            settled = replace(settled, adjoint=replace(other, problem=real, estimates=(cost,)))
    return settled, Estimate("direct", seconds, memory)


def make_plan(problem: ChannelProblem, traits: Traits, speed: ChannelTraits) -> ChannelPlan:
    """Choose a method for a problem on a library with these traits."""
    splits = tuple(phases(axis, problem.transposed) for axis in problem.axes)
    plan = ChannelPlan(problem, "nothing", splits, _places(problem, splits))
    if 0 in problem.shape or 0 in plan.output_shape:
        return replace(plan, reason="an input is empty")
    sizes = _assumed(problem, splits)
    found = {}
    for method, candidate in (("direct", _direct), ("fft", _fourier), ("overlap", _overlap)):
        if _allowed(problem, traits, method):
            settled = candidate(problem, plan, sizes, traits, speed)
            if settled is not None:
                found[method] = settled
    if not found:  # a single block holds everything: overlap-save is one transform
        found["fft"] = _fourier(problem, plan, sizes, traits, speed)
    chosen = next(iter(found))
    for method in found:  # spelt out because torch.compile cannot follow min with a key
        if found[method][1].seconds < found[chosen][1].seconds:
            chosen = method
    if "direct" in found and found["direct"][1].seconds < _PREFERENCE * found[chosen][1].seconds:
        chosen = "direct"
    estimates = tuple(sorted((estimate for _, estimate in found.values()), key=lambda each: each.seconds))
    if len(found) == 1:
        fits = problem.method in (chosen, "auto")
        reason = "the only one allowed here" if fits else "one block would hold everything, so one transform does"
    else:
        ratio = max(min(e.seconds for e in estimates if e.method != chosen), 1e-12) / found[chosen][1].seconds
        reason = f"predicted {ratio:.1f} times faster than the next"
        if ratio < 1:
            reason = "transforms are not predicted to be much faster"
    if None in (*problem.spatial, problem.shape[0]):
        reason += f", for inputs assumed to be {shape_text(_with_spatial(problem, sizes.spatial, sizes.batch))}"
    return replace(found[chosen][0], reason=reason, estimates=estimates)
