"""A first eager call of each kind, computed by NumPy: JAX would compile a program for every new length.

Seen with JAX 0.10 on CPU: a program takes 95 to 300 ms and 3 MiB, for good. A thousand clips of a thousand lengths
took minutes and gigabytes. A plan can be carried out by NumPy's primitives as it stands, on the same memory and in
about the time that the compiled program takes. So that is done the first time, and a plan that comes again soon is
compiled. The two agree within rounding.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from konvolve.backends import numpy as numpy_backend
from konvolve.backends.interface import Native

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

    compiled = [fresh()]
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
            # Cleared while another thread calls it, the one before ends the process (JAX 0.10, a segmentation fault).
            compiled[0] = fresh()
        programs[key] = plan
        return compiled[0](xp, plan, *arrays)

    return run


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


def _taps(x: np.ndarray, kernel: np.ndarray, how: Native, sizes: Sequence[int]) -> Any:
    """Yield for each tap its part of the kernel, and the view of channels-last x that it meets."""
    rank = len(how.strides)
    for offsets in itertools.product(*(range(n) for n in kernel.shape[:rank])):
        cut = tuple(
            slice(offset * dilation, offset * dilation + (size - 1) * stride + 1, stride)
            for offset, dilation, size, stride in zip(offsets, how.dilations, sizes, how.strides, strict=True)
        )
        yield kernel[offsets], x[(slice(None), *cut)]


def _native(x: np.ndarray, kernel: np.ndarray, how: Native) -> np.ndarray:
    """Correlate on channels, tap by tap."""
    rank, groups = len(how.strides), how.groups
    x = x if how.last else np.moveaxis(x, 1, -1)
    x = np.pad(x, [(0, 0), *how.pads, (0, 0)])
    if how.depthwise:
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    spans = [(n - 1) * dilation + 1 for n, dilation in zip(kernel.shape, how.dilations, strict=False)]
    sizes = [(n - span) // stride + 1 for n, span, stride in zip(x.shape[1:], spans, how.strides, strict=False)]
    channels, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    y = np.zeros((x.shape[0], *sizes, groups, outputs), x.dtype)
    for tap, part in _taps(x, kernel, how, sizes):
        if groups == 1:
            y[..., 0, :] += part @ tap
        elif channels == 1:
            y += part[..., None] * tap.reshape(groups, outputs)
        else:
            for group in range(groups):
                own = slice(group * channels, (group + 1) * channels)
                y[..., group, :] += part[..., own] @ tap[:, group * outputs : (group + 1) * outputs]
    y = y.reshape(*y.shape[: rank + 1], -1)
    return y if how.last else np.moveaxis(y, -1, 1)


def _native_adjoint(y: np.ndarray, kernel: np.ndarray, how: Native, sizes: Sequence[int]) -> np.ndarray:
    """Return the adjoint for inputs of these spatial sizes: every sample spread over the taps."""
    y = y if how.last else np.moveaxis(y, 1, -1)
    spatial = y.shape[1:-1]
    reach = [
        max((n - 1) * stride + (taps - 1) * dilation + 1, before + size)
        for n, stride, taps, dilation, (before, _), size in zip(
            spatial, how.strides, kernel.shape, how.dilations, how.pads, sizes, strict=False
        )
    ]
    x = np.zeros((y.shape[0], *reach, kernel.shape[-2]), y.dtype)
    for tap, part in _taps(x, kernel, how, spatial):
        part += y @ tap.T
    cut = (slice(before, before + size) for (before, _), size in zip(how.pads, sizes, strict=True))
    x = x[(slice(None), *cut)]
    return x if how.last else np.moveaxis(x, -1, 1)


# NumPy's primitives, those added that plans for JAX ask for, and as silent as JAX is.
_HOST = SimpleNamespace(
    **vars(numpy_backend) | {"conv": _native, "conv_transpose": _native_adjoint, "begins_finite": lambda y: True}
)
