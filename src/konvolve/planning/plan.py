"""The answer: which method runs, at which lengths, at what cost, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from konvolve.planning import exact
from konvolve.planning.cost import Estimate
from konvolve.planning.geometry import Window, broadcast
from konvolve.planning.problem import Problem


@dataclass(frozen=True)
class Plan:
    """How one problem is solved. Printing it tells a person what will run and why.

    Per convolved axis: ``windows``, the part of the full convolution that is kept; ``lengths``, of the transform
    (of one block where the axis is tiled); ``steps``, the new samples of output per block, 0 for no tiling.
    Sizes not known before the run are None. ``band`` blocks along the first tiled axis are worked on at once.
    ``digits`` splits integers so that floating point returns them exactly. ``layout`` is the transpose that
    brings the convolved axes last, and back. ``core`` is the problem that the method sees: where samples beyond
    the edges are wanted, in1 is extended first (by ``extension``) and the rest is a "valid" convolution; only along
    periodic axes whose transform is as long as the signal nothing is extended, and the kernel is wound onto the period
    instead, from its sample ``turns`` on. ``swap`` exchanges the operands, ``loop`` and ``in_parts`` (real and
    imaginary) say how the direct sum is taken. ``block`` are the outputs of one product with a banded matrix, and
    ``matrix_axis`` is the place among the convolved axes that is cut into them; a block draws on ``neighbours`` blocks
    of samples, which are convolved as channels, or is cut out where that is 0. ``passes`` are the plans of a separable
    kernel, one per axis, or the one of a chunk of ``rows``: (axis, so many at a time).
    ``separable`` is a plan in passes, where it is cheaper than this one if the kernel proves to be a product, and
    ``adjoint`` the one by which the gradient by the kernel is taken, where this method's own would be slow.
    """

    problem: Problem
    core: Problem
    method: str
    windows: tuple[Window | None, ...] = ()
    lengths: tuple[int | None, ...] = ()
    steps: tuple[int, ...] = ()
    band: int = 1
    digits: exact.Digits | None = None
    extension: tuple[Window | None, ...] | None = None
    turns: tuple[int | None, ...] = ()
    swap: bool = False
    loop: bool = False
    block: int = 0
    matrix_axis: int = 0
    neighbours: int = 0
    in_parts: bool = False
    layout: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    reason: str = field(default="", compare=False)
    estimates: tuple[Estimate, ...] = field(default=(), compare=False)
    passes: tuple[Plan, ...] = ()
    rows: tuple[int, int] | None = None
    separable: Plan | None = field(default=None, compare=False)
    adjoint: Plan | None = field(default=None, compare=False)

    @property
    def preparable(self) -> bool:
        """Whether the kernel can be prepared before the signal is seen: all sizes known, and the same rows kept."""
        problem = self.problem
        centred = problem.mode == "same" and any(problem.shape2[axis] != 1 for axis in problem.batch)
        known = None not in self.windows and None not in self.lengths
        return (
            self.method in ("fft", "overlap", "matrix")
            and known
            and not self.swap
            and not centred
            and self.rows is None
        )

    @property
    def preparation(self) -> tuple:
        """All that a prepared kernel depends on beside the kernel."""
        problem = self.problem
        work = (problem.compute, problem.conjugate, problem.flip, self.layout, problem.axes)
        return (self.method, self.lengths, self.steps, self.turns, self.digits, self.block, self.neighbours, *work)

    @property
    def bytes(self) -> int | None:
        """The predicted peak of memory beside the inputs, the result included; None where sizes are not known."""
        return next((each.bytes for each in self.estimates if each.method == self.method), None)

    @property
    def seconds(self) -> float | None:
        """The predicted time, None where sizes are not known."""
        return next((each.seconds for each in self.estimates if each.method == self.method), None)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the result, None where a size is not known."""
        problem = self.problem
        if problem.kind == "empty":
            return (0,)
        shape = [broadcast(n1, n2) for n1, n2 in zip(problem.shape1, problem.shape2, strict=True)]
        for axis, kept in zip(problem.axes, self.windows, strict=True):
            shape[axis] = kept.size if kept is not None else None
        if problem.mode == "same":
            shape = [
                n1 if axis in problem.batch else n
                for axis, (n1, n) in enumerate(zip(problem.shape1, shape, strict=True))
            ]
        return tuple(shape)

    def __str__(self) -> str:
        problem = self.problem
        lines = [
            f"{problem.function}: {shape_text(problem.shape1)} {problem.dtype1} with {shape_text(problem.shape2)} "
            f"{problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
            f"  result   {shape_text(self.output_shape)} {problem.result}",
            f"  method   {self.method}: {self.reason}",
        ]
        if self.method in ("fft", "overlap"):
            none = (0,) * len(self.lengths)
            named = zip(problem.axes, self.lengths, self.steps or none, self.turns or (None,) * len(none), strict=True)
            lines.append("  lengths  " + ", ".join(_length(*each) for each in named))
        if self.digits:
            lines.append(
                f"  integers in {self.digits.count1} x {self.digits.count2} digits of {self.digits.width} bits, exact"
            )
        lines += [
            f"  {'->' if each.method == self.method else '  '} {each.method:<8} {seconds_text(each.seconds):>9} "
            f"{each.bytes / 2**20:9.1f} MiB"
            for each in self.estimates
        ]
        if self.separable is not None and self.separable.seconds is not None:
            lines.append(f"     separable {seconds_text(self.separable.seconds):>8}   if the kernel is a product")
        if self.rows is not None:
            return "\n".join(
                [*lines, f"  in chunks of {self.rows[1]} along axis {self.rows[0]}: {self.passes[0].method}"]
            )
        lines += [f"  pass along axis {each.problem.axes[0]}: {each.method}" for each in self.passes]
        return "\n".join(lines)


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Return a shape as plans print it."""
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def _length(axis: int, length: int | None, step: int, turn: int | None) -> str:
    if length is None:
        return f"axis {axis}: known at run time"
    if turn is not None:
        return f"axis {axis}: {length}, the period"
    return f"axis {axis}: {length}" + (f", blocks of {step} new samples" if step else "")


def seconds_text(seconds: float) -> str:
    """Return a time as plans print it."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
