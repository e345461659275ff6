"""XLA's convolutions on channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from konvolve.backends.interface import Native
from konvolve.backends.jax.windows import window

_SPATIAL = "HWD"


def _layouts(rank: int, last: bool) -> tuple[str, str, str]:
    spatial = _SPATIAL[:rank]
    arrays = f"N{spatial}C" if last else f"NC{spatial}"
    return arrays, f"{spatial}IO", arrays


def _channels_are_slow_first(kernel: jax.Array, how: Native) -> bool:
    """Whether a convolution takes longer with the channels before the space than two transposes do.

    Seen with JAX 0.10 on CPU inside a loop (``fori_loop``, ``scan``): 64 channels with 9 taps took 45 ms in place of
    0.7, 256 with a single tap 22 in place of 0.6. Elsewhere XLA transposes by itself. With a channel on its own it is
    the other order that is slow.
    """
    alone = how.depthwise or kernel.shape[-2] == 1
    return not alone and jax.default_backend() == "cpu"


def conv(x: jax.Array, kernel: jax.Array, how: Native) -> jax.Array:
    """Correlate on channels with XLA's convolution."""
    if not how.last and _channels_are_slow_first(kernel, how):
        x = jnp.moveaxis(x, 1, -1)
        return jnp.moveaxis(conv(x, kernel, how._replace(last=True)), -1, 1)
    if not all(isinstance(n, int) for pad in how.pads for n in pad):  # that takes no symbols, and a window does
        sizes = x.shape[1:-1] if how.last else x.shape[2:]
        x = window(
            x,
            [*(-before for before, _ in how.pads), *([0] if how.last else [])],
            [
                *(n + before + behind for n, (before, behind) in zip(sizes, how.pads, strict=True)),
                *([x.shape[-1]] if how.last else []),
            ],
        )
        how = how._replace(pads=((0, 0),) * len(how.pads))
    if how.depthwise:
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        how.strides,
        how.pads,
        rhs_dilation=how.dilations,
        dimension_numbers=_layouts(len(how.strides), how.last),
        feature_group_count=how.groups,
    )


def is_fast_in(x: jax.Array, dtype: str) -> bool:
    """Whether the dtype is as fast as float32: float16 is not on a CPU (seen with JAX 0.10)."""
    return dtype != "float16" or jax.default_backend() != "cpu"


def conv_transpose(y: jax.Array, kernel: jax.Array, how: Native, sizes: Sequence[Any]) -> jax.Array:
    """Return the adjoint for inputs of these spatial sizes: a convolution of y with zeros between its samples."""
    assert how.groups == 1  # autodiff needs no adjoint, and transposed convolutions have no groups
    if not how.last and _channels_are_slow_first(kernel, how):
        return jnp.moveaxis(conv_transpose(jnp.moveaxis(y, 1, -1), kernel, how._replace(last=True), sizes), -1, 1)
    rank = len(how.strides)
    pads = []
    for i, size in enumerate(sizes):
        reach = (y.shape[i + (1 if how.last else 2)] - 1) * how.strides[i] + 1
        left = (kernel.shape[i] - 1) * how.dilations[i] - how.pads[i][0]
        pads.append((left, size - reach - left + (kernel.shape[i] - 1) * how.dilations[i]))
    arrays, layout, _ = _layouts(rank, how.last)
    return jax.lax.conv_general_dilated(
        y,
        jnp.flip(kernel, tuple(range(rank))),
        (1,) * rank,
        pads,
        lhs_dilation=how.strides,
        rhs_dilation=how.dilations,
        dimension_numbers=(arrays, layout.replace("IO", "OI"), arrays),
    )
