"""Windows, blocks and bands of JAX arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def window(x: jax.Array, starts: Sequence[Any], sizes: Sequence[Any]) -> jax.Array:
    """Cut windows out of the trailing axes, zeros where a window reaches outside: one pad, negative where it cuts.

    A start that is known at run time, in ``folded``, is that of a window inside.
    """
    batch = x.ndim - len(sizes)
    if any(isinstance(start, jax.core.Tracer) for start in starts):
        every = [jnp.asarray(start, np.int32) for start in (*(0 for _ in range(batch)), *starts)]
        return jax.lax.dynamic_slice(x, every, (*x.shape[:batch], *sizes))
    shape = x.shape[batch:]
    edges = [(-start, start + size - n) for start, size, n in zip(starts, sizes, shape, strict=True)]
    if all(edge == (0, 0) for edge in edges):
        return x
    return jax.lax.pad(x, np.zeros((), x.dtype), [(0, 0, 0)] * batch + [(*edge, 0) for edge in edges])


def rows_apart(x: jax.Array, samples: int) -> jax.Array:
    """Return x with so many zeros behind each row. Without a barrier XLA would leave them out again."""
    wider = window(x, [0], [x.shape[-1] + samples])
    return jax.lax.optimization_barrier(wider)


def overlapping_blocks(x: jax.Array, axis: int, length: int, step: int) -> jax.Array:
    """Cut an axis into overlapping blocks: whole steps side by side, each joined with the heads of the next ones."""
    overlap = length - step
    count = (x.shape[axis] - overlap) // step
    shifted = []
    for first in range(0, length, step):
        taken = jax.lax.slice_in_dim(x, first, min(first + count * step, x.shape[axis]), axis=axis)
        taken = window(taken, [0] * (x.ndim - axis), [count * step, *x.shape[axis + 1 :]])
        steps = taken.reshape(*x.shape[:axis], count, step, *x.shape[axis + 1 :])
        shifted.append(jax.lax.slice_in_dim(steps, 0, min(step, length - first), axis=axis + 1))
    return jnp.concatenate(shifted, axis + 1)


def map_slabs(compute: Callable[[Any], jax.Array], x: jax.Array, axis: int, slabs: tuple, size: Any) -> jax.Array:
    """Compute band after band into one result: those inside x in a loop, so that they are compiled once.

    Slabs that reach beyond x stand apart: padded, x would have to be copied.
    """
    start, stride, extent, count = slabs
    behind = x.shape[axis + 1 :]

    def apart(i: int) -> jax.Array:
        return compute(window(x, [start + i * stride] + [0] * len(behind), [extent, *behind]))

    if count == 1:
        return jax.lax.slice_in_dim(apart(0), 0, size, axis=axis)
    inside = [i for i in range(count) if start + i * stride >= 0 and start + i * stride + extent <= x.shape[axis]]
    first = jax.eval_shape(lambda: apart(0)) if len(inside) == count else apart(0)
    band = first.shape[axis]
    inside = [i for i in inside if (i + 1) * band <= size]
    y = jnp.zeros((*first.shape[:axis], size, *first.shape[axis + 1 :]), first.dtype)

    def write(y: jax.Array, i: Any, part: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_slice_in_dim(y, part, i * band, axis)

    for i in range(count):
        if i not in inside:
            part = first if i == 0 else apart(i)
            y = write(y, i, jax.lax.slice_in_dim(part, 0, min(band, size - i * band), axis=axis))
    if inside:
        y = jax.lax.fori_loop(
            inside[0],
            inside[-1] + 1,
            lambda i, y: write(y, i, compute(jax.lax.dynamic_slice_in_dim(x, start + i * stride, extent, axis))),
            y,
        )
    return y


# XLA takes up to so many taps together in one pass. Of 300 x 187 samples in each of 44 rows, 64 taps take 15 ms, 128
# take 48 and 256 take 890 (XLA of JAX 0.10, two cores of an Intel Xeon); a program of 9129 taps is compiled in ten
# minutes and 13 GB.
_TAPS = 64


def folded(function: Callable[[Any, Sequence[Any]], jax.Array], every: Sequence[Sequence[int]]) -> jax.Array:
    """Fold so many at a time, in a loop that is compiled once; a backward pass keeps none of the sums."""
    total = functools.reduce(function, every[: len(every) % _TAPS or _TAPS], None)
    rest = every[len(every) % _TAPS or _TAPS :]
    if not rest:
        return total
    table = jnp.asarray(np.asarray(rest, np.int32).reshape(-1, _TAPS, len(rest[0])))

    def some(total: jax.Array, offsets: jax.Array) -> tuple[jax.Array, None]:
        return functools.reduce(function, [tuple(each) for each in offsets], total), None

    return jax.lax.scan(jax.checkpoint(some), total, table)[0]
