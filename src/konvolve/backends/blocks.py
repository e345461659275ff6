"""Blocks of an axis times a matrix, of an array library's other primitives."""

from __future__ import annotations

import math
from typing import Any

from konvolve.backends.interface import Array


def banded_product(xp: Any, x: Array, band: Array, axis: int, start: int, size: int) -> Array:
    """Return what ``Backend.banded_product`` says: the blocks are cut out and multiplied together."""
    block, extent = xp.sizes(band)
    count = -(-size // block)
    behind = xp.sizes(x)[axis + 1 :]
    x = xp.window(x, [start, *(0 for _ in behind)], [count * block + extent - block, *behind])
    lead = xp.sizes(x)[:axis]
    cut = xp.reshape(x, (*lead, 1, extent, *behind)) if count == 1 else xp.overlapping_blocks(x, axis, extent, block)
    columns = math.prod(behind)
    if columns == 1:
        y = xp.matmul(xp.reshape(cut, (-1, extent)), xp.transpose(band, (1, 0)))
    else:
        y = xp.matmul(xp.reshape(band, (1, block, extent)), xp.reshape(cut, (-1, extent, columns)))
    y = xp.reshape(y, (*lead, count * block, *behind))
    return xp.window(y, [0] * (1 + len(behind)), [size, *behind])
