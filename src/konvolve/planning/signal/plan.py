"""The answer: which method runs, with which settings, at what cost, and why. It prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from konvolve.planning.cost import Estimate, Estimated
from konvolve.planning.geometry import Window, broadcast
from konvolve.planning.signal.candidate import SignalWay
from konvolve.planning.signal.problem import Problem
from konvolve.planning.words import estimate_text, shape_text


@dataclass(frozen=True)
class Plan(Estimated):
    """How one problem is solved. Printing it tells a person what will run and why.

    ``problem`` is the question, ``core`` the part of it that the method sees: where samples beyond the edges are
    wanted, in1 is extended first (by ``extension``) and the rest is a "valid" convolution. ``way`` are the method and
    its settings. ``windows`` are the parts of the full convolution that are kept, one for each convolved axis, None
    where sizes are known only at run time. ``layout`` is the transpose that brings the convolved axes last, and the one
    back; None where they are last. ``reason`` says why the method was taken, ``estimates`` what each was predicted to
    cost.

    ``separable`` is a plan in passes, where it is cheaper than this one if the kernel proves to be a product, and
    ``adjoint`` the one by which the gradient by the kernel is taken, where this method's own would be slow.
    ``others`` are the plans of the methods that are not taken, where ``konvolve.plan`` was asked to explain. ``eager``
    says how an eager call is best carried out, where that is not operation by operation: by the "host", in the memory
    of the library's arrays, which is done before their own operations have begun, or by a "program", once it comes
    again.
    """

    problem: Problem
    core: Problem
    way: SignalWay
    windows: tuple[Window | None, ...] = ()
    layout: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    extension: tuple[Window | None, ...] | None = None
    reason: str = field(default="", compare=False)
    estimates: tuple[Estimate, ...] = field(default=(), compare=False)
    separable: Plan | None = field(default=None, compare=False)
    adjoint: Plan | None = field(default=None, compare=False)
    others: tuple[Plan, ...] = field(default=(), compare=False)
    eager: str = field(default="", compare=False)
    method: str = field(init=False, compare=False, repr=False)  # the method's name
    spreads: bool = field(init=False, compare=False, repr=False)  # whether it spreads what is not finite, unwanted

    def __post_init__(self) -> None:
        # Once for all: every call asks for them.
        object.__setattr__(self, "method", self.way.name)
        floating = self.problem.compute.startswith(("float", "complex"))
        object.__setattr__(self, "spreads", self.way.spreads and self.problem.local and floating)

    @property
    def lengths(self) -> tuple[int | None, ...]:
        """The lengths of its transforms along each convolved axis, None where known at run time; none without any."""
        return self.way.lengths

    @property
    def preparable(self) -> bool:
        """Whether the kernel can be prepared before the signal is seen: all sizes known, and the same rows kept."""
        problem = self.problem
        centred = any(problem.shape2[axis] != 1 for axis in problem.cropped)
        return self.way.preparation is not None and None not in self.windows and not centred

    @property
    def preparation(self) -> tuple:
        """All that a prepared kernel depends on beside the kernel."""
        problem = self.problem
        return (self.way.preparation, problem.compute, problem.conjugate, problem.flip, self.layout, problem.axes)

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
        problem = self.problem
        lines = [
            f"{problem.function}: {shape_text(problem.shape1)} {problem.dtype1} with {shape_text(problem.shape2)} "
            f"{problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
            f"  result   {shape_text(self.output_shape)} {problem.result}",
            f"  method   {self.method}: {self.reason}",
            *self.way.lines(problem.axes),
        ]
        for row in rows(self):
            if row.estimate is not None:
                # What the others would do is said where it was asked for: one line says what this one does already.
                apart = "if the kernel is a product" if row.method == "separable" != self.method else ""
                lines.append(estimate_text(row.estimate, self.method, row.words if self.others else apart))
        return "\n".join(lines)


class Row(NamedTuple):
    """One method: what it is predicted to take, None where sizes are not known, and how it would go about it."""

    method: str
    estimate: Estimate | None
    words: str


def rows(plan: Plan) -> list[Row]:
    """Return the methods that the plan knows of, the fastest first, and how those that were planned go about it."""
    plans = {each.method: each for each in (plan.separable, *plan.others, plan) if each is not None}
    estimates = {estimate.method: estimate for each in plans.values() for estimate in each.estimates}
    names = {**plans, **estimates}
    found = [Row(name, estimates.get(name), plans[name].way.words if name in plans else "") for name in names]
    return sorted(found, key=lambda row: row.estimate.seconds if row.estimate else 0.0)
