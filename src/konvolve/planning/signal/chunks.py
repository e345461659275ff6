"""The batch in chunks, one after the other: less is alive at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.profile import Profile
from konvolve.planning.signal.candidate import SignalWay, Windows
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Chunks(SignalWay):
    """``rows`` rows of in1 at a time along ``axis``, each chunk by the plan ``part``."""

    axis: int
    rows: int
    part: Plan

    @property
    def name(self) -> str:  # type: ignore[override]
        """The method of each chunk."""
        return self.part.method

    @property
    def spreads(self) -> bool:  # type: ignore[override]
        """As that method does."""
        return self.part.way.spreads

    @property
    def words(self) -> str:
        """The chunks, and what is done to each."""
        return f"in chunks of {self.rows} along axis {self.axis}: {self.part.way.words}"

    def lines(self, axes: tuple[int, ...]) -> list[str]:
        """Return what is told of each chunk, and the chunks."""
        return [*self.part.way.lines(axes), f"  {self.words}"]


def halved(problem: Problem) -> Iterator[tuple[int, int, Problem]]:
    """Yield an axis, rows, and the problem of so many rows: the axis with the most rows, halved ever again."""
    axes = [axis for axis in problem.batch if problem.shape2[axis] == 1 and (problem.shape1[axis] or 0) > 1]
    if not axes or problem.methods == ("separable",):  # whose passes are no plan for a chunk
        return
    axis = max(axes, key=lambda each: problem.shape1[each] or 0)
    rows = problem.shape1[axis] or 0
    while rows > 1:
        rows = (rows + 1) // 2
        shape1 = tuple(rows if each == axis else size for each, size in enumerate(problem.shape1))
        yield axis, rows, replace(problem, shape1=shape1)


def joined(problem: Problem, windows: Windows, part: Plan, axis: int, rows: int, profile: Profile) -> Plan:
    """Return the plan that takes a problem in chunks, each by the plan of a part."""
    plan = Plan(
        problem, problem, Chunks(lengths=part.lengths, axis=axis, rows=rows, part=part), windows, reason=part.reason
    )
    result = math.prod(size or 1 for size in plan.output_shape) * dtypes.item_size(problem.result)
    multiples = profile.multiples
    most = max(multiples.joined * result + multiples.chunks * (part.bytes or 0), multiples.chunked * result)
    count = -(-(problem.shape1[axis] or 0) // rows)
    return replace(plan, estimates=(Estimate(part.method, count * (part.seconds or 0.0), int(most)),))
