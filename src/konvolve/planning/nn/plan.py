"""How a convolution on channels is done, as a value that prints itself."""

from __future__ import annotations

from dataclasses import dataclass

from konvolve.planning.cost import Estimate, Estimated
from konvolve.planning.nn.candidate import ChannelWay, prepared_bytes
from konvolve.planning.nn.phases import Phases, Place
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.words import estimate_text, shape_text


@dataclass(frozen=True)
class ChannelPlan(Estimated):
    """How one problem on channels is solved. Printing it tells a person what will run and why.

    ``way`` are the method and its settings. Per spatial axis: ``splits``, how strides and dilations are turned into
    channels and batches; ``places``, where things lie, None where the size is not known. Where the library's own
    gradient with respect to the kernel is slower than transforms, ``adjoint`` is the plan it is taken from. ``reason``
    says why the method was taken, ``estimates`` are those of all methods that are allowed, fastest first: ``seconds``,
    and ``bytes`` beside the inputs.
    """

    problem: ChannelProblem
    way: ChannelWay
    splits: tuple[Phases, ...]
    places: tuple[Place | None, ...]
    adjoint: ChannelPlan | None = None
    reason: str = ""
    estimates: tuple[Estimate, ...] = ()

    @property
    def method(self) -> str:  # type: ignore[override]
        """The method's name."""
        return self.way.name

    @property
    def lengths(self) -> tuple[int | None, ...]:
        """The lengths of its transforms along each spatial axis, None where known at run time; none without any."""
        return self.way.lengths

    @property
    def loops(self) -> bool:
        """Whether the sum is taken tap by tap."""
        return getattr(self.way, "loop", False)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the result, None where a size is not known."""
        return self.problem.output_shape

    @property
    def between_taps(self) -> bool:
        """Whether the sum has zeros between the taps and behind them, which shall not meet a NaN."""
        every = zip(self.splits, self.problem.axes, strict=True)
        return self.loops and any(
            split.spread > 1 or (split.kind in ("inputs", "outputs") and split.taps * split.number != axis.taps)
            for split, axis in every
        )

    @property
    def preparable(self) -> bool:
        """Whether the kernel can be prepared before the inputs are seen: it is transformed, to known lengths."""
        return self.way.preparation is not None

    @property
    def preparation(self) -> tuple:
        """All that a prepared kernel depends on beside the kernel."""
        problem = self.problem
        sizes = (problem.groups, problem.channels, problem.outputs, problem.per_sample)
        return ("channels", problem.transposed, problem.compute, sizes, self.splits, self.way.preparation)

    @property
    def prepared_bytes(self) -> int:
        """The size of a prepared kernel."""
        return prepared_bytes(self.problem, self.splits, self.lengths)

    def __str__(self) -> str:
        problem, axes = self.problem, self.problem.axes
        edges = tuple({"zero": "zeros", "wrap": "circular"}.get(axis.edge, axis.edge) for axis in axes)
        own = self.method == "direct" and not self.loops  # which may work in half precision
        lines = [
            f"{problem.function}: {shape_text(problem.shape)} with {shape_text(problem.kernel)}, "
            f"{problem.data_format}, groups {problem.groups}, strides {tuple(axis.stride for axis in axes)}, "
            f"dilation_rate {tuple(axis.dilation for axis in axes)}, padding {axes[0].padding!r}"
            + (f", padding_mode {edges}" if set(edges) != {"zeros"} else ""),
            f"  result   {shape_text(self.output_shape)} {problem.result}"
            + (f", computed in {problem.compute}" if problem.compute != problem.result and not own else ""),
            f"  method   {self.method}: {self.reason}" + (", summed tap by tap" if self.loops else ""),
        ]
        if self.lengths:
            lines.append(f"  lengths  {self.way.words}")
        lines += [estimate_text(each, self.method) for each in self.estimates]
        if self.adjoint is not None:
            lines += [
                f"  the kernel's gradient by {self.adjoint.method}, since the library's own is slow here",
                f"     lengths  {self.adjoint.way.words}",
            ]
        return "\n".join(lines)
