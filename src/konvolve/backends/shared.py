"""Primitives that are alike in several libraries: made of their other primitives, or of nothing but a call."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
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


def folded(function: Callable, every: Sequence[Any]) -> Any:
    """Call the function for one after the other."""
    return functools.reduce(function, every, None)


def rows_apart(x: Array, samples: int) -> Array:
    """Return x as it is: each tap is a pass of its own, which reads the rows one after the other."""
    return x


def map_rows(compute: Callable, x: Array, rows: int) -> Array:
    """Compute at once: the library shares rows out among the cores itself, and its profile says so."""
    return compute(x)
