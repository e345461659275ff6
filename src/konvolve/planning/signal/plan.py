"""The answer: which method runs, at which lengths, at what cost, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from konvolve.planning import words
from konvolve.planning.cost import Estimate, Estimated
from konvolve.planning.geometry import Window, broadcast
from konvolve.planning.signal import integers
from konvolve.planning.signal.problem import Problem


@dataclass(frozen=True)
class Plan(Estimated):
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
    ``others`` are the plans of the methods that are not taken, where ``konvolve.plan`` was asked to explain.
    """

    problem: Problem
    core: Problem
    method: str
    windows: tuple[Window | None, ...] = ()
    lengths: tuple[int | None, ...] = ()
    steps: tuple[int, ...] = ()
    band: int = 1
    digits: integers.Digits | None = None
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
    others: tuple[Plan, ...] = field(default=(), compare=False)

    @property
    def preparable(self) -> bool:
        """Whether the kernel can be prepared before the signal is seen: all sizes known, and the same rows kept."""
        problem = self.problem
        centred = any(problem.shape2[axis] != 1 for axis in problem.cropped)
        known = None not in self.windows and None not in self.lengths
        return (
            self.method in ("fft", "overlap", "matrix")
            and known
            and not self.swap
            and not centred
            and self.rows is None
        )

    @property
    def spreads(self) -> bool:
        """Whether the method would spread what is not finite, where that is not wanted."""
        spreading = self.method in ("fft", "overlap", "matrix")
        return spreading and self.problem.local and self.problem.compute.startswith(("float", "complex"))

    @property
    def preparation(self) -> tuple:
        """All that a prepared kernel depends on beside the kernel."""
        problem = self.problem
        work = (problem.compute, problem.conjugate, problem.flip, self.layout, problem.axes)
        return (self.method, self.lengths, self.steps, self.turns, self.digits, self.block, self.neighbours, *work)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the result, None where a size is not known."""
        problem = self.problem
        if problem.kind == "empty":
            return (0,)
        shape = [broadcast(n1, n2) for n1, n2 in zip(problem.shape1, problem.shape2, strict=True)]
        for axis, kept in zip(problem.axes, self.windows, strict=True):
            shape[axis] = kept.size if kept is not None else None
        for axis in problem.cropped:
            shape[axis] = problem.shape1[axis]
        return tuple(shape)

    def __str__(self) -> str:
        return words.told(self)
