"""A first eager call of each kind, computed by NumPy: JAX would compile a program for every new length.

Seen with JAX 0.10 on CPU: a program takes 95 to 300 ms and 3 MiB, for good. A thousand clips of a thousand lengths
took minutes and gigabytes. A plan can be carried out by NumPy's primitives as it stands, on the same memory and in
about the time that the compiled program takes. So that is done the first time, and a plan that comes again soon is
compiled. The two agree within rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from konvolve.backends import numpy as numpy_backend

# A plan that comes again among so many others is compiled.
_MOST_AWAITED = 64

# So many programs are kept, of 3 MiB each, as long as there is room; then all of them are dropped.
_MOST_PROGRAMS = 128

# What the compiled sum over taps does in so many seconds, as predicted, it does far quicker than NumPy.
_QUICK = 0.02


def when_it_comes_again(function: Callable) -> Callable:
    """Return a function of (backend, plan, *arrays) that is compiled for each plan, where that pays.

    One by one its operations would take six times longer.
    """

    def fresh() -> Any:
        # Of a function of its own: what JAX keeps of it goes with it, when the last thread is through.
        return jax.jit(lambda *operands: function(*operands), static_argnums=(0, 1))

    compiled = [fresh(), None]  # the second one is out of use
    # By the identity of the plan, since the cache of plans returns the same one. Threads share them without a lock.
    awaited: dict[tuple[int, int], Any] = {}
    programs: dict[tuple[int, int], Any] = {}

    def run(xp: Any, plan: Any, *arrays: jax.Array) -> jax.Array:
        key = id(plan), len(arrays)  # one more with a kernel that is prepared
        if programs.get(key) is plan or any(isinstance(x, jax.core.Tracer) for x in arrays):
            return compiled[0](xp, plan, *arrays)
        if awaited.get(key) is not plan and by_numpy(plan, arrays):
            if len(awaited) >= _MOST_AWAITED:
                awaited.clear()
            awaited[key] = plan
            with np.errstate(all="ignore"):  # JAX does not warn of what is not finite
                y = np.asarray(function(_HOST, plan, *map(np.asarray, arrays)))
            return jax.device_put(y if y.flags.owndata else y.copy())  # the memory may become JAX's own
        if len(programs) >= _MOST_PROGRAMS:
            programs.clear()
            # Equal plans that were made anew share a program, so that there may be far fewer.
            if _count(compiled[0]) >= _MOST_PROGRAMS:
                # Dropped while another thread calls it, it ends the process (JAX 0.10, a segmentation fault), so it is
                # kept until the next one is full as well.
                compiled[:] = fresh(), compiled[0]
        programs[key] = plan
        return compiled[0](xp, plan, *arrays)

    return run


def _count(compiled: Any) -> float:
    """Return how many programs a compiled function has; as many as can be where JAX does not say."""
    return compiled._cache_size() if hasattr(compiled, "_cache_size") else float("inf")


def by_numpy(plan: Any, arrays: Sequence[jax.Array]) -> bool:
    """Whether NumPy may compute for these arrays, and is quick enough.

    It may on the CPU, where the arrays belong to no device: then neither does the result.
    """
    if plan.method in ("direct", "matrix") and (plan.seconds or 0.0) > _QUICK:
        return False
    settings: Any = jax.config
    if settings.jax_debug_nans or settings.jax_debug_infs or settings.jax_disable_jit:
        return False
    return all(not x.committed and x.is_fully_addressable and _on_cpu(x) for x in arrays)


def _on_cpu(x: jax.Array) -> bool:
    devices = x.devices()
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"


# NumPy's primitives, as silent as JAX is.
_HOST = SimpleNamespace(**vars(numpy_backend) | {"begins_finite": lambda y: True})
