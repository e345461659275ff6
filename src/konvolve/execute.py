"""From arguments to a result: find the library, ask the problem, take the plan from the cache, run it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from konvolve.backends import registry
from konvolve.backends.interface import Backend
from konvolve.methods.run import run
from konvolve.planning import dtypes
from konvolve.planning.cost import Traits
from konvolve.planning.plan import Plan, make_plan
from konvolve.planning.problem import Operand, Problem

# Plans by everything they depend on. A plain dictionary: torch.compile warns about lru_cache, not about this.
_PLANS: dict[tuple, Plan] = {}
_MOST_PLANS = 4096

Ask = Callable[..., Problem]


@functools.cache
def traits(library: str) -> Traits:
    """Return the planning constants of a library."""
    return Traits(**registry.backend(library).constants)


def solve(ask: Ask, function: str, in1: Any, in2: Any, *options: Any) -> Any:
    """Answer a public function's question about two arrays.

    ``ask`` is the checker in ``planning.problem``, ``options`` are the function's own arguments for it.
    """
    xp, (a, b) = registry.resolve({"in1": in1, "in2": in2})
    return run(xp, plan_arrays(xp, ask, function, a, b, *options), a, b)


def plan_arrays(xp: Backend, ask: Ask, function: str, a: Any, b: Any, *options: Any) -> Plan:
    """Return the plan for two arrays of a library, from the cache where it stands there."""
    one, two = (xp.shape(a), xp.dtype(a)), (xp.shape(b), xp.dtype(b))
    bits = (_bits(xp, a, one[1]), _bits(xp, b, two[1]))
    key = (ask, function, xp.name, one, two, bits, *options)
    try:
        found = _PLANS.get(key)
    except TypeError:  # an option that cannot be hashed: a list of axes, or a mistake for the checker to name
        return make(ask, function, one, two, xp.name, bits, *options)
    if found is None:
        found = make(ask, function, one, two, xp.name, bits, *options)
        if len(_PLANS) >= _MOST_PLANS:
            _PLANS.clear()
        _PLANS[key] = found
    return found


def _bits(xp: Backend, x: Any, dtype: str) -> int | None:
    return xp.magnitude_bits(x) if dtypes.parse(dtype).kind in ("int", "uint") else None


def make(
    ask: Ask, function: str, one: Operand, two: Operand, library: str, bits: tuple[int | None, int | None], *options: Any
) -> Plan:
    """Ask and plan, from sizes alone."""
    return make_plan(ask(function, one, two, *options), traits(library), bits)
