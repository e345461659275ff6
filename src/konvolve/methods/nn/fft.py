"""One transform over everything, on channels: spectra are contracted over the channels, frequency by frequency.

Arrays stand as ``methods.nn.layout`` says, without strides and dilations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from konvolve.backends.interface import Array, Backend, Size
from konvolve.methods.nn.layout import merge, split_inputs, split_kernel
from konvolve.methods.nn.sizes import Sizes
from konvolve.planning.dtypes import is_complex
from konvolve.planning.geometry import Window
from konvolve.planning.nn.plan import ChannelPlan


def prepare(xp: Backend, plan: ChannelPlan, sizes: Sizes, kernel: Array) -> Array:
    """Return the kernel's spectrum, as ``multiply`` takes it."""
    transform = xp.fftn if is_complex(plan.problem.compute) else xp.rfftn
    return _ready(xp, transform(split_kernel(xp, plan, kernel), sizes.lengths))


def run(xp: Backend, plan: ChannelPlan, sizes: Sizes, x: Array, spectrum: Array) -> Array:
    """Convolve with the kernel of this spectrum."""
    batch = xp.sizes(x)[0]
    x = split_inputs(xp, plan, sizes.places, x)
    y = multiply(xp, x, spectrum, sizes.lengths, [p.window for p in sizes.places])
    return merge(xp, plan, sizes.places, y, batch)


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
