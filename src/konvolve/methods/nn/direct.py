"""The sum itself on channels: the library's own convolution, or a loop over the taps.

The loop multiplies matrices, (outputs, channels) by (channels, samples), once for each tap. It takes every dtype, a
kernel for each sample and any mixture of strides, dilations and groups.

A library's own gradient with respect to the kernel may be far slower than its convolution. Where the plan says so, that
gradient is taken from a convolution by transforms, which computes the same.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, cast

from konvolve.backends.interface import Array, Backend, Native, Size
from konvolve.methods import sums
from konvolve.methods.nn import fft, overlap
from konvolve.methods.nn.layout import merge, split_inputs, split_kernel
from konvolve.methods.nn.sizes import Sizes, at_run_time
from konvolve.planning.nn.plan import ChannelPlan

_BY_TRANSFORMS: dict[str, Any] = {"fft": fft, "overlap": overlap}
"""Those of `run.py` that the kernel's gradient may be taken from."""


def prepare(xp: Backend, plan: ChannelPlan, sizes: Sizes, kernel: Array) -> Array:
    """Return the kernel as it is."""
    return kernel


def run(xp: Backend, plan: ChannelPlan, sizes: Sizes, x: Array, kernel: Array) -> Array:
    """Convolve without transforms."""
    if plan.loops:
        return _loop(xp, plan, sizes, x, kernel)
    problem, way, spatial = plan.problem, cast(Any, plan.way), sizes.spatial
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
    outputs = [axis.transposed(n)[1] for axis, n in zip(problem.axes, spatial, strict=True) if problem.transposed]

    def native(x: Array, kernel: Array) -> Array:
        return xp.conv_transpose(x, kernel, how, outputs) if problem.transposed else xp.conv(x, kernel, how)

    def by_inputs(gradient: Array, kernel: Array) -> Array:
        return (
            xp.conv(gradient, kernel, how) if problem.transposed else xp.conv_transpose(gradient, kernel, how, spatial)
        )

    def convolve(x: Array, kernel: Array) -> Array:
        if plan.adjoint is None:
            return native(x, kernel)
        other, dtype = plan.adjoint, xp.dtype(x)

        def by_transforms(x: Array, kernel: Array) -> Array:
            x, kernel = (xp.cast(each, other.problem.compute) for each in (x, kernel))
            method, its = _BY_TRANSFORMS[other.method], at_run_time(xp, other, spatial)
            return xp.cast(method.run(xp, other, its, x, method.prepare(xp, other, its, kernel)), dtype)

        return xp.with_gradient_of(native, by_inputs, by_transforms, x, kernel)

    return sums.in_parts(xp, convolve, x, kernel) if way.in_parts else convolve(x, kernel)


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


def _loop(xp: Backend, plan: ChannelPlan, sizes: Sizes, x: Array, kernel: Array) -> Array:
    problem = plan.problem
    batch = xp.sizes(x)[0]
    where = sizes.places
    x, kernel = split_inputs(xp, plan, where, x), split_kernel(xp, plan, kernel)
    taps = [split.taps for split in plan.splits]
    kept = [p.window.size for p in where]
    x = sums.needed(xp, x, [p.window for p in where], taps)
    lead = xp.sizes(x)[:4]
    kernels, groups, channels, outputs = xp.sizes(kernel)[:4]
    kernel = xp.transpose(kernel, (0, 1, 3, 2, *range(4, 4 + problem.rank)))
    kernel = xp.reshape(kernel, (kernels, 1, groups, outputs, channels, *taps))

    def add(y: Array | None, shifted: Array, tap: Array) -> Array:
        samples = functools.reduce(operator.mul, xp.sizes(shifted)[4:])
        shifted = xp.reshape(shifted, (*lead, samples))
        tap = xp.reshape(tap, (kernels, 1, groups, outputs, channels))
        term = xp.matmul(tap, shifted) if channels != 1 else tap * shifted
        return term if y is None else y + term

    y = sums.by_taps(xp, x, kernel, taps, kept, add)
    return merge(xp, plan, where, xp.reshape(y, (*lead[:3], outputs, *kept)), batch)
