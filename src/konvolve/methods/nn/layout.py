"""Where channels, phases and groups stand: from the user's axes to the methods' and back.

Inside, arrays are (kernels, rows, groups, channels, *spatial): ``kernels`` is the batch where each sample has its own
kernel, otherwise 1, and ``rows`` all that shares a kernel. Each way is a window, a reshape, a transpose and a reshape.
What strides and dilations are turned into says ``planning.nn.phases``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning.nn.phases import Place
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.nn.problem import ChannelProblem


def spatial_sizes(problem: ChannelProblem, sizes: Sequence[Size]) -> list[Size]:
    """Return those of the spatial axes among an array's sizes."""
    return list(sizes[1:-1] if problem.last else sizes[2:])


def split_inputs(xp: Backend, plan: ChannelPlan, where: Sequence[Place], x: Array) -> Array:
    """Bring the inputs to (kernels, rows, groups, channels, *spatial), phases where the plan wants them."""
    problem = plan.problem
    batch, rank = xp.sizes(x)[0], problem.rank
    split = [
        (p, s) if s.kind in ("inputs", "batch") else (p._replace(before=0), s)
        for p, s in zip(where, plan.splits, strict=True)
    ]
    starts = [-p.before for p, _ in split]
    sizes = [p.size * s.number if s.kind in ("inputs", "batch") else p.size for p, s in split]
    shape: list[Size] = []
    for size, (p, s) in zip(sizes, split, strict=True):
        shape += [p.size, s.number] if s.kind in ("inputs", "batch") else [size, 1]
    groups = [problem.groups, problem.channels // problem.groups]
    if problem.last:
        x = xp.window(x, [*starts, 0], [*sizes, problem.channels])
        x = xp.reshape(x, (batch, *shape, *groups))
        first, channel = 1, 1 + 2 * rank
    else:
        x = xp.window(x, starts, sizes)
        x = xp.reshape(x, (batch, *groups, *shape))
        first, channel = 3, 1
    of = {
        kind: [first + 2 * i + 1 for i, s in enumerate(plan.splits) if (s.kind == kind)] for kind in ("inputs", "batch")
    }
    unit = [first + 2 * i + 1 for i, s in enumerate(plan.splits) if s.kind not in ("inputs", "batch")]
    order = [0, *of["batch"], channel, channel + 1, *of["inputs"], *unit, *(first + 2 * i for i in range(rank))]
    x = xp.transpose(x, order)
    phases = math.prod([s.number for s in plan.splits if s.kind == "batch"])
    channels = groups[1] * math.prod([s.number for s in plan.splits if s.kind == "inputs"])
    lead: tuple[Any, ...] = (batch, phases) if problem.per_sample else (1, batch * phases)
    return xp.reshape(x, (*lead, groups[0], channels, *(p.size for p in where)))


def split_kernel(xp: Backend, plan: ChannelPlan, kernel: Array) -> Array:
    """Bring the kernel to (kernels, groups, channels, outputs, *taps), reversed where it is correlated with."""
    problem = plan.problem
    rank = problem.rank
    samples = xp.sizes(kernel)[0] if problem.per_sample else 1
    tail = [int(n) for n in xp.sizes(kernel)[-2:]]
    taps = [axis.taps for axis in problem.axes]
    kernel = xp.reshape(kernel, (samples, *taps, *tail))
    kernel = _spread(xp, kernel, taps, [s.spread for s in plan.splits], tail)
    counts = [s.number if s.kind in ("inputs", "outputs") else 1 for s in plan.splits]
    padded = [s.taps * count for s, count in zip(plan.splits, counts, strict=True)]
    kernel = xp.window(kernel, [0] * (rank + 2), [*padded, *tail])
    shape: list[int] = []
    for s, count in zip(plan.splits, counts, strict=True):
        shape += [s.taps, count]
    groups = problem.groups
    channels, outputs = problem.channels // groups, problem.outputs // groups
    kernel = xp.reshape(
        kernel, (samples, *shape, *((outputs, channels) if problem.transposed else (channels, groups, outputs)))
    )
    counted = [2 + 2 * i for i in range(rank)]
    spatial = [1 + 2 * i for i in range(rank)]
    end = 1 + 2 * rank
    if problem.transposed:
        order = [0, end + 1, end, *counted, *spatial]
    else:
        order = [0, end + 1, end, *counted, end + 2, *spatial]
    kernel = xp.transpose(kernel, order)
    into, out = (
        (channels, outputs * math.prod(counts)) if problem.transposed else (channels * math.prod(counts), outputs)
    )
    kernel = xp.reshape(kernel, (samples, groups, into, out, *(s.taps for s in plan.splits)))
    return kernel if problem.transposed else xp.flip(kernel, tuple(range(4, 4 + rank)))


def _spread(xp: Backend, kernel: Array, taps: Sequence[int], spread: Sequence[int], tail: Sequence[int]) -> Array:
    """Put ``spread - 1`` zeros after each tap but the last, axis by axis: (samples, *taps, ...)."""
    samples, sizes = xp.sizes(kernel)[0], list(taps)
    for i, d in enumerate(spread):
        if d > 1:
            behind = math.prod([*sizes[i + 1 :], *tail])
            before = samples * math.prod(sizes[:i])
            kernel = xp.window(xp.reshape(kernel, (before, sizes[i], 1, behind)), [0, 0, 0], [sizes[i], d, behind])
            sizes[i] = (sizes[i] - 1) * d + 1
            kernel = xp.window(xp.reshape(kernel, (before, -1, behind)), [0, 0], [sizes[i], behind])
    return xp.reshape(kernel, (samples, *sizes, *tail))


def merge(xp: Backend, plan: ChannelPlan, where: Sequence[Place], y: Array, batch: Size) -> Array:
    """Put the phases together again, and the axes where the problem has them."""
    problem = plan.problem
    rank = problem.rank
    of_batch = [s.number if s.kind == "batch" else 1 for s in plan.splits]
    of_outputs = [s.number if s.kind == "outputs" else 1 for s in plan.splits]
    per_group = problem.outputs // problem.groups
    kept = [p.window.size for p in where]
    y = xp.reshape(y, (batch, *of_batch, problem.groups, per_group, *of_outputs, *kept))
    first = 3 + rank
    spatial: list[int] = []
    for i in range(rank):  # sample, then phase: one of the two counts is 1
        spatial += [first + rank + i, 1 + i, first + i]
    channels = [1 + rank, 2 + rank]
    y = xp.transpose(y, [0, *spatial, *channels] if problem.last else [0, *channels, *spatial])
    merged = [n * b * o for n, b, o in zip(kept, of_batch, of_outputs, strict=True)]
    starts, sizes = [p.crop for p in where], [p.output for p in where]
    if problem.last:
        y = xp.reshape(y, (batch, *merged, problem.outputs))
        return xp.window(y, [*starts, 0], [*sizes, problem.outputs])
    y = xp.reshape(y, (batch, problem.outputs, *merged))
    return xp.window(y, starts, sizes)
