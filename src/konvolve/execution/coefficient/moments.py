"""Mean and variance of the samples in a box that slides over a signal, without cancellation.

Two boxes side by side with fractions p and q of the samples, means m and n and variances v and w, make one of mean
p m + q n and variance p v + q w + p q |m - n|^2 (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
for computing sample variances", 1979). All terms are positive: no sample outside the box takes part, a constant has
the variance 0 to the last bit, and boxes of k samples take about 2 log2(k) such steps for all lags at once.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from konvolve.backends.interface import Array, Backend
from konvolve.execution.coefficient.question import Question, Signal, added, magnitude


class Moments(NamedTuple):
    """What is known of the samples of one signal that overlap, at every lag.

    ``mean`` has an array for each real part. ``variance`` is that of all parts together, with ``error`` as the bound
    of its rounding error; ``exact``: a variance of zero means a constant.
    """

    mean: list[Array]
    variance: Array
    error: Array
    exact: bool


class _Boxes(NamedTuple):
    """Boxes of ``length`` samples along an axis, by their first sample.

    ``number``: how many samples of each box count, which all do where it is None.
    """

    length: int
    number: Array | None
    mean: list[Array]
    variance: Array


def sliding(xp: Backend, question: Question, signal: Signal, of_first: bool) -> Moments:
    """Return the moments of one signal's samples that lie on the other signal, which has no mask."""
    boxes = _Boxes(1, None, signal.parts, signal.parts[0] * 0)
    if signal.mask is not None:
        one = xp.zeros((), question.real, signal.parts[0]) + 1
        boxes = boxes._replace(number=xp.where(signal.mask, one, one * 0))
    sizes, others = (question.sizes1, question.sizes2) if of_first else (question.sizes2, question.sizes1)
    for place, axis in enumerate(question.axes):
        if signal.mask is None:  # fractions depend on this axis alone
            boxes = boxes._replace(number=None)
        along = question.first[place], question.lags[place], sizes[place], others[place]
        boxes = _along(xp, question, boxes, axis, along, of_first)
    steps = 2 * sum(math.log2(min(n, k)) + 1 for n, k in zip(sizes, others, strict=True))
    # Each step rounds the variance, and the difference of two means, which is as far off as the means are large.
    variance = xp.constant(boxes.variance)
    deviation = xp.where(variance > 0, variance, variance * 0 + 1) ** 0.5
    means = added([magnitude(xp, m) for m in boxes.mean])
    error = 4 * question.rounding * (steps * variance + means * deviation)
    return Moments(boxes.mean, boxes.variance, error, True)


def _along(xp: Backend, question: Question, boxes: _Boxes, axis: int, along: tuple, of_first: bool) -> _Boxes:
    """Return the boxes of all lags of one axis; with a single box, if that is the same at every lag.

    A box is as long as the shorter of both signals: if the other is the longer one, what overlaps is a box as long as
    this signal that reaches beyond its edges.
    """
    first, lags, n, other = along
    length = min(n, other)
    low, high = first, first + lags - 1
    if not of_first:
        low, high = -high, -low
    inward = other > n  # such boxes start at 0 unless they reach beyond an edge

    def start(p: int) -> int:
        return max(p, 0) + min(p + other - n, 0) if inward else p

    least, most = start(low), start(high)
    if boxes.number is None and (least < 0 or most + length > n):
        # What lies beyond the edges does not count.
        one = xp.zeros((), question.real, boxes.variance) + 1
        ones = xp.broadcast_to(one, [n if a == axis else 1 for a in range(question.rank)])
        boxes = boxes._replace(number=ones)
    boxes = _each(boxes, lambda x: _cut(xp, x, axis, least, most - least + length))
    boxes = _joined(xp, boxes, axis, length)
    if least == most or (not inward and of_first):
        return boxes
    # Which box belongs to each lag.
    step = xp.arange(0, lags, boxes.variance)
    position = step + low if of_first else high - step
    if inward:
        late = position + (other - n)
        position = xp.where(position > 0, position, position * 0) + xp.where(late < 0, late, late * 0)
    position = position - least
    return _each(boxes, lambda x: xp.take(x, position, axis))


def _each(boxes: _Boxes, change: Any) -> _Boxes:
    number = None if boxes.number is None else change(boxes.number)
    return _Boxes(boxes.length, number, [change(m) for m in boxes.mean], change(boxes.variance))


def _cut(xp: Backend, x: Array, axis: int, start: int, size: int) -> Array:
    """Return so many samples along an axis from a start on, zeros beyond the edges."""
    behind = list(xp.sizes(x)[axis + 1 :])
    return xp.window(x, [start, *(0 for _ in behind)], [size, *behind])


def _joined(xp: Backend, boxes: _Boxes, axis: int, length: int) -> _Boxes:
    """Return the boxes of so many samples: the binary digits of the length say which powers of two they are made of."""
    double, result = boxes._replace(length=1), None
    while True:
        if length & double.length:
            result = double if result is None else _merged(xp, result, double, axis)
        if 2 * double.length > length:
            assert result is not None
            return result
        double = _merged(xp, double, double, axis)


def _merged(xp: Backend, one: _Boxes, two: _Boxes, axis: int) -> _Boxes:
    """Return the boxes that are made of each of the first ones and the second one that begins where it ends."""
    size = xp.sizes(two.variance)[axis] - one.length
    two = _each(two, lambda x: _cut(xp, x, axis, one.length, size))
    one = _each(one, lambda x: _cut(xp, x, axis, 0, size))
    length = one.length + two.length
    if one.number is None:
        number: Any = None
        p: Any = one.length / length
        q: Any = two.length / length
    else:
        number = one.number + two.number
        some = xp.where(number > 0, number, number * 0 + 1)
        p, q = one.number / some, two.number / some
    apart = [n - m for m, n in zip(one.mean, two.mean, strict=True)]
    mean = [m + q * d for m, d in zip(one.mean, apart, strict=True)]
    square = added([d * d for d in apart])
    return _Boxes(length, number, mean, p * one.variance + q * two.variance + (p * q) * square)
