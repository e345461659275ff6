"""One transform over everything, on channels: spectra are contracted over the channels, frequency by frequency.

Arrays stand as ``methods.nn.layout`` says, without strides and dilations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.methods.nn.layout import merge, places, split_inputs, split_kernel
from konvolve.planning.dtypes import is_complex
from konvolve.planning.geometry import Window, sufficient_length
from konvolve.planning.lengths import table
from konvolve.planning.nn.plan import ChannelPlan


def prepare(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size] | None, kernel: Array) -> Array:
    """Return the kernel's spectrum, as ``multiply`` takes it."""
    lengths = _lengths(xp, plan, spatial)
    transform = xp.fftn if is_complex(plan.problem.compute) else xp.rfftn
    return _ready(xp, transform(split_kernel(xp, plan, kernel), lengths))


def run(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size], x: Array, spectrum: Array) -> Array:
    """Convolve with the kernel of this spectrum."""
    where, batch = places(xp, plan, spatial), xp.sizes(x)[0]
    x = split_inputs(xp, plan, where, x)
    y = multiply(xp, x, spectrum, _lengths(xp, plan, spatial), [p.window for p in where])
    return merge(xp, plan, where, y, batch)


def _lengths(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size] | None) -> tuple[Any, ...]:
    """Return the plan's lengths, those filled in that only the sizes of the arrays tell."""
    if spatial is None or None not in plan.lengths:
        return plan.lengths
    return tuple(
        xp.next_length(partial(sufficient_length, p.size, split.taps, p.window, xp.maximum), table())
        if length is None
        else length
        for length, p, split in zip(plan.lengths, places(xp, plan, spatial), plan.splits, strict=True)
    )


def _ready(xp: Backend, spectrum: Array) -> Array:
    """Return (kernels, 1, groups, outputs, *bins) for one channel a group, else (bins, kernels, groups, in, out)."""
    sizes = xp.sizes(spectrum)
    if xp.shape(spectrum)[2] == 1:
        return xp.reshape(spectrum, (sizes[0], 1, sizes[1], sizes[3], *sizes[4:]))
    return xp.transpose(xp.reshape(spectrum, (*sizes[:4], math.prod(sizes[4:]))), (4, 0, 1, 2, 3))


def multiply(xp: Backend, x: Array, kernel: Array, lengths: Sequence[Size], windows: Sequence[Window]) -> Array:
    """Transform x, contract its channels with the kernel's at each frequency, and transform back.

    The contraction is a batched product of matrices, (rows, in) by (in, out), one for each frequency and group.
    """
    complex_values = xp.dtype(x).startswith("complex")
    transform, inverse = (xp.fftn, xp.ifftn) if complex_values else (xp.rfftn, xp.irfftn)
    spectrum = transform(x, lengths)
    if xp.shape(x)[3] == 1:
        y = xp.multiply(spectrum, kernel)
    else:
        sizes = xp.sizes(spectrum)
        by_bin = xp.transpose(xp.reshape(spectrum, (*sizes[:4], math.prod(sizes[4:]))), (4, 0, 2, 1, 3))
        product = xp.matmul(by_bin, kernel)
        outputs = xp.sizes(kernel)[-1]
        y = xp.reshape(xp.transpose(product, (1, 3, 2, 4, 0)), (*sizes[:3], outputs, *sizes[4:]))
    y = inverse(y, lengths)
    return xp.window(y, [kept.start for kept in windows], [kept.size for kept in windows])
