"""Overlap-save on channels: blocks in space become rows, which share the kernel (see ``methods.blocks``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.methods import blocks
from konvolve.methods.nn.fft import multiply, prepare
from konvolve.methods.nn.layout import merge, split_inputs
from konvolve.methods.nn.sizes import Sizes
from konvolve.planning.nn.plan import ChannelPlan

__all__ = ["prepare", "run"]

_LEAD = 4  # kernels, rows, groups, channels


def run(xp: Backend, plan: ChannelPlan, sizes: Sizes, x: Array, spectrum: Array) -> Array:
    """Convolve with the kernel of this spectrum in blocks."""
    way: Any = plan.way
    where, tiled, rank = sizes.places, blocks.tiled(way), len(way.steps)
    batch = xp.sizes(x)[0]
    x = split_inputs(xp, plan, where, x)
    lead = xp.sizes(x)[:_LEAD]
    # One axis for all in front while blocks are cut: libraries cut arrays of up to eight axes.
    x = xp.reshape(x, (math.prod(lead), *xp.sizes(x)[_LEAD:]))

    taps, windows = [split.taps for split in plan.splits], [p.window for p in where]
    clean = blocks.clean(way, taps, windows)

    def convolved(part: Array) -> Array:
        for i in reversed(tiled):  # from behind, so that the axes before stay where they are
            part = xp.overlapping_blocks(part, 1 + i, way.lengths[i], way.steps[i])
        part, counts = _as_rows(xp, part, lead, rank, tiled)
        return _side_by_side(xp, multiply(xp, part, spectrum, way.lengths, clean), counts, rank, tiled)

    y = blocks.in_bands(xp, x, way, taps, windows, convolved)
    outputs = math.prod([s.number for s in plan.splits if s.kind == "outputs"]) * plan.problem.outputs
    y = xp.reshape(y, (*lead[:3], outputs // plan.problem.groups, *xp.sizes(y)[1:]))
    return merge(xp, plan, where, y, batch)


def _as_rows(xp: Backend, x: Array, lead: Sequence[Size], rank: int, tiled: list[int]) -> tuple[Array, list[Size]]:
    """Turn (lead, [count,] length, ...) into (kernels, rows * counts, groups, channels, *lengths); and the counts."""
    counts, lengths, axis = [], [], _LEAD
    for i in range(rank):
        if i in tiled:
            counts.append(axis)
            axis += 1
        lengths.append(axis)
        axis += 1
    sizes = (*lead, *xp.sizes(x)[1:])
    x = xp.transpose(xp.reshape(x, sizes), [0, 1, *counts, 2, 3, *lengths])
    blocks = [sizes[count] for count in counts]
    rows = sizes[1]
    for n in blocks:
        rows = rows * n
    return xp.reshape(x, (sizes[0], rows, sizes[2], sizes[3], *(sizes[n] for n in lengths))), blocks


def _side_by_side(xp: Backend, y: Array, blocks: list[Size], rank: int, tiled: list[int]) -> Array:
    """Lay the blocks of (kernels, rows * counts, groups, channels, *steps) side by side again."""
    sizes = xp.sizes(y)
    rows = sizes[1]
    for n in blocks:
        rows = rows // n
    y = xp.reshape(y, (sizes[0], rows, *blocks, *sizes[2:]))
    many = len(blocks)
    order = [0, 1, 2 + many, 3 + many]
    joined = [sizes[0] * rows * sizes[2] * sizes[3]]
    for i in range(rank):
        n = sizes[_LEAD + i]
        if i in tiled:
            order.append(2 + tiled.index(i))
            n = n * blocks[tiled.index(i)]
        order.append(_LEAD + many + i)
        joined.append(n)
    return xp.reshape(xp.transpose(y, order), joined)
