"""The sum as products of blocks of the signal with a banded matrix, which is made of the kernel (Toeplitz).

Along one axis only, with one kernel for all rows, in floating point. Matrix products run at several times the speed of
a library's convolution of a single channel, they take the axis where it lies, and their gradients are matrix products
too. A sample that is not finite spoils the blocks it falls into.
"""

from __future__ import annotations

import math

from konvolve.backends.interface import Array, Backend
from konvolve.methods.sizes import Sizes
from konvolve.planning.plan import Plan


def prepare(xp: Backend, plan: Plan, sizes: Sizes, b: Array) -> Array:
    """Return the matrix: row i holds the kernel reversed, from column i on.

    It is copies of the reversed kernel and ``block`` zeros, cut into rows one sample shorter.
    """
    taps, block = math.prod(xp.sizes(b)), plan.block
    row = xp.window(xp.flip(xp.reshape(b, (taps,)), (0,)), [0], [taps + block])
    rows = xp.reshape(xp.broadcast_to(xp.reshape(row, (1, taps + block)), (block, taps + block)), (-1,))
    return xp.reshape(xp.window(rows, [0], [block * (block + taps - 1)]), (block, block + taps - 1))


def run(xp: Backend, plan: Plan, sizes: Sizes, a: Array, band: Array) -> Array:
    """Convolve along the one axis on which the kernel has more than one sample.

    Output i of a block is the product of row i with the block's ``block + K - 1`` samples.
    """
    rank, block = len(plan.problem.axes), plan.block
    place = plan.matrix_axis
    axis = len(xp.shape(a)) - rank + place
    extent = xp.sizes(band)[1]
    kept = sizes.windows[place]
    count = -(-kept.size // block)
    held = xp.sizes(a)
    lead, behind = held[:axis], held[axis + 1 :]
    # Blocks are counted whole, from K - 1 samples before the window on; zeros lie outside the signal.
    a = xp.window(a, [kept.start - (extent - block), *(0 for _ in behind)], [count * block + extent - block, *behind])
    samples = xp.reshape(a, (*lead, 1, extent, *behind)) if count == 1 else xp.frame(a, axis, extent, block)
    inner = math.prod(behind)
    if inner == 1:
        y = xp.matmul(xp.reshape(samples, (-1, extent)), xp.transpose(band, (1, 0)))
    else:
        y = xp.matmul(xp.reshape(band, (1, block, extent)), xp.reshape(samples, (-1, extent, inner)))
    y = xp.reshape(y, (*lead, count * block, *behind))
    return xp.window(y, [0] * rank, [kept.size for kept in sizes.windows])
