"""The sum as products of blocks of the signal with a banded matrix, which is made of the kernel (Toeplitz).

With one kernel for all rows, in floating point. Matrix products run at several times the speed of a library's
convolution of a single channel, and their gradients are matrix products too. A sample that is not finite spoils the
blocks it falls into.

Two ways, of which the plan takes one. Blocks of one axis are cut out, wherever it lies, and multiplied. Or the last
axis is cut into blocks side by side, whose B samples become channels::

    signal    [----B----|----B----|----B----]
    output              [----B----|----B----]

A block of outputs is a sum over a few blocks of samples, each times a B x B part of the matrix, and that is what
libraries call a convolution on channels; along the axes before it the kernel's taps stay taps. No block is copied.
"""

from __future__ import annotations

import math

from konvolve.backends.interface import Array, Backend, Native
from konvolve.methods.signal.sizes import Sizes
from konvolve.planning.signal.matrix import Matrix


def prepare(xp: Backend, way: Matrix, sizes: Sizes, b: Array) -> Array:
    """Return the matrix: row i holds the kernel reversed, from column i on.

    It is copies of the reversed kernel and zeros, cut into rows one sample shorter.
    """
    rank, block = len(sizes.windows), way.block
    shape = xp.sizes(b)
    taps = shape[len(shape) - rank :]
    if not way.neighbours:
        return _banded(xp, xp.reshape(b, (1, math.prod(taps))), block, block + math.prod(taps) - 1)[0]
    b = xp.reshape(xp.flip(b, tuple(range(len(shape) - rank, len(shape) - 1))), (-1, taps[-1]))
    band = _banded(xp, b, block, way.neighbours * block)
    return xp.reshape(xp.transpose(band, (0, 2, 1)), (*taps[:-1], way.neighbours, block, block))


def _banded(xp: Backend, kernels: Array, block: int, extent: int) -> Array:
    """Return a matrix of ``block`` rows and ``extent`` columns for each row of kernels."""
    count = xp.sizes(kernels)[0]
    row = xp.window(xp.flip(kernels, (1,)), [0], [extent + 1])
    rows = xp.broadcast_to(xp.reshape(row, (count, 1, extent + 1)), (count, block, extent + 1))
    cut = xp.window(xp.reshape(rows, (count, block * (extent + 1))), [0], [block * extent])
    return xp.reshape(cut, (count, block, extent))


def run(xp: Backend, way: Matrix, sizes: Sizes, a: Array, band: Array) -> Array:
    """Convolve over the trailing axes."""
    return _in_channels(xp, way, sizes, a, band) if way.neighbours else _cut_out(xp, way, sizes, a, band)


def _in_channels(xp: Backend, way: Matrix, sizes: Sizes, a: Array, band: Array) -> Array:
    """Convolve blocks of the last axis as channels."""
    rank, block = len(sizes.windows), way.block
    shape = xp.sizes(a)
    lead = shape[: len(shape) - rank]
    *taps, _, _, _ = xp.sizes(band)
    *others, kept = sizes.windows
    count = -(-kept.size // block)
    starts = [each.start - (n - 1) for each, n in zip(others, taps, strict=True)]
    extents = [each.size + n - 1 for each, n in zip(others, taps, strict=True)]
    blocks = count + way.neighbours - 1
    a = xp.window(a, [*starts, kept.start - (way.taps - 1)], [*extents, blocks * block])
    a = xp.reshape(a, (-1, *extents, blocks, block))
    y = xp.conv(a, band, Native((1,) * rank, (1,) * rank, ((0, 0),) * rank, 1, True))
    y = xp.reshape(y, (*lead, *(each.size for each in others), count * block))
    return xp.window(y, [0] * rank, [each.size for each in sizes.windows])


def _cut_out(xp: Backend, way: Matrix, sizes: Sizes, a: Array, band: Array) -> Array:
    """Multiply blocks of the one axis on which the kernel has more than one sample.

    Output i of a block is the product of row i with the block's ``block + K - 1`` samples, from K - 1 before it on.
    """
    rank, place = len(sizes.windows), way.place
    axis = len(xp.shape(a)) - rank + place
    starts, extents = [each.start for each in sizes.windows], [each.size for each in sizes.windows]
    kept = sizes.windows[place]
    # Along the other axes, where the kernel has one sample, the window is cut out as it is.
    starts[place], extents[place] = 0, xp.sizes(a)[axis]
    a = xp.window(a, starts, extents)
    return xp.banded_product(a, band, axis, kept.start - (way.taps - 1), kept.size)
