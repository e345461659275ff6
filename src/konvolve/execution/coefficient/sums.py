"""Sums over what overlaps as correlations of everything, and a bound of their rounding errors.

Each sum of the coefficient is a correlation: of the signals, of one signal or its square with the other's mask
(Padfield, "Masked object registration in the Fourier domain", IEEE Transactions on Image Processing 21, 2012). A
transform spreads the rounding of large samples over all lags, where it may hide what belongs to a calm passage; the
bound says where.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from konvolve.backends.interface import Array, Backend
from konvolve.execution.coefficient.moments import Moments
from konvolve.execution.coefficient.question import Question, Signal, added, magnitude, where_not
from konvolve.execution.signal import solve
from konvolve.planning import dtypes

_DEVIATIONS = 10
"""The bound is about so many standard deviations of a transform's rounding error.

The largest error seen was 9.3 of them, of PyTorch's overlap-save beside a spike 1e6 times the rest; of one transform,
and in NumPy and JAX, 5 (100 to 20011 samples, 30 to 4097 taps: noise, a spike, a step and a sine, in both precisions).
"""


class Sums:
    """The sums over what overlaps at each lag, each with the bound of its error; ``count`` is the number of samples."""

    def __init__(self, xp: Backend, question: Question, signals: tuple[Signal, Signal]) -> None:
        self.xp, self.question, self.signals = xp, question, signals
        self.ones = [self._ones(signals[0], question.sizes1), self._ones(signals[1], question.sizes2)]
        self.count = self._count()

    def _ones(self, signal: Signal, sizes: tuple) -> Array:
        """Return which samples count, as ones and zeros; as NumPy's where all do, so that planning can see it."""
        xp, question = self.xp, self.question
        like = signal.parts[0]
        zero = xp.zeros((), question.real, like)
        if signal.mask is not None:
            return xp.where(signal.mask, zero + 1, zero)
        sizes = (*(1 for _ in range(question.rank - len(sizes))), *sizes)
        if all(isinstance(n, int) for n in sizes):
            return np.ones(sizes, question.real)
        return xp.zeros(sizes, question.real, like) + 1

    def correlate(self, x: Array, y: Array) -> Array:
        """Return the sum of x and the conjugate of y at each lag."""
        mode, method, lags, max_memory = self.question.options
        found = solve(
            "correlate", x, y, mode=mode, method=method, axes=self.question.axes, boundary="zero", lags=lags,
            max_memory=max_memory,
        )  # fmt: skip
        return self.xp.asarray(found, self.signals[0].parts[0])

    def bound(self, x: Array, y: Array) -> Array:
        """Return a bound for the error of a sum by transforms.

        Their error is a small part of the root mean square of the result, and is spread evenly over it.
        """
        question, xp = self.question, self.xp
        share, samples = 1.0, 2.0**30
        if question.known:
            n, k = math.prod(question.sizes1), math.prod(question.sizes2)
            share, samples = min(n, k) / max(n, k, 1), n + k + 2
        unit = _DEVIATIONS * question.rounding * (math.log2(samples) * share) ** 0.5
        norms = [self._norm(xp.asarray(each, self.signals[0].parts[0])) for each in (x, y)]
        return xp.constant(norms[0] * norms[1] * unit)

    def _norm(self, x: Array) -> Array:
        xp = self.xp
        parts = xp.split_complex(x) if dtypes.is_complex(xp.dtype(x)) else (x,)
        square = added([xp.total(xp.constant(part * part), self.question.axes) for part in parts])
        return xp.where(square > 0, square, square * 0 + 1) ** 0.5 * xp.where(square > 0, square * 0 + 1, square * 0)

    def _count(self) -> Array:
        xp = self.xp
        if all(signal.mask is None for signal in self.signals) and self.question.known:
            return self._count_of_boxes()
        return xp.constant(xp.round(self.correlate(*self.ones)))

    def _count_of_boxes(self) -> Array:
        xp, question = self.xp, self.question
        like = self.signals[0].parts[0]
        count: Any = xp.zeros((), question.real, like) + 1
        every = zip(question.axes, question.first, question.lags, question.sizes1, question.sizes2, strict=True)
        for axis, first, lags, n, k in every:
            low = xp.arange(first, first + lags, like)
            high = low + k
            overlap = xp.where(high < n, high, low * 0 + n) - xp.where(low > 0, low, low * 0)
            overlap = xp.cast(xp.where(overlap > 0, overlap, overlap * 0), question.real)
            count = count * xp.reshape(overlap, [lags if a == axis else 1 for a in range(question.rank)])
        return count

    def meets_not_finite(self, like: Array) -> Array:
        """Return at which lags a sample that is not finite takes part: ones and zeros, of the shape of ``like``.

        All that takes part is counted once more without such samples, which happens only if there are any.
        """
        xp, question = self.xp, self.question
        truth = xp.all_finite([part for signal in self.signals for part in signal.given])
        if truth is True:
            return xp.constant(like) * 0
        # Not in the function: torch.cond (PyTorch 2.13) refuses a signal and a part of it, which share their memory.
        good = [self._good(*each) for each in zip(self.signals, self.ones, strict=True)]

        def counted() -> Array:
            zero = xp.zeros((), question.real, like)
            return xp.where(self.count - self.correlate(*good) > 0.5, zero + 1, zero)

        return where_not(xp, truth, counted, xp.constant(like) * 0)

    def _good(self, signal: Signal, ones: Array) -> Array:
        """Return the ones of samples that count and are finite."""
        xp = self.xp
        zero = xp.zeros((), self.question.real, signal.parts[0])
        finite = added([xp.where(xp.isfinite(part), zero, zero + 1) for part in signal.given])
        return xp.where(finite > 0, zero, xp.asarray(ones, zero))

    def moments(self, of_first: bool) -> Moments:
        """Return the moments of one signal's samples, by correlations with the other's mask."""
        xp, signal = self.xp, self.signals[0 if of_first else 1]
        ones = self.ones[1 if of_first else 0]

        def over(x: Array) -> tuple[Array, Array]:
            pair = (x, ones) if of_first else (ones, x)
            return self.correlate(*pair), self.bound(*pair)

        n = xp.where(self.count > 0.5, self.count, self.count * 0 + 1)
        parts = centred(xp, self.question, signal)
        sums = [over(part) for part in parts]
        squares, error = over(added([part * part for part in parts]))
        apart = [s / n for s, _ in sums]
        mean = [m + d for m, d in zip(signal.mean, apart, strict=True)]
        variance = squares / n - added([d * d for d in apart])
        size = 4 * self.question.rounding
        for d, (_, wrong) in zip(apart, sums, strict=True):
            high = magnitude(xp, d)
            error = error + 2 * high * wrong + size * n * high * high
        return Moments(mean, variance, error / n, False)


def centred(xp: Backend, question: Question, signal: Signal) -> list[Array]:
    """Return the parts about their mean: the sums of that cancel less."""
    parts = [part - m for part, m in zip(signal.parts, signal.mean, strict=True)]
    if signal.mask is None:
        return parts
    zero = xp.zeros((), question.real, parts[0])
    return [xp.where(signal.mask, part, zero) for part in parts]
