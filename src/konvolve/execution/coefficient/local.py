"""The coefficient's sums from each lag's own samples, so that no sample outside an overlap can touch them.

At each lag the samples that overlap are gathered; the smallest is taken off, and then the mean. So a constant leaves
exactly nothing, and a large offset costs no digits. Lags are worked on in tiles, of which one fits into a few
megabytes, and a tile without a lag that is in doubt is passed over.
"""

from __future__ import annotations

import math
from typing import Any

from konvolve.backends.interface import Array, Backend, Size
from konvolve.execution.coefficient.question import Question, Signal, added, where_not

_TILE = 2**16
"""The samples gathered at once, over all rows, lags and taps: half a MiB in float64, of which several copies live."""

_MOST_TILES = 4096
"""Beyond so many, tiles are larger: each takes some time of its own."""

_TILE_AS_CODE, _MOST_AS_CODE = 2**22, 4
"""For a compiler that writes out every tile: larger tiles, and no more than a few."""

_MOST_AT_ONCE = 2**27
"""Where sizes are known only in a run all lags make one tile, of at most so many samples: 1 GiB in float64."""


def replaced(
    xp: Backend, question: Question, signals: tuple[Signal, Signal], values: list[Array], trusted: Array
) -> list[Array]:
    """Return the sums with those at lags that are not trusted computed again from their own samples.

    The derivatives remain those of the sums that were given: these are linear in the signals and their squares.
    """
    zero = xp.zeros((), question.real, trusted)
    batch = xp.sizes(trusted)[: question.rank - len(question.lags)]
    count, taps = math.prod(question.lags), math.prod(question.sizes2)
    tile, tiles = _tiling(xp, question, count, taps)
    doubt = xp.where(trusted, zero, zero + math.nan)
    if tiles == 0:
        small = xp.cast(count * taps * question.rows, "float64") < _MOST_AT_ONCE
        doubt, tile, tiles = xp.where(small, doubt, zero), count, 1
    calm = xp.all_finite([doubt])
    if calm is True or calm is None or (tiles > _MOST_AS_CODE and xp.reads_code()):
        return values

    def compute(places: Array) -> Array:
        """Return the sums at lags by their flat index plus one, with the lags first; zeros if all indices are 0."""
        none = xp.zeros((xp.sizes(places)[0], len(values), *batch), question.real, trusted)
        known = xp.all_finite([xp.where(places > 0, zero + math.nan, zero)])
        return where_not(xp, known, lambda: _sums(xp, question, signals, places, batch), none)

    def all_tiles() -> Array:
        in_doubt = xp.total(xp.where(trusted, zero, zero + 1), tuple(range(len(batch))))
        places = xp.arange(1, count + 1, trusted)
        places = xp.where(xp.reshape(in_doubt, (count,)) > 0, places, places * 0)
        if tiles == 1:
            return compute(places)
        return xp.map_slabs(compute, xp.window(places, [0], [tiles * tile]), 0, (0, tile, tile, tiles), count)

    none = xp.zeros((count, len(values), *batch), question.real, trusted)
    again = where_not(xp, calm, all_tiles, none)
    again = xp.transpose(again, (*range(1, len(batch) + 2), 0))
    again = xp.reshape(again, (len(values), *batch, *question.lags))
    return [xp.where(trusted, v, v - xp.constant(v) + again[i]) for i, v in enumerate(values)]


def _tiling(xp: Backend, question: Question, count: Size, taps: Size) -> tuple[Size, int]:
    """Return the lags of a tile, and the number of tiles: 0 where sizes are known only in a run."""
    if not isinstance(count, int) or not isinstance(taps, int):
        return count, 0
    samples = _TILE_AS_CODE if xp.reads_code() else _TILE
    tile = max(1, samples // max(taps * question.rows, 1), -(-count // _MOST_TILES))
    return min(tile, max(count, 1)), -(-count // tile)


def _sums(
    xp: Backend, question: Question, signals: tuple[Signal, Signal], places: Array, batch: tuple[Size, ...]
) -> Array:
    """Return the mean product and both variances at some lags, (lags, sums, *batch)."""
    zero = xp.zeros((), question.real, signals[0].parts[0])
    places = xp.where(places > 0, places - 1, places * 0)
    count, taps = xp.sizes(places)[0], math.prod(question.sizes2)
    sample, counted = _samples(xp, question, places, taps)
    flat = xp.reshape(sample, (-1,))

    def gathered(x: Array) -> Array:
        x = _flat(xp, question, x)
        return xp.reshape(xp.take(x, flat, len(xp.shape(x)) - 1), (*xp.sizes(x)[:-1], count, taps))

    def spread(x: Array) -> Array:
        x = _flat(xp, question, x)
        return xp.reshape(x, (*xp.sizes(x)[:-1], 1, taps))

    for mask, arranged in zip((signal.mask for signal in signals), (gathered, spread), strict=True):
        counted = counted if mask is None else counted & arranged(mask)
    axis = (question.rank - len(question.lags) + 1,)
    number = xp.total(xp.where(counted, zero + 1, zero), (len(xp.shape(counted)) - 1,))
    number = xp.where(number > 0, number, zero + 1)
    first, second = (
        [_centred(xp, arranged(xp.constant(part)), counted, number, axis) for part in signal.parts]
        for signal, arranged in zip(signals, (gathered, spread), strict=True)
    )
    products = [first[0] * second[0]]
    if len(first) == 2:
        products = [products[0] + first[1] * second[1], first[1] * second[0] - first[0] * second[1]]
    squares = [added([part * part for part in parts]) for parts in (first, second)]
    sums = [xp.total(x, axis) / number for x in (*products, *squares)]
    sums = [xp.broadcast_to(xp.reshape(x, xp.sizes(x)[:-1]), (*batch, count)) for x in sums]
    y = xp.stack(sums)
    rank = len(batch) + 2
    return xp.transpose(y, (rank - 1, *range(rank - 1)))


def _flat(xp: Backend, question: Question, x: Array) -> Array:
    """Return x with its convolved axes as one."""
    sizes = xp.sizes(x)
    batch = question.rank - len(question.lags)
    return xp.reshape(x, (*sizes[:batch], math.prod(sizes[batch:])))


def _samples(xp: Backend, question: Question, places: Array, taps: Size) -> tuple[Array, Array]:
    """Return the flat index in in1 of each tap at each lag, (lags, taps), and whether it lies inside in1."""
    tap = xp.reshape(xp.arange(0, taps, places), (1, -1))
    lag = xp.reshape(places, (-1, 1))
    sample = lag * 0 + tap * 0
    inside = sample == 0
    step: Any = 1
    every = zip(question.sizes1, question.sizes2, question.first, question.lags, strict=True)
    for n, k, first, lags in reversed(list(every)):
        at = lag % lags + tap % k + first
        lag, tap = lag // lags, tap // k
        within = (at >= 0) & (at < n)
        sample = sample + xp.where(within, at, at * 0) * step
        inside = inside & within
        step = step * n
    return sample, inside


def _centred(xp: Backend, x: Array, counted: Array, number: Array, axis: tuple[int, ...]) -> Array:
    """Return the samples that count about their mean, and zeros in the place of the others."""
    zero = xp.zeros((), xp.dtype(x), x)
    # Samples are below 2 in magnitude: 4 is out of the question where one counts, and finite where none does.
    least = xp.highest(xp.where(counted, -x, zero - 4), axis)
    apart = xp.where(counted, x + least, zero)
    return xp.where(counted, apart - xp.total(apart, axis) / number, zero)
