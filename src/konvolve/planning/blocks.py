"""Block lengths for overlap-save.

A block of B samples yields ``B - K + 1`` samples of output for a kernel of K taps, so a longer block wastes
less and costs more to transform. SciPy's oaconvolve takes the closed-form optimum by Lambert's W for a cost of
``B log B``; here the same optimum is searched in the table of fast lengths with the measured cost of each, and
the blocks are counted whole, so that a signal just longer than two blocks does not pay for three.
"""

from __future__ import annotations

from typing import NamedTuple

from konvolve.planning.lengths import fast_length, place_of, table, transform_cost
from konvolve.planning.memory import remembered

# Beyond this many samples a block of floats and its spectrum leave a core's second-level cache.
_IN_CACHE = 2**15
_OUT_OF_CACHE = 1.25


class Blocks(NamedTuple):
    """A tiling of one axis: transforms of ``length`` samples, ``step`` of output each; step 0 is no tiling."""

    length: int
    step: int


def block_cost(length: int) -> float:
    """Return the relative cost of transforming one block, dearer where it leaves the cache.

    >>> block_cost(2**17) > 2 * block_cost(2**15)
    True
    """
    return transform_cost(length) * (_OUT_OF_CACHE if length > _IN_CACHE else 1.0)


@remembered
def _costs() -> tuple[float, ...]:
    return tuple(block_cost(length) for length in table())


def choose(taps: int, outputs: int | None, whole: int | None) -> Blocks:
    """Return the cheapest tiling of an axis: ``outputs`` samples wanted, ``whole`` the length of one transform.

    Where the number of outputs is not known (None) the cost per sample of output decides.

    >>> choose(1001, 10_001_000, 10_001_000).step > 0      # a long signal: blocks
    True
    >>> choose(60, 80, 120)                                # hardly longer than the kernel: one transform
    Blocks(length=120, step=0)
    """
    lengths, costs = table(), _costs()
    best, best_cost = None, float("inf")
    longest = max(64 * taps, 4096)
    if whole is not None and whole <= lengths[-1]:
        best, best_cost = Blocks(fast_length(whole), 0), block_cost(fast_length(whole))
        longest = min(longest, whole)
    # Shorter blocks than 5/4 of the kernel redo nearly everything, longer ones than 64 times are past the optimum.
    first, last = place_of(taps + taps // 4 + 1), place_of(longest + 1)
    for place in range(first, max(last, first + 1) if best is None else last):
        step = lengths[place] - taps + 1
        blocks = 1.0 / step if outputs is None else -(-outputs // step)
        if costs[place] * blocks < best_cost:
            best, best_cost = Blocks(lengths[place], step), costs[place] * blocks
    assert best is not None  # whole or not, the table has a length
    return best


def part(taps: int, outputs: int, parts: int) -> Blocks:
    """Return the tiling of an axis into at least so many blocks, whatever it costs, for the sake of memory.

    >>> part(31, 256, 4)
    Blocks(length=96, step=66)
    """
    length = fast_length(-(-outputs // parts) + taps - 1)
    return Blocks(length, length - taps + 1)
