"""The sum itself on channels: the library's own convolution, or a loop over the taps.

The loop multiplies matrices, (outputs, channels) by (channels, samples), once for each tap. It takes every dtype, a
kernel for each sample and any mixture of strides, dilations and groups.

A library's own gradient with respect to the kernel may be far slower than its convolution. Where the plan says so, that
gradient is taken from a convolution by transforms, which computes the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, cast

from konvolve.backends.interface import Array, Backend, Native, Size
from konvolve.methods.nn import fft, overlap
from konvolve.methods.nn.layout import merge, places, split_inputs, split_kernel
from konvolve.planning.nn.plan import ChannelPlan

_BY_TRANSFORMS: dict[str, Any] = {"fft": fft, "overlap": overlap}


def prepare(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size] | None, kernel: Array) -> Array:
    """Return the kernel as it is."""
    return kernel


def run(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size], x: Array, kernel: Array) -> Array:
    """Convolve without transforms."""
    if plan.loops:
        return _loop(xp, plan, spatial, x, kernel)
    problem, way = plan.problem, cast(Any, plan.way)
    zeros = all(axis.edge == "zero" for axis in problem.axes)
    word = problem.axes[0].padding
    own = zeros and not problem.transposed and all(axis.margins is None for axis in problem.axes)
    how = Native(
        strides=tuple([axis.stride for axis in problem.axes]),
        dilations=tuple([axis.dilation for axis in problem.axes]),
        pads=_pads(xp, plan, spatial),
        groups=problem.groups,
        last=problem.last,
        padding=word if own and word != "causal" else "",
        depthwise=problem.function == "depthwise_conv",
    )
    sizes = [axis.transposed(n)[1] for axis, n in zip(problem.axes, spatial, strict=True)] if problem.transposed else []

    def native(x: Array, kernel: Array) -> Array:
        return xp.native_adjoint(x, kernel, how, sizes) if problem.transposed else xp.native(x, kernel, how)

    def by_inputs(gradient: Array, kernel: Array) -> Array:
        return (
            xp.native(gradient, kernel, how)
            if problem.transposed
            else xp.native_adjoint(gradient, kernel, how, spatial)
        )

    def convolve(x: Array, kernel: Array) -> Array:
        if plan.adjoint is None:
            return native(x, kernel)
        other, dtype = plan.adjoint, xp.dtype(x)

        def by_transforms(x: Array, kernel: Array) -> Array:
            x, kernel = (xp.cast(each, other.problem.compute) for each in (x, kernel))
            method = _BY_TRANSFORMS[other.method]
            return xp.cast(method.run(xp, other, spatial, x, method.prepare(xp, other, spatial, kernel)), dtype)

        return xp.forked(native, by_inputs, by_transforms, x, kernel)

    return _in_parts(xp, convolve, x, kernel) if way.in_parts else convolve(x, kernel)


def _pads(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size]) -> tuple:
    """Return the padding of each axis; for a transposed convolution that of the convolution it is the adjoint of."""
    problem = plan.problem
    pads = []
    for axis, n in zip(problem.axes, spatial, strict=True):
        if problem.transposed:
            crop, size = axis.transposed(n)
            pads.append((crop, xp.maximum((n - 1) * axis.stride + axis.span - crop - size, 0)))
        elif axis.edge != "zero":  # extended already
            pads.append((0, 0))
        else:
            before, size = axis.convolved(n, xp.maximum)
            pads.append((before, axis.behind(n, before, size, xp.maximum)))
    return tuple(pads)


def _in_parts(xp: Backend, convolve: Callable[[Array, Array], Array], x: Array, kernel: Array) -> Array:
    """Convolve complex arrays part by part."""
    (xr, xi), (kr, ki) = xp.parts(x), xp.parts(kernel)
    return xp.assemble(convolve(xr, kr) - convolve(xi, ki), convolve(xr, ki) + convolve(xi, kr))


def _loop(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size], x: Array, kernel: Array) -> Array:
    problem = plan.problem
    batch = xp.sizes(x)[0]
    where = places(xp, plan, spatial)
    x, kernel = split_inputs(xp, plan, where, x), split_kernel(xp, plan, kernel)
    taps = [split.taps for split in plan.splits]
    kept = [p.window.size for p in where]
    x = xp.window(
        x,
        [p.window.start - (k - 1) for p, k in zip(where, taps, strict=True)],
        [n + k - 1 for n, k in zip(kept, taps, strict=True)],
    )
    lead = xp.sizes(x)[:4]
    samples = 1
    for n in kept:
        samples = samples * n
    # (kernels, 1, groups, outputs, channels, *taps)
    held = xp.sizes(kernel)
    kernel = xp.transpose(kernel, (0, 1, 3, 2, *range(4, 4 + problem.rank)))
    kernel = xp.reshape(kernel, (held[0], 1, held[1], held[3], held[2], *taps))
    y = None
    for offsets in itertools.product(*(range(k) for k in taps)):
        shifted = xp.window(x, [k - 1 - offset for k, offset in zip(taps, offsets, strict=True)], kept)
        shifted = xp.reshape(shifted, (*lead, samples))
        tap = xp.reshape(xp.window(kernel, offsets, [1] * len(taps)), (held[0], 1, held[1], held[3], held[2]))
        term = xp.matmul(tap, shifted) if held[2] != 1 else tap * shifted
        y = term if y is None else y + term
    return merge(xp, plan, where, xp.reshape(y, (*lead[:3], held[3], *kept)), batch)
