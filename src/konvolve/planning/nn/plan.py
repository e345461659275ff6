"""How a convolution on channels is done, as a value that prints itself; and what planning knows of a library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate, Estimated
from konvolve.planning.nn.phases import Phases, Place
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.words import estimate_text, shape_text


class ChannelTraits(NamedTuple):
    """What planning has to know of a library's work on channels: seconds on the machine they were measured on.

    ``dense``: one multiply-add of the library's own convolution, all channels together, by rank; for o outputs in a
    group it takes ``1 + narrow / o`` times as long, and ``grouped`` times where there are several groups. ``sample``:
    what each output costs beside. ``depthwise`` and ``depthwise_sample``: the same with a group for each channel; for
    c channels it takes ``1 + slim / c`` times as long, and one tap is no convolution. ``product``: one complex
    multiply-add of channels at one frequency; ``moved``: one byte moved while axes are transposed.

    ``cliff`` and ``depthwise_cliff``: (taps, taps times outputs, seconds), from which on a multiply-add of the kernel's
    gradient takes so long; None where it need not be taken from elsewhere. ``native``:
    whether there is a convolution of the library's own; ``plain``: the ranks in which that has no groups; ``mixed``:
    whether it takes dilations together with strides where a group has several channels.
    """

    dense: dict[int, float]
    narrow: float
    grouped: float
    sample: float
    depthwise: float
    depthwise_sample: float
    slim: float
    product: float
    moved: float
    cliff: tuple[int, int, float] | None = None
    depthwise_cliff: tuple[int, int, float] | None = None
    plain: tuple[int, ...] = ()
    mixed: bool = True
    native: bool = True


@dataclass(frozen=True)
class ChannelPlan(Estimated):
    """How one problem on channels is solved. Printing it tells a person what will run and why.

    Per spatial axis: ``splits``, how strides and dilations are turned into channels and batches; ``places``, where
    things lie, None where the size is not known; ``lengths`` of the transforms (of a block where the axis is tiled)
    and ``steps``, the new samples of output per block, 0 for no tiling. ``band`` blocks along the first tiled axis are
    worked on at once. Where the library's own gradient with respect to the kernel is slower than transforms,
    ``adjoint`` is the plan it is taken from. ``loop`` and ``in_parts`` (real and imaginary) say how the direct sum is
    taken. ``estimates`` are those of all methods that are allowed, fastest first: ``seconds``, and ``bytes`` beside the
    inputs.
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

    @property
    def between_taps(self) -> bool:
        """Whether the sum has zeros between the taps and behind them, which shall not meet a NaN."""
        every = zip(self.splits, self.problem.axes, strict=True)
        return self.loop and any(
            split.spread > 1 or (split.kind in ("inputs", "outputs") and split.taps * split.number != axis.taps)
            for split, axis in every
        )

    @property
    def preparable(self) -> bool:
        """Whether the kernel can be prepared before the inputs are seen: it is transformed, to known lengths."""
        return self.method in ("fft", "overlap") and None not in self.lengths

    @property
    def preparation(self) -> tuple:
        """All that a prepared kernel depends on beside the kernel."""
        problem = self.problem
        sizes = (problem.groups, problem.channels, problem.outputs, problem.per_sample)
        return ("channels", problem.transposed, problem.compute, sizes, self.splits, self.lengths)

    @property
    def prepared_bytes(self) -> int:
        """The size of a prepared kernel."""
        lengths: Any = self.lengths
        dtype = self.problem.compute
        last = lengths[-1] if dtypes.is_complex(dtype) else lengths[-1] // 2 + 1
        batch = self.problem.kernel[0] or 1  # where each sample has a kernel of its own
        rows = transformed_rows(self.problem, self.splits, batch)[1]
        return rows * math.prod(lengths[:-1]) * last * 2 * dtypes.item_size(dtypes.real(dtype))

    def __str__(self) -> str:
        problem, axes = self.problem, self.problem.axes
        edges = tuple({"zero": "zeros", "wrap": "circular"}.get(axis.edge, axis.edge) for axis in axes)
        own = self.method == "direct" and not self.loop  # which may work in half precision
        lines = [
            f"{problem.function}: {shape_text(problem.shape)} with {shape_text(problem.kernel)}, "
            f"{problem.data_format}, groups {problem.groups}, strides {tuple(axis.stride for axis in axes)}, "
            f"dilation_rate {tuple(axis.dilation for axis in axes)}, padding {axes[0].padding!r}"
            + (f", padding_mode {edges}" if set(edges) != {"zeros"} else ""),
            f"  result   {shape_text(self.output_shape)} {problem.result}"
            + (f", computed in {problem.compute}" if problem.compute != problem.result and not own else ""),
            f"  method   {self.method}: {self.reason}" + (", summed tap by tap" if self.loop else ""),
        ]
        if self.lengths:
            lines.append(f"  lengths  {self._lengths()}")
        lines += [estimate_text(each, self.method) for each in self.estimates]
        if self.adjoint is not None:
            lines += [
                f"  the kernel's gradient by {self.adjoint.method}, since the library's own is slow here",
                f"     lengths  {self.adjoint._lengths()}",
            ]
        return "\n".join(lines)

    def _lengths(self) -> str:
        """The transforms' lengths and blocks along each spatial axis, in words."""
        named = zip(self.lengths, self.steps or (0,) * len(self.lengths), strict=True)
        words = [
            "known at run time" if length is None else f"{length}" + (f" in blocks of {step} new samples" * (step > 0))
            for length, step in named
        ]
        return ", ".join(words) + (f"; {self.band} rows of blocks at once" if any(self.steps) else "")


def transformed_rows(problem: ChannelProblem, splits: tuple[Phases, ...], batch: int) -> tuple[int, int, int, int]:
    """Return the rows of inputs, kernel and result that are transformed, and the multiply-adds per frequency."""

    def of(kind: str) -> int:
        return math.prod([split.number for split in splits if split.kind == kind])

    samples = batch if problem.per_sample else 1
    held = problem.channels * of("inputs")
    outputs = problem.outputs * of("outputs")
    batch *= of("batch")
    per_group = held // problem.groups * outputs
    return batch * held, samples * per_group, batch * outputs, batch * per_group
