"""Overlap-save: the signal in overlapping blocks, each convolved cyclically, the clean part of each kept.

A block of B samples convolved cyclically with K taps is right in all but its first K - 1 samples, so blocks
that start every B - K + 1 samples tile the output (Stockham 1966; Oppenheim and Schafer, "Discrete-Time Signal
Processing", section 8.7)::

    signal    [--K-1--|------step------]
                             [--K-1--|------step------]
    output            |------step------|------step------|

Every tiled axis is cut the same way. Blocks along the first tiled axis are worked on in bands, one after the
other, so that the memory is that of the signal, the result and one band. What is done to the blocks of a band is up to
the family: rows of one kernel, or channels that are contracted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning.geometry import Window


def in_bands(
    xp: Backend, x: Array, way: Any, taps: Sequence[int], windows: Sequence[Window], convolve: Callable[[Array], Array]
) -> Array:
    """Return windows of the convolution of x, over its trailing axes, with a kernel of so many taps along each.

    ``way`` has the ``lengths``, ``steps`` and ``band`` of an overlap-save. ``convolve`` is given the samples of a band
    and returns the ``clean`` ones of each block side by side. It alone refers to them, so that it may let go of them.
    """
    rank = len(way.steps)
    batch = len(xp.shape(x)) - rank
    first = next(i for i, step in enumerate(way.steps) if step)
    counts = [-(-kept.size // step) if step else 1 for kept, step in zip(windows, way.steps, strict=True)]
    # A loop over an unknown number of bands cannot be compiled for an accelerator: then all blocks are one band.
    known = isinstance(counts[first], int)
    per_band = min(way.band, counts[first]) if known else counts[first]
    bands = -(-counts[first] // per_band) if known else 1
    sizes = xp.sizes(x)[batch:]
    # What each axis needs of the signal: from K - 1 samples before the window on, whole blocks of it.
    starts = [kept.start - (k - 1) if s else 0 for kept, k, s in zip(windows, taps, way.steps, strict=True)]
    extents = [c * s + k - 1 if s else n for c, s, k, n in zip(counts, way.steps, taps, sizes, strict=True)]
    x = xp.window(
        x,
        [0 if i == first else start for i, start in enumerate(starts)],
        [sizes[first] if i == first else extent for i, extent in enumerate(extents)],
    )
    stride = per_band * way.steps[first]
    slabs = (starts[first], stride, stride + taps[first] - 1, bands)
    y = xp.map_slabs(convolve, x, batch + first, slabs, windows[first].size)
    return xp.window(y, [0] * rank, [kept.size for kept in windows])


def clean(way: Any, taps: Sequence[int], windows: Sequence[Window]) -> list[Window]:
    """Return the window of a block's cyclic convolution that is kept: what has not wrapped, or all that is wanted."""
    return [Window(k - 1, step) if step else kept for k, step, kept in zip(taps, way.steps, windows, strict=True)]


def tiled(way: Any) -> list[int]:
    """Return the axes that are cut, counted from the first convolved one."""
    return [i for i, step in enumerate(way.steps) if step]


def axes(first: int, rank: int, tiled: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the axes along which blocks are counted and those of samples, where a count stands before its length.

    >>> axes(2, 3, [0, 2])          # batch, batch, count, length, length, count, length
    ([2, 5], [3, 4, 6])
    """
    lengths = [first + i + sum(axis <= i for axis in tiled) for i in range(rank)]
    return [lengths[i] - 1 for i in tiled], lengths


def side_by_side(
    xp: Backend, y: Array, order: Sequence[int], lead: Sequence[Size], rank: int, tiled: Sequence[int]
) -> Array:
    """Lay the blocks of y side by side again, and give the axes in front of them these sizes.

    ``order`` says where the axes of y stood while each count was before its length.
    """
    back = [order.index(axis) for axis in range(len(order))]
    y = y if back == sorted(back) else xp.transpose(y, back)
    sizes = xp.sizes(y)
    counts, lengths = axes(len(order) - rank - len(tiled), rank, tiled)
    joined = [sizes[length] for length in lengths]
    for i, count in zip(tiled, counts, strict=True):
        joined[i] = sizes[count] * joined[i]
    return xp.reshape(y, (*lead, *joined))
