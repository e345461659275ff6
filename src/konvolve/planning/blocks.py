"""Block lengths for overlap-save.

A block of B samples yields ``B - K + 1`` samples of output for a kernel of K taps, so a longer block wastes
less and costs more to transform. SciPy's oaconvolve takes the closed-form optimum by Lambert's W for a cost of
``B log B``; here the same optimum is searched in the table of fast lengths with the measured cost of each, and
the blocks are counted whole, so that a signal just longer than two blocks does not pay for three.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from konvolve.planning.lengths import fast_length, place_of, table, transform_cost
from konvolve.planning.memoize import remembered

# From this many samples on a block of floats, its spectrum and the kernel's no longer share a core's nearer caches.
_IN_CACHE = 2**15
_OUT_OF_CACHE = 1.25
# From this many on the transform itself leaves the second-level cache, and every stage goes to memory.
_OUTGROWN = 2**17
# Blocks that are longer by this factor than the kernel are past the optimum of every cost that was fitted; and so many
# samples are looked at in any case.
_LONGEST, _LEAST_LONGEST = 64, 4096
# From so many times the rows that are worked on at once, the last turn need not be full.
_MANY_TIMES = 8


class Blocks(NamedTuple):
    """A tiling of one axis: transforms of ``length`` samples, ``step`` of output each; step 0 is no tiling."""

    length: int
    step: int


def outgrown(length: int, single: bool) -> float:
    """Return how many times dearer a sample is in a one-dimensional transform that outgrows the cache.

    A ``single`` transform has all of the cache to itself, and one core's share of the way to memory is enough for it.
    Measured per stage, rows together: 1.3 at 2**18, 2 to 2.5 at 2**19, 3 from 2**20 on; a single one 1.3 at 2**19,
    and beyond 3e6 samples 1.2 (TensorFlow) to 2.3 (NumPy).

    >>> outgrown(2**17, False), outgrown(2**19, False), outgrown(2**19, True)
    (1.0, 2.0, 1.3)
    """
    doublings = math.log2(max(1.0, length / _OUTGROWN))
    if single:
        return 1.0 + 0.15 * min(doublings, 3.0) + 0.1 * max(0.0, doublings - 3.0)
    return 1.0 + 0.5 * min(doublings, 4.0)


def block_cost(length: int) -> float:
    """Return the relative cost of transforming one block, dearer where it leaves the cache.

    >>> block_cost(2**17) > 2 * block_cost(2**15)
    True
    """
    return transform_cost(length) * (_OUT_OF_CACHE if length > _IN_CACHE else 1.0) * outgrown(length, False)


@remembered
def _costs() -> tuple[float, ...]:
    return tuple(block_cost(length) for length in table())


class FewRows(NamedTuple):
    """What few rows cost in one-dimensional transforms: a single one is ``single`` times slower than one of many,
    and so many rows are worked on ``at_once``, fewer at the price of so many and a half.
    """

    single: float
    at_once: int

    def rows(self, rows: int) -> float:
        """Return as how many of many rows so few ones count.

        >>> [FewRows(3.0, 8).rows(n) for n in (1, 2, 5, 8, 9, 64, 100)]
        [3.0, 6.0, 12.0, 8, 16, 64, 100]
        """
        at_once = self.at_once
        if rows >= _MANY_TIMES * at_once:
            return rows
        if rows >= max(2, at_once):
            return -(-rows // at_once) * at_once
        return min(self.single * rows, max(self.single, 1.5 * at_once)) if at_once > 1 or rows == 1 else rows


MANY = FewRows(1.0, 1)
"""Rows that are many anyway."""


def choose(taps: int, outputs: int | None, whole: int | None, rows: int = 2, few: FewRows = MANY) -> Blocks:
    """Return the cheapest tiling of an axis: ``outputs`` samples wanted, ``whole`` the length of one transform.

    Where the number of outputs is not known (None) the cost per sample of output decides. There are ``rows`` rows.

    >>> choose(1001, 10_001_000, 10_001_000).step > 0      # a long signal: blocks
    True
    >>> choose(60, 80, 120)                                # hardly longer than the kernel: one transform
    Blocks(length=120, step=0)
    """
    lengths, costs = table(), _costs()
    best, best_cost = None, float("inf")
    longest = max(_LONGEST * taps, _LEAST_LONGEST)
    if whole is not None and whole <= lengths[-1]:
        length = fast_length(whole)
        whole_cost = transform_cost(length) * outgrown(length, True) if rows == 1 else block_cost(length)
        best, best_cost = Blocks(length, 0), whole_cost * few.rows(rows)
        longest = min(longest, whole)
    # Shorter blocks than 5/4 of the kernel redo nearly everything.
    first, last = place_of(taps + taps // 4 + 1), place_of(longest + 1)
    many = _MANY_TIMES * few.at_once
    for place in range(first, max(last, first + 1) if best is None else last):
        step = lengths[place] - taps + 1
        count = 1.0 / step if outputs is None else rows * -(-outputs // step)
        if outputs is not None and count < many:
            count = few.rows(int(count))
        if costs[place] * count < best_cost:
            best, best_cost = Blocks(lengths[place], step), costs[place] * count
    assert best is not None  # whole or not, the table has a length
    return best


def part(taps: int, outputs: int, parts: int) -> Blocks:
    """Return the tiling of an axis into at least so many blocks, whatever it costs, for the sake of memory.

    >>> part(31, 256, 4)
    Blocks(length=96, step=66)
    """
    length = fast_length(-(-outputs // parts) + taps - 1)
    return Blocks(length, length - taps + 1)
