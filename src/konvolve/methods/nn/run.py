"""Convolutions on channels: the transforms of the inputs and of the kernel, contracted over the channels.

Arrays stand as ``methods.nn.layout`` says, without strides and dilations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from konvolve.backends.interface import Array, Backend, Size
from konvolve.methods import finite, nothing
from konvolve.methods.edges import beyond
from konvolve.methods.nn import direct
from konvolve.methods.nn.layout import merge, places, spatial_sizes, split_inputs, split_kernel
from konvolve.methods.nn.overlap import in_blocks
from konvolve.planning.dtypes import is_complex
from konvolve.planning.geometry import Window, sufficient_length
from konvolve.planning.lengths import table
from konvolve.planning.nn.phases import Place, extended
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.operands import Edge


def run(xp: Backend, plan: ChannelPlan, x: Array, kernel: Array) -> Array:
    """Carry out a plan on two arrays of the backend's library."""
    problem = plan.problem
    if plan.method == "nothing":
        return nothing.zeros(xp, _output_sizes(xp, plan, x), problem.result, x, kernel)
    own = plan.method == "direct" and not plan.loop
    dtype = problem.result if own and xp.convolves(x, problem.result) else problem.compute
    x, kernel = xp.cast(x, dtype), xp.cast(kernel, dtype)
    x = _extend(xp, problem, x)
    if plan.method == "direct":
        summed = partial(direct.run, xp, plan, transformed=transformed)
        y = finite.convolve(xp, summed, x, kernel) if plan.between_taps else summed(x, kernel)
        y = xp.cast(y, problem.result)
        return xp.finish(y) if plan.loop else y  # what a library's own convolution returns its users know
    linear = partial(transformed, xp, plan)
    y = finite.convolve(xp, linear, x, kernel) if problem.local else linear(x, kernel)
    return xp.finish(xp.cast(y, problem.result))


def prepare(xp: Backend, plan: ChannelPlan, kernel: Array) -> Array:
    """Do all of a plan that concerns the kernel alone; the plan is one that allows it (``preparable``)."""
    return xp.finish(_kernel(xp, plan, plan.lengths, xp.cast(kernel, plan.problem.compute)))


def run_prepared(xp: Backend, plan: ChannelPlan, x: Array, prepared: Array, kernel: Array) -> Array:
    """Carry out a plan with a kernel, all of it finite, that has been prepared for it."""
    problem = plan.problem
    x = _extend(xp, problem, xp.cast(x, problem.compute))
    where = places(xp, plan, spatial_sizes(problem, xp.sizes(x)))

    def convolved(x: Array) -> Array:
        return _combine(xp, plan, where, plan.lengths, x, prepared)

    if problem.local:
        kernel = xp.cast(kernel, problem.compute)
        y = finite.convolve(xp, partial(transformed, xp, plan), x, kernel, convolved)
    else:
        y = convolved(x)
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


def _extend(xp: Backend, problem: ChannelProblem, x: Array) -> Array:
    """Return x with the samples beyond its edges filled in, where they are not zeros."""
    for i, axis in enumerate(problem.axes):
        if axis.edge != "zero" and not problem.transposed:
            where = i + (1 if problem.last else 2)
            n = xp.sizes(x)[where]
            before, size = extended(axis, n, xp.maximum)
            x = beyond(xp, x, xp.arange(-before, size - before, x), n, where, Edge(axis.edge))
    return x


def _output_sizes(xp: Backend, plan: ChannelPlan, x: Array) -> list[Size]:
    problem, held = plan.problem, xp.sizes(x)
    spatial = [
        (axis.transposed(n) if problem.transposed else axis.convolved(n, xp.maximum))[1]
        for axis, n in zip(problem.axes, spatial_sizes(problem, held), strict=True)
    ]
    return [held[0], *spatial, problem.outputs] if problem.last else [held[0], problem.outputs, *spatial]


def transformed(xp: Backend, plan: ChannelPlan, x: Array, kernel: Array) -> Array:
    """Convolve by transforms, of everything or of blocks."""
    where = places(xp, plan, spatial_sizes(plan.problem, xp.sizes(x)))
    lengths = tuple(
        xp.lookup(partial(sufficient_length, p.size, split.taps, p.window, xp.maximum), table())
        if length is None
        else length
        for length, p, split in zip(plan.lengths, where, plan.splits, strict=True)
    )
    return _combine(xp, plan, where, lengths, x, _kernel(xp, plan, lengths, kernel))


def _kernel(xp: Backend, plan: ChannelPlan, lengths: Sequence[Size], kernel: Array) -> Array:
    """Return the kernel's spectrum, as ``_multiply`` takes it."""
    spectrum = (xp.fftn if is_complex(plan.problem.compute) else xp.rfftn)(split_kernel(xp, plan, kernel), lengths)
    return _kernel_ready(xp, spectrum)


def _combine(
    xp: Backend, plan: ChannelPlan, where: Sequence[Place], lengths: Sequence[Size], x: Array, kernel: Array
) -> Array:
    """Convolve with the kernel of this spectrum."""
    batch = xp.sizes(x)[0]
    x = split_inputs(xp, plan, where, x)
    if any(plan.steps):
        y = in_blocks(xp, plan, where, x, lambda part, windows: _multiply(xp, part, kernel, lengths, windows))
    else:
        y = _multiply(xp, x, kernel, lengths, [p.window for p in where])
    return merge(xp, plan, where, y, batch)


def _kernel_ready(xp: Backend, spectrum: Array) -> Array:
    """Return (kernels, 1, groups, outputs, *bins) for one channel a group, else (bins, kernels, groups, in, out)."""
    held = xp.sizes(spectrum)
    if xp.shape(spectrum)[2] == 1:
        return xp.reshape(spectrum, (held[0], 1, held[1], held[3], *held[4:]))
    return xp.transpose(xp.reshape(spectrum, (*held[:4], math.prod(held[4:]))), (4, 0, 1, 2, 3))


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
        by_bin = xp.transpose(xp.reshape(spectrum, (*held[:4], math.prod(held[4:]))), (4, 0, 2, 1, 3))
        product = xp.matmul(by_bin, kernel)
        outputs = xp.sizes(kernel)[-1]
        y = xp.reshape(xp.transpose(product, (1, 3, 2, 4, 0)), (*held[:3], outputs, *held[4:]))
    y = inverse(y, lengths)
    return xp.window(y, [kept.start for kept in windows], [kept.size for kept in windows])
