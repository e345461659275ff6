"""Overlap-save on channels: blocks in space become rows, which share the kernel (see ``methods.blocks``)."""

from __future__ import annotations

import math
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
        counts, samples = blocks.axes(_LEAD, rank, tiled)
        order = [0, 1, *counts, 2, 3, *samples]  # kernels, rows and their blocks, groups, channels, samples
        part, counted = _as_rows(xp, xp.reshape(part, (*lead, *xp.sizes(part)[1:])), order, len(tiled))
        part = multiply(xp, part, spectrum, way.lengths, clean)
        sizes = xp.sizes(part)
        part = xp.reshape(part, (sizes[0], *counted, *sizes[2:]))
        return blocks.side_by_side(xp, part, order, [sizes[0] * counted[0] * sizes[2] * sizes[3]], rank, tiled)

    y = blocks.in_bands(xp, x, way, taps, windows, convolved)
    outputs = math.prod([s.number for s in plan.splits if s.kind == "outputs"]) * plan.problem.outputs
    y = xp.reshape(y, (*lead[:3], outputs // plan.problem.groups, *xp.sizes(y)[1:]))
    return merge(xp, plan, where, y, batch)


def _as_rows(xp: Backend, x: Array, order: list[int], cuts: int) -> tuple[Array, list[Size]]:
    """Bring the axes into this order, and turn the rows and the counts of blocks into one axis; and their sizes."""
    x = xp.transpose(x, order)
    sizes = xp.sizes(x)
    counted = [*sizes[1 : 2 + cuts]]
    return xp.reshape(x, (sizes[0], math.prod(counted), *sizes[2 + cuts :])), counted
