"""Overlap-save on channels: blocks in space become rows, which share the kernel (see ``methods.overlap``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning.geometry import Window
from konvolve.planning.nn.phases import Place
from konvolve.planning.nn.plan import ChannelPlan

_LEAD = 4  # kernels, rows, groups, channels


def in_blocks(
    xp: Backend, plan: ChannelPlan, where: Sequence[Place], x: Array, convolve: Callable[[Array, list[Window]], Array]
) -> Array:
    """Convolve (kernels, rows, groups, channels, *spatial) in blocks; ``convolve`` takes blocks and what to keep."""
    rank = len(plan.steps)
    lengths: Any = plan.lengths  # known: planning tiles for a known kernel only
    tiled = [i for i in range(rank) if plan.steps[i]]
    first = tiled[0]
    windows = [p.window for p in where]
    taps = [split.taps for split in plan.splits]
    counts = [-(-kept.size // step) if step else 1 for kept, step in zip(windows, plan.steps, strict=True)]
    known = isinstance(counts[first], int)
    per_band = min(plan.band, counts[first]) if known else counts[first]
    bands = -(-counts[first] // per_band) if known else 1
    lead, held = xp.sizes(x)[:_LEAD], xp.sizes(x)[_LEAD:]
    # One axis for all in front while blocks are cut: libraries cut arrays of up to eight axes.
    x = xp.reshape(x, (math.prod(lead), *held))
    starts = [kept.start - (k - 1) if s else 0 for kept, k, s in zip(windows, taps, plan.steps, strict=True)]
    extents = [c * s + k - 1 if s else n for c, s, k, n in zip(counts, plan.steps, taps, held, strict=True)]
    x = xp.window(
        x,
        [0 if i == first else start for i, start in enumerate(starts)],
        [held[first] if i == first else extent for i, extent in enumerate(extents)],
    )
    inner = [Window(k - 1, step) if step else kept for k, step, kept in zip(taps, plan.steps, windows, strict=True)]
    stride = per_band * plan.steps[first]

    def band(part: Array) -> Array:
        """Convolve ``per_band`` rows of blocks along the first tiled axis, all along the others."""
        for i in reversed(tiled):  # from behind, so that the axes before stay where they are
            part = xp.frame(part, 1 + i, lengths[i], plan.steps[i])
        part, blocks = _as_rows(xp, part, lead, rank, tiled)
        return _side_by_side(xp, convolve(part, inner), blocks, rank, tiled)

    slabs = (starts[first], stride, stride + taps[first] - 1, bands)
    y = xp.bands(band, x, 1 + first, slabs, windows[first].size)
    outputs = math.prod([s.number for s in plan.splits if s.kind == "outputs"]) * plan.problem.outputs
    y = xp.reshape(y, (*lead[:3], outputs // plan.problem.groups, *xp.sizes(y)[1:]))
    return xp.window(y, [0] * rank, [kept.size for kept in windows])


def _as_rows(xp: Backend, x: Array, lead: Sequence[Size], rank: int, tiled: list[int]) -> tuple[Array, list[Size]]:
    """Turn (lead, [count,] length, ...) into (kernels, rows * counts, groups, channels, *lengths); and the counts."""
    counts, lengths, axis = [], [], _LEAD
    for i in range(rank):
        if i in tiled:
            counts.append(axis)
            axis += 1
        lengths.append(axis)
        axis += 1
    held = (*lead, *xp.sizes(x)[1:])
    x = xp.transpose(xp.reshape(x, held), [0, 1, *counts, 2, 3, *lengths])
    blocks = [held[count] for count in counts]
    rows = held[1]
    for n in blocks:
        rows = rows * n
    return xp.reshape(x, (held[0], rows, held[2], held[3], *(held[n] for n in lengths))), blocks


def _side_by_side(xp: Backend, y: Array, blocks: list[Size], rank: int, tiled: list[int]) -> Array:
    """Lay the blocks of (kernels, rows * counts, groups, channels, *steps) side by side again."""
    held = xp.sizes(y)
    rows = held[1]
    for n in blocks:
        rows = rows // n
    y = xp.reshape(y, (held[0], rows, *blocks, *held[2:]))
    many = len(blocks)
    order = [0, 1, 2 + many, 3 + many]
    joined = [held[0] * rows * held[2] * held[3]]
    for i in range(rank):
        n = held[_LEAD + i]
        if i in tiled:
            order.append(2 + tiled.index(i))
            n = n * blocks[tiled.index(i)]
        order.append(_LEAD + many + i)
        joined.append(n)
    return xp.reshape(xp.transpose(y, order), joined)
