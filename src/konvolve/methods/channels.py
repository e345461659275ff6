"""Convolutions on channels: the transforms of the inputs and of the kernel, contracted over the channels.

Inside, arrays are (kernels, rows, groups, channels, *spatial): ``kernels`` is the batch where each sample has its own
kernel, otherwise 1, and ``rows`` all that shares a kernel. What strides and dilations are turned into says
``planning.phases``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.methods import channel_direct
from konvolve.methods.channel_blocks import in_blocks
from konvolve.methods.edges import beyond
from konvolve.planning.arguments import Edge
from konvolve.planning.channel_plan import ChannelPlan
from konvolve.planning.channels import ChannelProblem
from konvolve.planning.dtypes import is_complex
from konvolve.planning.geometry import Window, sufficient_length
from konvolve.planning.lengths import table
from konvolve.planning.phases import Place, extended, place


def run(xp: Backend, plan: ChannelPlan, x: Array, kernel: Array) -> Array:
    """Carry out a plan on two arrays of the backend's library."""
    problem = plan.problem
    if plan.method == "nothing":
        return xp.zeros(_output_sizes(xp, plan, x), problem.result, x)
    x, kernel = xp.cast(x, problem.compute), xp.cast(kernel, problem.compute)
    x = _extend(xp, problem, x)
    if plan.method == "direct":
        y = channel_direct.run(xp, plan, x, kernel)
    else:
        y = transformed(xp, plan, x, kernel)
    return xp.finish(xp.cast(y, problem.result))


def both_ways(xp: Backend, problem: ChannelProblem, forward: Array, backward: Array) -> Array:
    """Return the one kernel that looks back as ``forward`` does and ahead as ``backward`` does.

    Their last taps meet the same sample: the taps of ``backward`` are laid behind, in the other direction, and the one
    in the middle is their sum. The convolution is linear in the kernel.
    """
    axis = len(xp.shape(forward)) - 3
    one, two = xp.sizes(forward)[axis], xp.sizes(backward)[axis]
    rest = xp.sizes(forward)[axis + 1 :]
    size = [one + two - 1, *rest]
    forward, backward = (xp.cast(k, problem.compute) for k in (forward, backward))
    ahead = xp.flip(backward, (axis,))
    return xp.window(forward, [0] * 3, size) + xp.window(ahead, [1 - one, 0, 0], size)


def _spatial(problem: ChannelProblem, sizes: Sequence[Size]) -> list[Size]:
    return list(sizes[1:-1] if problem.last else sizes[2:])


def _extend(xp: Backend, problem: ChannelProblem, x: Array) -> Array:
    """Return x with the samples beyond its edges filled in, where they are not zeros."""
    for i, axis in enumerate(problem.axes):
        if axis.edge != "zero" and not problem.transposed:
            where = i + (1 if problem.last else 2)
            n = xp.sizes(x)[where]
            before, size = extended(axis, n, xp.maximum)
            x = beyond(xp, x, xp.arange(-before, size - before, x), n, where, Edge(axis.edge))
    return x


def places(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size]) -> list[Place]:
    """Return the plan's places, those filled in that only the arrays know; ``spatial`` is after the extension."""
    problem = plan.problem
    return [
        place(axis, split, problem.transposed, n, xp.maximum) if known is None else known
        for axis, split, known, n in zip(problem.axes, plan.splits, plan.places, spatial, strict=True)
    ]


def _output_sizes(xp: Backend, plan: ChannelPlan, x: Array) -> list[Size]:
    problem, held = plan.problem, xp.sizes(x)
    spatial = [
        (axis.transposed(n) if problem.transposed else axis.convolved(n, xp.maximum))[1]
        for axis, n in zip(problem.axes, _spatial(problem, held), strict=True)
    ]
    return [held[0], *spatial, problem.outputs] if problem.last else [held[0], problem.outputs, *spatial]


def transformed(xp: Backend, plan: ChannelPlan, x: Array, kernel: Array) -> Array:
    """Convolve by transforms, of everything or of blocks."""
    problem = plan.problem
    batch = xp.sizes(x)[0]
    where = places(xp, plan, _spatial(problem, xp.sizes(x)))
    x = _split_inputs(xp, plan, where, x)
    kernel = _split_kernel(xp, plan, kernel)
    lengths = tuple(
        xp.lookup(sufficient_length(p.size, split.taps, p.window, xp.maximum), table()) if length is None else length
        for length, p, split in zip(plan.lengths, where, plan.splits, strict=True)
    )
    complex_values = is_complex(problem.compute)
    spectrum = (xp.fftn if complex_values else xp.rfftn)(kernel, lengths)
    ready = _kernel_ready(xp, spectrum)
    if any(plan.steps):
        y = in_blocks(xp, plan, where, x, lambda part, windows: _multiply(xp, part, ready, lengths, windows))
    else:
        y = _multiply(xp, x, ready, lengths, [p.window for p in where])
    return _merge(xp, plan, where, y, batch)


def _kernel_ready(xp: Backend, spectrum: Array) -> Array:
    """Return (kernels, 1, groups, outputs, *bins) for one channel a group, else (bins, kernels, groups, in, out)."""
    held = xp.sizes(spectrum)
    if xp.shape(spectrum)[2] == 1:
        return xp.reshape(spectrum, (held[0], 1, held[1], held[3], *held[4:]))
    return xp.transpose(xp.reshape(spectrum, (*held[:4], -1)), (4, 0, 1, 2, 3))


def _multiply(xp: Backend, x: Array, kernel: Array, lengths: Sequence[Size], windows: Sequence[Window]) -> Array:
    """Transform x, contract its channels with the kernel's at each frequency, and transform back.

    The contraction is a batched product of matrices, (rows, in) by (in, out), one for each frequency and group.
    """
    complex_values = xp.dtype(x).startswith("complex")
    transform, inverse = (xp.fftn, xp.ifftn) if complex_values else (xp.rfftn, xp.irfftn)
    spectrum = transform(x, lengths)
    if xp.shape(x)[3] == 1:
        y = xp.multiply(spectrum, kernel)
    else:
        held = xp.sizes(spectrum)
        by_bin = xp.transpose(xp.reshape(spectrum, (*held[:4], -1)), (4, 0, 2, 1, 3))
        product = xp.matmul(by_bin, kernel)
        outputs = xp.sizes(kernel)[-1]
        y = xp.reshape(xp.transpose(product, (1, 3, 2, 4, 0)), (*held[:3], outputs, *held[4:]))
    y = inverse(y, lengths)
    return xp.window(y, [kept.start for kept in windows], [kept.size for kept in windows])


def _split_inputs(xp: Backend, plan: ChannelPlan, where: Sequence[Place], x: Array) -> Array:
    """Bring the inputs to (kernels, rows, groups, channels, *spatial), phases where the plan wants them."""
    problem = plan.problem
    batch, rank = xp.sizes(x)[0], problem.rank
    split = [
        (p, s) if s.kind in ("inputs", "batch") else (p._replace(before=0), s)
        for p, s in zip(where, plan.splits, strict=True)
    ]
    starts = [-p.before for p, _ in split]
    sizes = [p.size * s.count if s.kind in ("inputs", "batch") else p.size for p, s in split]
    shape: list[Size] = []
    for size, (p, s) in zip(sizes, split, strict=True):
        shape += [p.size, s.count] if s.kind in ("inputs", "batch") else [size, 1]
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
    phases = math.prod([s.count for s in plan.splits if s.kind == "batch"])
    channels = groups[1] * math.prod([s.count for s in plan.splits if s.kind == "inputs"])
    lead: tuple[Any, ...] = (batch, phases) if problem.per_sample else (1, batch * phases)
    return xp.reshape(x, (*lead, groups[0], channels, *(p.size for p in where)))


def _split_kernel(xp: Backend, plan: ChannelPlan, kernel: Array) -> Array:
    """Bring the kernel to (kernels, groups, channels, outputs, *taps), reversed where it is correlated with."""
    problem = plan.problem
    rank = problem.rank
    samples = xp.sizes(kernel)[0] if problem.per_sample else 1
    tail = [int(n) for n in xp.sizes(kernel)[-2:]]
    taps = [axis.taps for axis in problem.axes]
    kernel = xp.reshape(kernel, (samples, *taps, *tail))
    kernel = _spread(xp, kernel, taps, [s.spread for s in plan.splits], tail)
    counts = [s.count if s.kind in ("inputs", "outputs") else 1 for s in plan.splits]
    padded = [s.taps * count for s, count in zip(plan.splits, counts, strict=True)]
    kernel = xp.window(kernel, [0] * (rank + 2), [*padded, *tail])
    shape: list[int] = []
    for s, count in zip(plan.splits, counts, strict=True):
        shape += [s.taps, count]
    groups = problem.groups
    held, outputs = problem.channels // groups, problem.outputs // groups
    kernel = xp.reshape(kernel, (samples, *shape, *((outputs, held) if problem.transposed else (held, groups, outputs))))
    counted = [2 + 2 * i for i in range(rank)]
    spatial = [1 + 2 * i for i in range(rank)]
    end = 1 + 2 * rank
    if problem.transposed:
        order = [0, end + 1, end, *counted, *spatial]
    else:
        order = [0, end + 1, end, *counted, end + 2, *spatial]
    kernel = xp.transpose(kernel, order)
    into, out = (held, outputs * math.prod(counts)) if problem.transposed else (held * math.prod(counts), outputs)
    kernel = xp.reshape(kernel, (samples, groups, into, out, *(s.taps for s in plan.splits)))
    return kernel if problem.transposed else xp.flip(kernel, tuple(range(4, 4 + rank)))


def _spread(xp: Backend, kernel: Array, taps: Sequence[int], spread: Sequence[int], tail: Sequence[int]) -> Array:
    """Put ``spread - 1`` zeros after each tap but the last, axis by axis: (samples, *taps, ...)."""
    samples, held = xp.sizes(kernel)[0], list(taps)
    for i, d in enumerate(spread):
        if d > 1:
            behind = math.prod([*held[i + 1 :], *tail])
            before = samples * math.prod(held[:i])
            kernel = xp.window(xp.reshape(kernel, (before, held[i], 1, behind)), [0, 0, 0], [held[i], d, behind])
            held[i] = (held[i] - 1) * d + 1
            kernel = xp.window(xp.reshape(kernel, (before, -1, behind)), [0, 0], [held[i], behind])
    return xp.reshape(kernel, (samples, *held, *tail))


def _merge(xp: Backend, plan: ChannelPlan, where: Sequence[Place], y: Array, batch: Size) -> Array:
    """Put the phases together again, and the axes where the problem has them."""
    problem = plan.problem
    rank = problem.rank
    of_batch = [s.count if s.kind == "batch" else 1 for s in plan.splits]
    of_outputs = [s.count if s.kind == "outputs" else 1 for s in plan.splits]
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
