"""Block lengths for overlap-save.

A block of B samples yields ``B - K + 1`` samples of output for a kernel of K taps, so a longer block wastes
less and costs more to transform. SciPy's oaconvolve takes the closed-form optimum by Lambert's W for a cost of
``B log B``; here the same optimum is searched in the table of fast lengths with the measured cost of each, and
the blocks are counted whole, so that a signal just longer than two blocks does not pay for three.
"""

from __future__ import annotations

from typing import NamedTuple

from konvolve.planning.lengths import fast_length, table, transform_cost

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


def choose(taps: int, outputs: int | None, whole: int | None) -> Blocks:
    """Return the cheapest tiling of an axis: ``outputs`` samples wanted, ``whole`` the length of one transform.

    Where the number of outputs is not known (None) the cost per sample of output decides.

    >>> choose(1001, 10_001_000, 10_001_000).step > 0      # a long signal: blocks
    True
    >>> choose(60, 80, 120)                                # hardly longer than the kernel: one transform
    Blocks(length=120, step=0)
    """
    best, best_cost = None, float("inf")
    longest = whole if whole is not None else max(64 * taps, 4096)
    if whole is not None:
        best, best_cost = Blocks(fast_length(whole), 0), block_cost(fast_length(whole))
    for length in table():
        if length < taps + taps // 4 + 1:
            continue
        if length > longest and best is not None:
            break
        step = length - taps + 1
        blocks = 1.0 / step if outputs is None else -(-outputs // step)
        cost = block_cost(length) * blocks
        if cost < best_cost:
            best, best_cost = Blocks(length, step), cost
    assert best is not None  # the table has lengths beyond `longest`
    return best
