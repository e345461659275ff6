"""What the direct sums of both families share: a sum tap by tap, and one of complex numbers part by part."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning import dtypes
from konvolve.planning.geometry import Window, is_odd_row, rows_collide

# Bytes that rows are moved apart by, so that they share no lines of the cache: one of its lines.
_LINE = 64


def needed(xp: Backend, x: Array, windows: Sequence[Window], taps: Sequence[Size]) -> Array:
    """Return the samples that windows of the full convolution with so many taps are made of, zeros outside."""
    return xp.window(
        x,
        [kept.start - (k - 1) for kept, k in zip(windows, taps, strict=True)],
        [kept.size + k - 1 for kept, k in zip(windows, taps, strict=True)],
    )


def by_taps(
    xp: Backend, x: Array, kernel: Array, taps: Sequence[int], sizes: Sequence[Size],
    add: Callable[[Array | None, Array, Array], Array],
) -> Array:  # fmt: skip
    """Add up, over all taps of the trailing axes, what ``add`` makes of the sum so far, the samples and the tap.

    ``x`` are the samples that are needed for so many outputs (``sizes``); the sum is None before the first tap.
    """
    if xp.even_rows and is_odd_row(xp.shape(x)[:-1], sizes):
        most = sizes[-1] - 1
        pieces = [
            by_taps(xp, xp.window(x, [start], [n + taps[-1] - 1]), kernel, taps, [*sizes[:-1], n], add)
            for start, n in ((0, most), (most, 1))
        ]
        return xp.concatenate(pieces, -1)
    item, row = dtypes.item_size(xp.dtype(x)), xp.shape(x)[-1]
    if rows_collide(row, item, taps):
        x = xp.rows_apart(x, _LINE // item)

    def with_tap(total: Array | None, offsets: Sequence[Size]) -> Array:
        shifted = xp.window(x, [k - 1 - offset for k, offset in zip(taps, offsets, strict=True)], sizes)
        return add(total, shifted, xp.window(kernel, offsets, [1] * len(taps)))

    return xp.folded(with_tap, list(itertools.product(*(range(k) for k in taps))))


def in_parts(xp: Backend, convolve: Callable[[Array, Array], Array], x: Array, kernel: Array) -> Array:
    """Convolve complex arrays part by part, real and imaginary."""
    (xr, xi), (kr, ki) = xp.split_complex(x), xp.split_complex(kernel)
    return xp.to_complex(convolve(xr, kr) - convolve(xi, ki), convolve(xr, ki) + convolve(xi, kr))
