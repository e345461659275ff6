"""Plans below a ceiling of memory: another method, smaller bands of blocks, the batch in chunks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate, Traits
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.problem import Problem

Planner = Callable[[Problem, Traits], Plan]


def within(problem: Problem, traits: Traits, found: Plan, planner: Planner) -> Plan:
    """Return the plan that was found if it keeps below the problem's ceiling, or the quickest other one that does.

    Raises ValueError where nothing does, with what the least would be, and where sizes are not known.
    """
    limit = problem.max_memory
    if limit is None or found.method in ("nothing", "product"):
        return found
    if found.bytes is None:
        raise ValueError("max_memory needs sizes that are known when the convolution is planned")
    if found.bytes <= limit:
        return found
    free = replace(problem, max_memory=None)
    others = [found, *_methods(free, traits, planner), *_chunks(free, traits, planner, limit)]
    fitting = [plan for plan in others if (plan.bytes or 0) <= limit]
    if not fitting:
        least = min(others, key=lambda plan: plan.bytes or 0)
        raise ValueError(
            f"max_memory={limit} bytes are not enough: the least would be {least.bytes} bytes, the result included, "
            f"with this plan:\n{least}"
        )
    best = min(fitting, key=lambda plan: plan.seconds or 0.0)
    return replace(best, reason=f"the quickest within {limit / 2**20:.0f} MiB")


def _methods(problem: Problem, traits: Traits, planner: Planner) -> list[Plan]:
    """Return the plan of each method that is allowed; blocks in their usual bands, one at a time, and ever smaller."""
    found = []
    smaller = [traits._replace(band=1, parts=parts) for parts in (0, 2, 4, 8, 16, 32)]
    for method in problem.methods:
        for each in (traits, *smaller) if method == "overlap" else (traits,):
            try:
                plan = planner(replace(problem, methods=(method,)), each)
            except ValueError:  # this method can't
                continue
            if plan.method == method:
                found.append(plan)
    return found


def _chunks(problem: Problem, traits: Traits, planner: Planner, limit: int) -> list[Plan]:
    """Return plans that take the batch in chunks, halved until one fits, along the axis with the most rows."""
    axes = [axis for axis in problem.batch if problem.shape2[axis] == 1 and (problem.shape1[axis] or 0) > 1]
    if not axes or problem.methods == ("separable",):  # whose passes are no plan for a chunk
        return []
    axis = max(axes, key=lambda each: problem.shape1[each] or 0)
    n = rows = problem.shape1[axis] or 0
    found: list[Plan] = []
    while rows > 1 and not (found and (found[-1].bytes or 0) <= limit):
        rows = (rows + 1) // 2
        shape1 = tuple(rows if each == axis else size for each, size in enumerate(problem.shape1))
        part = planner(replace(problem, shape1=shape1), traits)
        whole = planner(problem, traits)
        count = -(-n // rows)
        result = math.prod(size or 1 for size in whole.output_shape) * dtypes.item_size(problem.result)
        held = traits.held.joined * result + traits.held.chunks * (part.bytes or 0)
        estimate = Estimate(part.method, count * (part.seconds or 0.0), int(held))
        chunks = replace(part, problem=problem, core=whole.core, rows=(axis, rows), passes=(part,), separable=None)
        found.append(replace(chunks, estimates=(estimate,)))
    return found
