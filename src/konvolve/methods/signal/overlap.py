"""Overlap-save for rows that share a kernel, or have one each (see ``methods.blocks``)."""

from __future__ import annotations

from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.methods import blocks
from konvolve.methods.signal import integers
from konvolve.methods.signal.fft import forward, inverse
from konvolve.methods.signal.sizes import Sizes
from konvolve.planning.signal.overlap import Overlap


def prepare(xp: Backend, way: Overlap, sizes: Sizes, b: Array) -> Array:
    """Return the spectrum of the operand that is not cut, with an axis of size 1 where its blocks are counted."""
    return b if way.swap else _spectrum(xp, way, b)  # swapped, b is the one that is cut


def _spectrum(xp: Backend, way: Overlap, kernel: Array) -> Array:
    if way.digits is not None:
        count = way.digits.count1 if way.swap else way.digits.count2
        kernel = integers.split(xp, kernel, way.digits.width, count)
    batch = len(xp.shape(kernel)) - len(way.steps)
    spectrum = forward(xp, kernel, way.lengths)
    for _ in blocks.tiled(way):
        spectrum = _insert_axis(xp, spectrum, batch)
    return spectrum


def run(xp: Backend, way: Overlap, sizes: Sizes, a: Array, prepared: Array) -> Array:
    """Convolve over the trailing axes in blocks."""
    kernel = prepared
    if way.swap:
        a, kernel = prepared, _spectrum(xp, way, a)
    rank, tiled = len(way.steps), blocks.tiled(way)
    lengths: Any = way.lengths  # all are known: planning tiles for a known kernel only
    batch = len(xp.shape(a)) - rank

    clean = blocks.clean(way, way.taps, sizes.windows)

    def convolved(x: Array) -> Array:
        lead, dtype = batch, xp.dtype(x)
        if way.digits is not None:
            # Digits of a band, not of the signal: they are several times as large as the integers.
            count = way.digits.count2 if way.swap else way.digits.count1
            x, lead, dtype = integers.split(xp, x, way.digits.width, count), batch + 1, "float64"
        for i in reversed(tiled):  # from behind, so that the axes before stay where they are
            x = xp.overlapping_blocks(x, lead + i, lengths[i], way.steps[i])
        counts, samples = blocks.axes(lead, rank, tiled)
        order = [*range(lead), *counts, *samples]
        spectrum = forward(xp, x if order == sorted(order) else xp.transpose(x, order), way.lengths)
        del x  # each array here is as large as a band
        product = integers.product(xp, way.digits, spectrum, kernel, way.swap)
        del spectrum
        y = inverse(xp, dtype, product, way.lengths, clean)
        del product
        y = blocks.side_by_side(xp, y, order, xp.sizes(y)[:lead], rank, tiled)
        return y if way.digits is None else integers.join(xp, way.digits, y)

    return blocks.in_bands(xp, a, way, way.taps, sizes.windows, convolved)


def _insert_axis(xp: Backend, x: Array, axis: int) -> Array:
    sizes = xp.sizes(x)
    return xp.reshape(x, (*sizes[:axis], 1, *sizes[axis:]))
