"""The choice of how a convolution on channels is done: the candidates, and which of them is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.nn import candidate
from konvolve.planning.nn.candidate import Case, ChannelWay
from konvolve.planning.nn.direct import Direct
from konvolve.planning.nn.fft import Fft
from konvolve.planning.nn.overlap import Overlap
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.profile import ChannelProfile, Profile
from konvolve.planning.way import Candidate
from konvolve.planning.words import shape_text

METHODS: dict[str, type[ChannelWay]] = {each.name: each for each in (Direct, Fft, Overlap)}
"""The record of each method."""

# The library's own convolution is taken where transforms aren't predicted to be so much faster: nobody shall find
# konvolve slower than what it replaces, and a prediction may be off by as much.
_PREFERENCE = 1.3


@dataclass(frozen=True, kw_only=True)
class Nothing(ChannelWay):
    """An input is empty: the result is zeros, if anything."""

    name: ClassVar[str] = "nothing"


def make_plan(problem: ChannelProblem, profile: Profile, speed: ChannelProfile) -> ChannelPlan:
    """Choose a method for a problem on a library of this profile."""
    case = candidate.case(problem)
    if 0 in problem.shape or 0 in problem.output_shape:
        return ChannelPlan(problem, Nothing(), case.splits, case.places, reason="an input is empty")
    found: dict[str, Candidate] = {}
    for name, method in METHODS.items():
        if _is_allowed(problem, profile, name):
            proposed = method.propose(case, profile, speed)
            if proposed is not None:
                found[name] = proposed
    if not found:  # a single block holds everything: overlap-save is one transform
        found[Fft.name] = Fft.propose(case, profile, speed)
    method_name, reason = _choose(problem, {name: each.estimate.seconds for name, each in found.items()})  # type: ignore[union-attr]
    if None in (*problem.spatial, problem.shape[0]):
        assumed = shape_text(candidate.with_spatial(problem, case.spatial, case.batch))
        reason += f", for inputs assumed to be {assumed}"
    estimates = sorted((each.estimate for each in found.values() if each.estimate), key=lambda each: each.seconds)
    plan = _planned(case, found[method_name])
    return replace(plan, reason=reason, estimates=tuple(estimates))


def _is_allowed(problem: ChannelProblem, profile: Profile, method: str) -> bool:
    """Whether a method was asked for, or may be chosen: one transform has to know how long everything is."""
    if problem.method != "auto":
        return problem.method == method
    return method != Fft.name or profile.late_lengths or None not in problem.spatial


def _choose(problem: ChannelProblem, seconds: dict[str, float]) -> tuple[str, str]:
    """Return the method that is taken, and why."""
    chosen = min(seconds, key=lambda method: seconds[method])
    if seconds.get(Direct.name, float("inf")) < _PREFERENCE * seconds[chosen]:
        chosen = Direct.name
    if len(seconds) == 1:
        fits = problem.method in (chosen, "auto")
        return chosen, "the only one allowed here" if fits else "one block would hold everything, so one transform does"
    ratio = max(min(each for method, each in seconds.items() if method != chosen), 1e-12) / seconds[chosen]
    if ratio < 1:
        return chosen, "transforms are not predicted to be much faster"
    return chosen, f"predicted {ratio:.1f} times faster than the next"


def _planned(case: Case, taken: Candidate) -> ChannelPlan:
    """Return a candidate as a plan; its adjoint works on real numbers where it is taken part by part."""
    plan = ChannelPlan(case.problem, taken.way, case.splits, case.places)
    if taken.adjoint is None:
        return plan
    parts = getattr(taken.way, "in_parts", False)
    problem = replace(case.problem, compute=dtypes.real(case.problem.compute)) if parts else case.problem
    way, estimate, _ = taken.adjoint
    return replace(plan, adjoint=replace(plan, problem=problem, way=way, estimates=(estimate,) if estimate else ()))
