"""How a convolution on channels is done: the candidates, what they cost, and the choice."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from konvolve.planning import blocks, dtypes
from konvolve.planning.channels import ChannelProblem
from konvolve.planning.cost import Estimate, Traits, fourier_seconds
from konvolve.planning.geometry import sufficient_length
from konvolve.planning.lengths import fast_length
from konvolve.planning.phases import Phases, Place, extended, phases, place
from konvolve.planning.plan import seconds_text, shape_text

# What is not known is costed with these: samples in a batch, and kernels' lengths in a signal.
_BATCH = 8
_LENGTHS = 16


class ChannelTraits(NamedTuple):
    """What planning has to know of a library's work on channels: seconds on the machine they were measured on.

    ``dense``: one multiply-add of the library's own convolution, all channels together; ``depthwise``: the same with
    a group for each channel; ``gradient``: one of its kernel's gradient; ``product``: one complex multiply-add of
    channels at one frequency; ``moved``: one byte moved while axes are transposed. ``native``: whether it has a
    convolution of its own; ``plain``: the ranks in which that has no groups and no dilations; ``mixed``: whether it
    takes dilations together with strides where there is more than one channel in a group.
    """

    dense: float
    depthwise: float
    gradient: float
    product: float
    moved: float
    plain: tuple[int, ...] = ()
    mixed: bool = True
    native: bool = True


@dataclass(frozen=True)
class ChannelPlan:
    """How one problem on channels is solved. Printing it tells a person what will run and why.

    Per spatial axis: ``splits``, how strides and dilations are turned into channels and batches; ``places``, where
    things lie, None where the size is not known; ``lengths`` of the transforms (of a block where the axis is tiled)
    and ``steps``, the new samples of output per block, 0 for no tiling. ``band`` blocks along the first tiled axis are
    worked on at once. Where the library's own gradient with respect to the kernel is slower than transforms,
    ``adjoint`` is the plan it is taken from. ``loop`` and ``in_parts`` (real and imaginary) say how the direct sum is
    taken.
    """

    problem: ChannelProblem
    method: str
    splits: tuple[Phases, ...]
    places: tuple[Place | None, ...]
    lengths: tuple[int | None, ...] = ()
    steps: tuple[int, ...] = ()
    band: int = 1
    loop: bool = False
    in_parts: bool = False
    adjoint: ChannelPlan | None = None
    reason: str = ""
    estimates: tuple[Estimate, ...] = ()

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the result, None where a size is not known."""
        return self.problem.output_shape

    def __str__(self) -> str:
        problem = self.problem
        lines = [
            f"{problem.function}: {shape_text(problem.shape)} with {shape_text(problem.kernel)}, {problem.result}, "
            f"{problem.data_format}, groups {problem.groups}, strides {tuple(axis.stride for axis in problem.axes)}, "
            f"dilation_rate {tuple(axis.dilation for axis in problem.axes)}, padding {problem.axes[0].padding!r}",
            f"  result   {shape_text(self.output_shape)}",
            f"  method   {self.method}: {self.reason}",
        ]
        if self.method != "direct":
            lengths = ", ".join("known at run time" if n is None else str(n) for n in self.lengths)
            lines.append(f"  lengths  {lengths}")
            if any(self.steps):
                lines.append(f"  blocks of {', '.join(map(str, self.steps))} new samples, {self.band} rows at once")
        lines += [
            f"  {'->' if each.method == self.method else '  '} {each.method:<8} {seconds_text(each.seconds):>9} "
            f"{each.bytes / 2**20:9.1f} MiB"
            for each in self.estimates
        ]
        return "\n".join(lines)


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
    places = _places(replace(problem, shape=_with_spatial(problem, spatial)), splits)
    return _Sizes(_BATCH if batch is None else batch, spatial, tuple(p for p in places if p is not None))


def _with_spatial(problem: ChannelProblem, spatial: tuple[int, ...]) -> tuple[int | None, ...]:
    batch = problem.shape[0]
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


def _rows(problem: ChannelProblem, splits: tuple[Phases, ...], batch: int) -> tuple[int, int, int, int]:
    """Return the rows of inputs, kernel and result that are transformed, and the multiply-adds per frequency."""

    def of(kind: str) -> int:
        return math.prod([split.number for split in splits if split.kind == kind])

    samples = batch if problem.per_sample else 1
    held = problem.channels * of("inputs")
    outputs = problem.outputs * of("outputs")
    batch *= of("batch")
    per_group = held // problem.groups * outputs
    return batch * held, samples * per_group, batch * outputs, batch * per_group


def _spectral(
    problem: ChannelProblem, traits: Traits, speed: ChannelTraits, rows: tuple[int, int, int, int], lengths: list[int],
    count: int,
) -> float:  # fmt: skip
    """Predict the time of ``count`` blocks of these lengths, and of the kernel's transform."""
    inputs, kernel, outputs, sums = rows
    width = dtypes.item_size(problem.compute) / 4
    seconds = fourier_seconds(traits, (inputs + outputs) * count + kernel, lengths, problem.compute)
    bins = math.prod(lengths[:-1]) * (lengths[-1] // 2 + 1)
    moved = bins * 8 * ((inputs + outputs) * count + kernel)
    if sums == outputs:  # one channel in a group: the product is elementwise
        moved = bins * 8 * outputs * count
    return seconds + width * (bins * sums * count * speed.product + moved * speed.moved) + 30 * traits.call


def _fourier(problem: ChannelProblem, plan: ChannelPlan, sizes: _Sizes, traits: Traits, speed: ChannelTraits):
    rows = _rows(problem, plan.splits, sizes.batch)
    least = [
        sufficient_length(p.size, split.taps, p.window) for p, split in zip(sizes.places, plan.splits, strict=True)
    ]
    lengths = [fast_length(n) for n in least]
    seconds = _spectral(problem, traits, speed, rows, lengths, 1)
    points = sum(rows[:3]) * math.prod(lengths)
    known = tuple(n if p is not None else None for n, p in zip(lengths, plan.places, strict=True))
    estimate = Estimate("fft", seconds, 3 * points * dtypes.item_size(problem.compute))
    return replace(plan, method="fft", lengths=known), estimate


def _overlap(problem: ChannelProblem, plan: ChannelPlan, sizes: _Sizes, traits: Traits, speed: ChannelTraits):
    tiles = [
        blocks.choose(split.taps, p.window.size if known else None, None)
        if not known
        else blocks.choose(split.taps, p.window.size, sufficient_length(p.size, split.taps, p.window))
        for split, p, known in zip(plan.splits, sizes.places, plan.places, strict=True)
    ]
    if not any(tile.step for tile in tiles):
        return None
    counts = [-(-p.window.size // t.step) if t.step else 1 for t, p in zip(tiles, sizes.places, strict=True)]
    rows = _rows(problem, plan.splits, sizes.batch)
    lengths = [tile.length for tile in tiles]
    total = math.prod(counts)
    first = next(i for i, tile in enumerate(tiles) if tile.step)
    row = (rows[0] + rows[2]) * math.prod(lengths) * total // counts[first]
    band = min(max(1, 4 * traits.band // row), counts[first])
    seconds = _spectral(problem, traits, speed, rows, lengths, total)
    size = dtypes.item_size(problem.compute)
    # Cutting the blocks out and laying them side by side again moves each sample.
    moved = (2 if len(tiles) == 1 else 4) * (rows[0] + rows[2]) * total * math.prod(lengths) * size * speed.moved
    estimate = Estimate("overlap", seconds + moved + 40 * traits.call, 3 * row * band * size)
    settled = replace(
        plan, method="overlap", lengths=tuple(lengths), steps=tuple(tile.step for tile in tiles), band=band
    )
    return settled, estimate


def _direct(problem: ChannelProblem, plan: ChannelPlan, sizes: _Sizes, traits: Traits, speed: ChannelTraits):
    taps = math.prod([axis.taps for axis in problem.axes])
    places = sizes.spatial if problem.transposed else tuple(p.output for p in sizes.places)
    sums = sizes.batch * math.prod(places) * taps * problem.channels // problem.groups * problem.outputs
    width = dtypes.item_size(problem.compute) / 4
    of_complex = dtypes.is_complex(problem.compute)
    depthwise = problem.groups == problem.channels > 1
    dilated = any(axis.dilation > 1 for axis in problem.axes)
    mixed = dilated and any(axis.stride > 1 for axis in problem.axes) and not depthwise
    special = (problem.groups > 1 or dilated) and problem.rank in speed.plain
    loop = not speed.native or problem.per_sample or special or (mixed and not speed.mixed)
    seconds = sums * (speed.depthwise if depthwise else speed.dense) * width * (2 if of_complex else 1)
    seconds += 8 * traits.call
    memory = sizes.batch * math.prod(places) * problem.outputs * dtypes.item_size(problem.compute)
    if loop:
        steps = math.prod([split.taps for split in plan.splits])
        rows = _rows(problem, plan.splits, sizes.batch)
        outputs = math.prod([p.window.size for p in sizes.places])
        seconds = steps * (
            outputs * (rows[3] * speed.dense * width + (rows[0] + 2 * rows[2]) * 4 * width * speed.moved)
            + 4 * traits.call
        )
    in_parts = of_complex and not traits.native_complex and not loop
    settled = replace(plan, method="direct", loop=loop, in_parts=in_parts)
    if not loop:
        others = [make(problem, plan, sizes, traits, speed) for make in (_fourier, _overlap)]
        other, cost = min((each for each in others if each), key=lambda each: each[1].seconds)
        if sums * speed.gradient * width > 2 * cost.seconds:  # which is a forward pass
            real = replace(problem, compute=dtypes.real(problem.compute)) if in_parts else problem
            settled = replace(settled, adjoint=replace(other, problem=real))
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
        if problem.method in ("auto", method):
            settled = candidate(problem, plan, sizes, traits, speed)
            if settled is not None:
                found[method] = settled
    if not found:  # a single block holds everything: overlap-save is one transform
        found["fft"] = _fourier(problem, plan, sizes, traits, speed)
    chosen = min(found, key=lambda method: found[method][1].seconds)
    estimates = tuple(sorted((estimate for _, estimate in found.values()), key=lambda each: each.seconds))
    if len(found) == 1:
        fits = problem.method in (chosen, "auto")
        reason = "the only one allowed here" if fits else "one block would hold everything, so one transform does"
    else:
        reason = f"predicted {estimates[1].seconds / max(estimates[0].seconds, 1e-12):.1f} times faster than the next"
        if None in (*problem.spatial, problem.shape[0]):
            reason += ", for sizes like those assumed where none are known"
    return replace(found[chosen][0], reason=reason, estimates=estimates)
