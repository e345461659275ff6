"""Overlap-save: the signal in overlapping blocks, each convolved cyclically, the clean part of each kept.

A block of B samples convolved cyclically with K taps is right in all but its first K - 1 samples, so blocks
that start every B - K + 1 samples tile the output (Stockham 1966; Oppenheim and Schafer, "Discrete-Time Signal
Processing", section 8.7)::

    signal    [--K-1--|------step------]
                             [--K-1--|------step------]
    output            |------step------|------step------|

Every tiled axis is cut the same way. Blocks along the first tiled axis are worked on in bands, one after the
other, so that the memory is that of the signal, the result and one band.
"""

from __future__ import annotations

from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.methods.signal import integers
from konvolve.methods.signal.fft import forward, inverse
from konvolve.methods.signal.sizes import Sizes
from konvolve.planning.signal.plan import Plan


def prepare(xp: Backend, plan: Plan, sizes: Sizes, b: Array) -> Array:
    """Return the spectrum of the operand that is not cut, with an axis of size 1 where its blocks are counted."""
    if plan.swap:  # convolution commutes: the longer operand is cut, and b is the longer
        return b
    return _spectrum(xp, plan, b)


def _spectrum(xp: Backend, plan: Plan, kernel: Array) -> Array:
    if plan.digits is not None:
        count = plan.digits.count1 if plan.swap else plan.digits.count2
        kernel = integers.split(xp, kernel, plan.digits.width, count)
    batch = len(xp.shape(kernel)) - len(plan.steps)
    spectrum = forward(xp, kernel, plan.lengths)
    for _ in filter(None, plan.steps):
        spectrum = _insert_axis(xp, spectrum, batch)
    return spectrum


def run(xp: Backend, plan: Plan, sizes: Sizes, a: Array, prepared: Array) -> Array:
    """Convolve over the trailing axes in blocks."""
    kernel = prepared
    if plan.swap:
        a, kernel = prepared, _spectrum(xp, plan, a)
    rank = len(plan.steps)
    batch = len(xp.shape(a)) - rank
    shape = plan.core.shape1 if plan.swap else plan.core.shape2
    taps: Any = [shape[axis] for axis in plan.core.axes]  # known: planning tiles for a known kernel only
    lengths: Any = plan.lengths
    tiled = [i for i in range(rank) if plan.steps[i]]
    first = tiled[0]
    counts = [-(-sizes.windows[i].size // plan.steps[i]) if plan.steps[i] else 0 for i in range(rank)]
    # A loop over an unknown number of bands cannot be compiled for an accelerator: then all blocks are one band.
    known = isinstance(counts[first], int)
    per_band = min(plan.band, counts[first]) if known else counts[first]
    bands = -(-counts[first] // per_band) if known else 1
    held = xp.sizes(a)[batch:]
    # What each axis needs of the signal: from K - 1 samples before the window on, whole blocks of it.
    starts = [kept.start - (k - 1) if s else 0 for kept, k, s in zip(sizes.windows, taps, plan.steps, strict=True)]
    extents = [c * s + k - 1 if s else n for c, s, k, n in zip(counts, plan.steps, taps, held, strict=True)]
    x = xp.window(
        a,
        [0 if i == first else start for i, start in enumerate(starts)],
        [held[first] if i == first else extent for i, extent in enumerate(extents)],
    )
    stride = per_band * plan.steps[first]
    slabs = (starts[first], stride, stride + taps[first] - 1, bands)

    clean = [(k - 1, s) if s else kept for k, s, kept in zip(taps, plan.steps, sizes.windows, strict=True)]

    def convolved(x: Array) -> Array:
        """Convolve ``per_band`` rows of blocks along the first tiled axis, all along the others."""
        lead, dtype = batch, xp.dtype(x)
        if plan.digits is not None:
            # Digits of a band, not of the signal: they are several times as large as the integers.
            count = plan.digits.count2 if plan.swap else plan.digits.count1
            x, lead, dtype = integers.split(xp, x, plan.digits.width, count), batch + 1, "float64"
        for i in reversed(tiled):  # from behind, so that the axes before stay where they are
            x = xp.frame(x, lead + i, lengths[i], plan.steps[i])
        spectrum = forward(xp, _blocks_first(xp, x, lead, rank, tiled), lengths)
        del x  # each array here is as large as a band
        product = integers.product(xp, plan.digits, spectrum, kernel, plan.swap)
        del spectrum
        y = _side_by_side(xp, inverse(xp, dtype, product, lengths, clean), lead, rank, tiled)
        return y if plan.digits is None else integers.join(xp, plan.digits, y)

    y = xp.bands(convolved, x, batch + first, slabs, sizes.windows[first].size)
    return xp.window(y, [0] * rank, [kept.size for kept in sizes.windows])


def _insert_axis(xp: Backend, x: Array, axis: int) -> Array:
    held = xp.sizes(x)
    return xp.reshape(x, (*held[:axis], 1, *held[axis:]))


def _order(batch: int, rank: int, tiled: list[int]) -> list[int]:
    """Return the axes of (batch, [count, ] length, [count, ] length ...) with the counts before the lengths."""
    counts, lengths, axis = [], [], batch
    for i in range(rank):
        if i in tiled:
            counts.append(axis)
            axis += 1
        lengths.append(axis)
        axis += 1
    return [*range(batch), *counts, *lengths]


def _blocks_first(xp: Backend, x: Array, batch: int, rank: int, tiled: list[int]) -> Array:
    order = _order(batch, rank, tiled)
    return x if order == sorted(order) else xp.transpose(x, order)


def _side_by_side(xp: Backend, y: Array, batch: int, rank: int, tiled: list[int]) -> Array:
    """Lay the blocks of (batch, counts, lengths) side by side again: (batch, lengths)."""
    order = _order(batch, rank, tiled)
    back = [order.index(axis) for axis in range(len(order))]
    y = y if back == sorted(back) else xp.transpose(y, back)
    held = list(xp.sizes(y))
    joined, axis = held[:batch], batch
    for i in range(rank):
        if i in tiled:
            joined.append(held[axis] * held[axis + 1])
            axis += 2
        else:
            joined.append(held[axis])
            axis += 1
    return xp.reshape(y, joined)
