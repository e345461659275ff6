"""Plans below a ceiling of memory: other methods, and smaller bands of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from konvolve.planning.profile import Profile
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.problem import Problem

# At least so many blocks along an axis are tried, none for one block more than would be cut for speed.
_PARTS = (0, 2, 4, 8, 16, 32)


def exceeded(problem: Problem, plan: Plan) -> bool:
    """Whether a plan is above the problem's ceiling; raises ValueError where its sizes are not known."""
    limit = problem.max_memory
    if limit is None or plan.method in ("nothing", "product"):
        return False
    if plan.bytes is None:
        raise ValueError("max_memory needs sizes that are known when the convolution is planned")
    return plan.bytes > limit


def variants(problem: Problem, profile: Profile) -> Iterator[tuple[Problem, Profile]]:
    """Yield each method that is allowed alone; of blocks their usual bands, one at a time, and ever smaller ones."""
    smaller = [profile._replace(band=1, parts=parts) for parts in _PARTS]
    for method in problem.methods:
        for each in (profile, *smaller) if method == "overlap" else (profile,):
            yield replace(problem, methods=(method,)), each


def quickest(plans: Sequence[Plan], limit: int) -> Plan:
    """Return the quickest of the plans within a limit of bytes.

    Raises ValueError where there is none, with what the least would be.
    """
    fitting = [plan for plan in plans if (plan.bytes or 0) <= limit]
    if not fitting:
        least = min(plans, key=lambda plan: plan.bytes or 0)
        raise ValueError(
            f"max_memory={limit} bytes are not enough: the least would be {least.bytes} bytes, the result included, "
            f"with this plan:\n{least}"
        )
    best = min(fitting, key=lambda plan: plan.seconds or 0.0)
    return replace(best, reason=f"the quickest within {limit / 2**20:.0f} MiB")
