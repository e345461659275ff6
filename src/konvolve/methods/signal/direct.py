"""The sum itself: a loop over the taps of a short kernel, or the library's own convolution.

The loop adds one shifted copy of the signal per tap. It takes any dtype and rank, integers wrap in it as they
do in NumPy, and it beats a library's convolution while the taps are few.
"""

from __future__ import annotations

import math

from konvolve.backends.interface import Array, Backend
from konvolve.methods import sums
from konvolve.methods.signal import integers
from konvolve.methods.signal.sizes import Sizes, broadcast
from konvolve.planning.signal.direct import Direct


def prepare(xp: Backend, way: Direct, sizes: Sizes, b: Array) -> Array:
    """Return the kernel as it is, or in digits."""
    return b if way.digits is None else integers.split(xp, b, way.digits.width, way.digits.count2)


def run(xp: Backend, way: Direct, sizes: Sizes, a: Array, b: Array) -> Array:
    """Convolve over the trailing axes without transforms."""
    if way.digits is None:
        return _sum(xp, way, sizes, a, b)
    places = integers.by_places(xp, way.digits, lambda i, j: _sum(xp, way, sizes, a[i], b[j]))
    return integers.join(xp, way.digits, places)


def _sum(xp: Backend, way: Direct, sizes: Sizes, a: Array, b: Array) -> Array:
    rank = len(sizes.windows)
    batch = len(xp.shape(a)) - rank
    if way.swap:  # convolution commutes: loop over the shorter operand
        a, b = b, a
    taps = xp.sizes(b)[batch:]
    a = sums.needed(xp, a, sizes.windows, taps)
    if way.loop:
        return _loop(xp, a, b, batch)
    return _native(xp, a, b, batch, rank, way.in_parts)


def _loop(xp: Backend, a: Array, b: Array, batch: int) -> Array:
    taps = [int(k) for k in xp.sizes(b)[batch:]]
    outputs = [n - k + 1 for n, k in zip(xp.sizes(a)[batch:], taps, strict=True)]

    def add(y: Array | None, shifted: Array, tap: Array) -> Array:
        return shifted * tap if y is None else xp.add_product(y, shifted, tap)

    return sums.by_taps(xp, a, b, taps, outputs, add)


def _native(xp: Backend, a: Array, b: Array, batch: int, rank: int, in_parts: bool) -> Array:
    sizes_a, sizes_b = xp.sizes(a), xp.sizes(b)
    b = xp.flip(b, tuple(range(batch, batch + rank)))
    samples, taps = sizes_a[batch:], sizes_b[batch:]
    if xp.shape(b)[:batch] == (1,) * batch:
        x, kernel = xp.reshape(a, (-1, 1, *samples)), xp.reshape(b, (1, *taps))
        lead = list(sizes_a[:batch])
    else:  # a kernel per row: rows become channels
        lead = [broadcast(xp, n1, n2) for n1, n2 in zip(sizes_a[:batch], sizes_b[:batch], strict=True)]
        channels = math.prod(lead)
        x = xp.reshape(xp.broadcast_to(a, (*lead, *samples)), (1, channels, *samples))
        kernel = xp.reshape(xp.broadcast_to(b, (*lead, *taps)), (channels, *taps))
    y = sums.in_parts(xp, xp.depthwise_correlate, x, kernel) if in_parts else xp.depthwise_correlate(x, kernel)
    return xp.reshape(y, (*lead, *(n - k + 1 for n, k in zip(samples, taps, strict=True))))
