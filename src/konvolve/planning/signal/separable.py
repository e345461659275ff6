"""The method "separable": a product of factors is one convolution after another, along one axis each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.geometry import window
from konvolve.planning.profile import Profile
from konvolve.planning.signal import candidate
from konvolve.planning.signal.candidate import SignalWay
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate
from konvolve.planning.words import shape_text

# Where all passes are one program, each but the first saves so many calls: 66 x 87 samples with 14 x 24 and
# 12 x 11 x 14 with 4 x 3 x 4 took 20 and 8 us, where 68 and 76 were predicted for two and three calls.
_CALLS_SAVED = 8


@dataclass(frozen=True, kw_only=True)
class Separable(SignalWay):
    """One of the ``passes`` after the other, each the plan of one axis."""

    name: ClassVar[str] = "separable"

    passes: tuple[Plan, ...]

    @classmethod
    def refusal(cls, problem: Problem) -> str:
        """Return what ``SignalWay.refusal`` says."""
        return (
            "method='separable' is for floating-point numbers, sizes that are known, one kernel for all rows and no "
            f"constant beyond the edges, not for {shape_text(problem.shape1)} {problem.dtype1} with "
            f"{shape_text(problem.shape2)} {problem.dtype2}"
        )

    @property
    def words(self) -> str:
        """The condition, and the method of each pass."""
        every = ", ".join(f"axis {each.problem.axes[0]}: {each.method}" for each in self.passes)
        return f"if the kernel is a product; {every}"

    def lines(self, axes: tuple[int, ...]) -> list[str]:
        """Return the method of each pass."""
        return [f"  pass along axis {each.problem.axes[0]}: {each.method}" for each in self.passes]


def separates(problem: Problem) -> bool:
    """Whether the problem can be answered axis by axis if the kernel is a product.

    Integers stay exact only in sums, a kernel of its own for every row has as many factors, and a constant beyond the
    edges is not the same constant after the first pass.
    """
    return (
        problem.kind == "convolution"
        and problem.known
        and all(edge.kind != "constant" for edge in problem.edges)
        and dtypes.parse(problem.compute).kind in ("float", "complex")
        and all(problem.shape2[axis] == 1 for axis in problem.batch)
    )


def problems(problem: Problem, methods: tuple[str, ...]) -> list[Problem]:
    """Return the problem of each axis, which any of these methods may answer.

    What is kept and what lies beyond the edges are settled per axis anyway.
    """
    found = []
    shape1: list[int | None] = list(problem.shape1)
    dtype1 = problem.dtype1
    for place, axis in enumerate(problem.axes):
        last = place == len(problem.axes) - 1
        shape2: list[int | None] = [1] * len(shape1)
        shape2[axis] = problem.shape2[axis]
        found.append(
            replace(
                problem,
                shape1=tuple(shape1),
                shape2=tuple(shape2),
                dtype1=dtype1,
                dtype2=problem.compute,
                result=problem.result if last else problem.compute,
                axes=(axis,),
                flip=(axis,) if axis in problem.flip else (),
                edges=problem.edges[place : place + 1],
                lags=problem.lags[place : place + 1],
                methods=methods if set(problem.methods) != {"direct"} else problem.methods,
                prepared=False,  # its factors are known, and nothing else of them
            )
        )
        kept = window(problem.keeps(place), shape1[axis], problem.shape2[axis])
        shape1[axis], dtype1 = kept.size, problem.compute
    return found


def given_bytes(problem: Problem, profile: Profile, place: int) -> int:
    """Return the bytes that a pass holds beside its own: what the one before gave it, and what the library leaves."""
    signal = math.prod(size or 1 for size in problem.shape1) * dtypes.item_size(problem.dtype1)
    return int(signal * ((place > 0) + profile.multiples.passes))


def settled(problem: Problem, passes: Sequence[Plan], profile: Profile) -> Candidate:
    """Return the method with these passes, and what they cost together."""
    most = max(given_bytes(each.problem, profile, i) + (each.bytes or 0) for i, each in enumerate(passes))
    wide = max(8, dtypes.item_size(problem.compute))  # the kernel is looked at in float64
    kernel = candidate.sizes(problem)[1]
    # To see whether it is a product: it, the product and what is left. Its factors, as they are found and as they are
    # used, stay.
    most = max(most, 3 * wide * math.prod(kernel)) + 2 * wide * sum(kernel)
    seconds = sum(each.seconds or 0.0 for each in passes)
    if profile.fused:
        seconds -= _CALLS_SAVED * (len(passes) - 1) * profile.call
    return Candidate(Separable(passes=tuple(passes)), Estimate(Separable.name, seconds, most))
