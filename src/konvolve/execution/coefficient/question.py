"""The question of a correlation coefficient, in sizes and names, and its two signals, masked and scaled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning import dtypes
from konvolve.planning.geometry import trailing


@dataclass(frozen=True)
class Question:
    """What is wanted. The convolved axes are the last ones of all arrays here.

    ``sizes1`` and ``sizes2`` are the sizes of in1 and in2 along them, ``first`` the lag of the first result and
    ``lags`` the number of results; ``rank`` is the number of all axes. ``masked``: which of the two has a mask.
    ``dtype`` is what is computed with, ``tolerance`` the error that a result may have. ``options`` are those of the
    correlations: mode, method, lags, max_memory. ``least``: how many samples have to overlap, or with
    ``share`` which part of in2's. ``nan``: what is not defined is NaN and not 0. (A flag, because NaN does not equal
    itself, and questions are looked up.)
    """

    rank: int
    sizes1: tuple[Size, ...]
    sizes2: tuple[Size, ...]
    first: tuple[Size, ...]
    lags: tuple[Size, ...]
    rows: int
    masked: tuple[bool, bool]
    dtype: str
    tolerance: float
    options: tuple
    least: float
    share: bool
    nan: bool
    method: str = "coefficient"
    seconds: float = 0.0

    @property
    def axes(self) -> tuple[int, ...]:
        """The convolved axes, which are the last ones."""
        return tuple(range(self.rank - len(self.lags), self.rank))

    @property
    def known(self) -> bool:
        """Whether all sizes along the convolved axes are known."""
        return all(isinstance(n, int) for n in (*self.sizes1, *self.sizes2))

    @property
    def inside(self) -> bool:
        """Whether in2 is known to lie on samples of in1 at every lag."""
        every = zip(self.first, self.lags, self.sizes1, self.sizes2, strict=True)
        return self.known and all(low >= 0 and low + count - 1 + k <= n for low, count, n, k in every)

    @property
    def real(self) -> str:
        """The dtype of one part of a number."""
        return dtypes.real(self.dtype)

    @property
    def rounding(self) -> float:
        """Half the distance from 1 to the next number."""
        return 2.0**-53 if dtypes.parse(self.real).bits >= 64 else 2.0**-24


class Signal(NamedTuple):
    """A signal in its real parts, one or two, scaled by a power of two so that the largest magnitude is about 1.

    ``mean`` has a number for each part and row. ``mask``: which samples count, as booleans; None if all do. Samples
    that don't, and those that are not finite, are zero. ``given``: the parts before the latter were made zero.
    """

    parts: list[Array]
    mean: list[Array]
    mask: Array | None
    given: list[Array]


def axes_last(x: Array, xp: Backend, axes: tuple[int, ...]) -> Array:
    """Return x with its convolved axes last."""
    layout = trailing(len(xp.shape(x)), axes)
    return x if layout is None else xp.transpose(x, layout[0])


def ready(xp: Backend, question: Question, x: Array, mask: Array | None) -> Signal:
    """Return a signal without its masked samples' values, scaled, and its mean.

    A coefficient depends on neither scale nor mean, so both are constants to derivatives.
    """
    x = xp.cast(x, question.dtype)
    parts = list(xp.split_complex(x)) if dtypes.is_complex(question.dtype) else [x]
    zero = xp.zeros((), question.real, x)
    if mask is not None:
        parts = [xp.where(mask, part, zero) for part in parts]  # chosen, because zero times NaN is NaN
    finite = [xp.where(xp.isfinite(part), part, zero) for part in parts]
    constants = list(map(xp.constant, finite))
    coarse, fine = _scale(xp, question, constants)
    number: Any = math.prod([xp.sizes(x)[axis] for axis in question.axes])
    if mask is not None:
        number = xp.total(xp.where(mask, zero + 1, zero), question.axes)
        number = xp.where(number > 0, number, zero + 1)
    elif not isinstance(number, int):
        number = xp.cast(number, question.real)
    mean = [xp.total(part * coarse * fine, question.axes) / number for part in constants]
    return Signal([part * coarse * fine for part in finite], mean, mask, parts)


def _scale(xp: Backend, question: Question, parts: list[Array]) -> tuple[Array, Array]:
    """Return two powers of two whose product brings each row's largest magnitude to about 1; that costs no digits."""
    zero = xp.zeros((), question.real, parts[0])
    largest: Any = zero
    for part in parts:
        high = xp.highest(magnitude(xp, part), question.axes)
        largest = xp.where(high > largest, high, largest)
    coarse: Any = None
    fine: Any = zero + 1
    for exponent in range(9 if dtypes.parse(question.real).bits >= 64 else 6, -1, -1):
        power = 2.0**2**exponent
        factor = xp.where(largest * power < 2, zero + power, zero + 1)
        factor = xp.where(largest >= power, zero + 1 / power, factor)
        factor = xp.where(largest > 0, factor, zero + 1)
        largest = largest * factor
        # The first is the root of the dtype's range; the product of all may lie beyond the range.
        coarse, fine = (factor, fine) if coarse is None else (coarse, fine * factor)
    return coarse, fine


def added(xs: list[Array]) -> Array:
    """Return the sum of one array or more."""
    y = xs[0]
    for x in xs[1:]:
        y = y + x
    return y


def magnitude(xp: Backend, x: Array) -> Array:
    """Return the magnitude of a real array, a constant to derivatives."""
    x = xp.constant(x)
    return xp.where(x < 0, -x, x)


def enough(xp: Backend, question: Question, count: Array, mask2: Array | None) -> Array:
    """Whether as many samples overlap as are asked for, and at least two."""
    if not question.share:
        return count > max(question.least, 2) - 0.5
    if mask2 is None:
        every: Any = math.prod(question.sizes2)
        every = every if isinstance(every, int) else xp.cast(every, question.real)
    else:
        zero = xp.zeros((), question.real, count)
        every = xp.total(xp.where(mask2, zero + 1, zero), question.axes)
    # A thousandth of a sample below: 0.3 of 10 samples is 3, however 0.3 is rounded.
    return (count > every * question.least - 0.001) & (count > 1.5)


def where_not(xp: Backend, truth: Any, compute: Callable[[], Array], none: Array) -> Array:
    """Return what is computed unless a truth holds, which may be known at once, only in a run, or to nobody (None)."""
    if isinstance(truth, bool):
        return none if truth else compute()
    return compute() if truth is None else xp.unless(truth, compute, none)
