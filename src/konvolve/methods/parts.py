"""Partitioned overlap-save over chunks: frames of the signal and parts of the kernel, each transformed once.

Block n of the result is the end of the inverse transform of the sum of products of the spectra of frame n - j and part
j: see ``planning/chunked/plan.py``. What is not finite would spread over all blocks that its frame reaches. So such
samples are zero in the spectrum, and two more, of their places and of their signs, say where a tap meets them, as
``methods/finite.py`` does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from konvolve.backends.interface import Array, Backend
from konvolve.methods.signal.fft import forward, inverse
from konvolve.planning import dtypes


class Spectra(NamedTuple):
    """Spectra of a frame, of a part, or of sums of their products; ``marks`` are those of what is not finite."""

    values: Array
    marks: tuple[Array, ...] | None = None


def of_frame(xp: Backend, x: Array, lengths: Sequence[int], local: bool) -> Spectra:
    """Transform a frame; ``local``: what is not finite shall be met by the taps that meet it alone."""
    if not local or xp.all_finite((x,)) is not False:
        return Spectra(forward(xp, x, tuple(lengths)))
    zero = xp.zeros((), xp.dtype(x), x)
    finite = xp.isfinite(x)
    places = [xp.where(finite, zero, zero + 1)]
    if not dtypes.is_complex(xp.dtype(x)):  # of an infinite complex number nobody knows where it points
        places.append(xp.where(x == math.inf, zero + 1, xp.where(x == -math.inf, zero - 1, zero)))
    values = forward(xp, xp.where(finite, x, zero), tuple(lengths))
    return Spectra(values, tuple(forward(xp, each, tuple(lengths)) for each in places))


def of_part(xp: Backend, taps: Array, lengths: Sequence[int], local: bool) -> Spectra:
    """Transform a part of the kernel, which is finite; ``local``: and where its taps are, and their signs."""
    values = forward(xp, taps, tuple(lengths))
    if not local:
        return Spectra(values)
    zero = xp.zeros((), xp.dtype(taps), taps)
    places = [xp.broadcast_to(zero + 1, xp.sizes(taps))]
    if not dtypes.is_complex(xp.dtype(taps)):
        places.append(xp.where(taps > 0, zero + 1, xp.where(taps < 0, zero - 1, zero)))
    return Spectra(values, tuple(forward(xp, each, tuple(lengths)) for each in places))


def multiplied(xp: Backend, total: Spectra | None, pairs: Sequence[tuple[Spectra, Spectra]]) -> Spectra:
    """Add the products of frames and parts to a total."""
    for frame, part in pairs:
        values = frame.values * part.values
        marks = None
        if frame.marks is not None and part.marks is not None:
            marks = tuple(x * y for x, y in zip(frame.marks, part.marks, strict=True))
        if total is None:
            total = Spectra(values, marks)
            continue
        if marks is not None and total.marks is not None:
            marks = tuple(x + y for x, y in zip(total.marks, marks, strict=True))
        total = Spectra(total.values + values, total.marks if marks is None else marks)
    assert total is not None
    return total


def block(
    xp: Backend, total: Spectra, dtype: str, lengths: Sequence[int], kept: Sequence[tuple[int, int]]
) -> Array:  # fmt: skip
    """Transform a sum of products back to an array of this dtype, and keep (start, size) of each axis."""
    y = inverse(xp, dtype, total.values, tuple(lengths), kept)
    if total.marks is None:
        return y
    places = [xp.round(_real(xp, inverse(xp, dtype, each, tuple(lengths), kept))) for each in total.marks]
    nowhere = 0 * places[0]
    met = nowhere + math.nan
    if len(places) > 1:  # infinities of one sign alone
        infinite = xp.where(places[1] > 0, nowhere + math.inf, nowhere - math.inf)
        met = xp.where(xp.where(places[1] > 0, places[1], -places[1]) == places[0], infinite, met)
    met = xp.where(places[0] > 0, met, nowhere)
    return y + (xp.to_complex(met, met) if dtypes.is_complex(dtype) else met)


def _real(xp: Backend, x: Array) -> Array:
    return xp.split_complex(x)[0] if dtypes.is_complex(xp.dtype(x)) else x
