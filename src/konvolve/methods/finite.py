"""What the sum gives where samples are not finite, by a method that would spread them.

A transform takes every sample into every result, so that one NaN spoils them all. The sum itself meets it only where a
tap does. So a method that spreads is given zeros in the place of what is not finite, and two more convolutions by the
same method say where it would have been met: one of ones, which counts at each place the products that are not finite,
and one of signs, whose magnitude is that count where all of them are infinities of one sign. Everywhere else the answer
is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from konvolve.backends.interface import Array, Backend
from konvolve.planning import dtypes

Linear = Callable[[Array, Array], Array]


def convolve(
    xp: Backend, linear: Linear, a: Array, b: Array, prepared: Callable[[Array], Array] | None = None
) -> Array:
    """Return ``linear(a, b)``, a convolution, with what is not finite only where a tap meets it.

    ``prepared`` is the same as a function of a alone, for a kernel that is known to be finite.
    """

    def plain() -> Array:
        return linear(a, b) if prepared is None else prepared(a)

    def cleaned() -> Array:
        x = xp.zeroed(a, finite)
        return linear(x, xp.zeroed(b, finite)) if prepared is None else prepared(x)

    finite = xp.all_finite((a, b) if prepared is None else (a,))
    if finite is None or finite is True:
        return plain()
    # A copy: torch.cond (PyTorch 2.13) refuses to be given a signal and a part of it, which share their memory.
    taps = xp.constant(b) if finite is False else xp.constant(b) * 1

    def reached() -> Array:
        return _reached(xp, linear, xp.constant(a), taps, prepared is not None)

    if finite is False:
        return cleaned() + reached()
    return xp.unless(finite, reached, xp.either(finite, plain, cleaned))


def _filled(xp: Backend, x: Array, value: float) -> Array:
    zero = xp.zeros((), xp.dtype(x), x)
    return zero + value if value else zero


def _reached(xp: Backend, linear: Linear, a: Array, b: Array, kernel_is_finite: bool) -> Array:
    """Return NaN or an infinity where a product is not finite, and zero elsewhere."""
    zero, one = _filled(xp, a, 0), _filled(xp, a, 1)
    ones = [
        lambda: (xp.where(xp.isfinite(a), zero, one), xp.zeros(xp.sizes(b), xp.dtype(b), b) + 1),
        lambda: (xp.where(xp.isfinite(a), one, zero), xp.where(xp.isfinite(b), zero, one)),
    ]
    signs = [lambda: (_infinite(xp, a), _signs(xp, b)), lambda: (_signs(xp, a, zero), _infinite(xp, b))]
    if kernel_is_finite:
        ones, signs = ones[:1], signs[:1]
    if dtypes.is_complex(xp.dtype(a)):  # of a complex number that is infinite nobody knows where it points
        (count,) = xp.summed(linear, [ones])
        count = xp.round(xp.split_complex(count)[0])
        place = xp.where(count > 0, 0 * count + math.nan, 0 * count)
        return xp.to_complex(place, place)
    count, signed = map(xp.round, xp.summed(linear, [ones, signs]))
    nowhere = 0 * count
    infinite = xp.where(signed > 0, nowhere + math.inf, nowhere - math.inf)
    place = xp.where(xp.where(signed > 0, signed, -signed) == count, infinite, nowhere + math.nan)
    return xp.where(count > 0, place, nowhere)


def _signs(xp: Backend, x: Array, otherwise: Array | None = None) -> Array:
    """Return the sign of each sample, 0 of NaN; if ``otherwise`` is given, that of what is infinite."""
    zero = _filled(xp, x, 0)
    signs = xp.where(x > 0, zero + 1, xp.where(x < 0, zero - 1, zero))
    return signs if otherwise is None else xp.where(xp.isfinite(x), signs, otherwise)


def _infinite(xp: Backend, x: Array) -> Array:
    """Return the sign of each infinity, and 0 of everything else."""
    return xp.where(xp.isfinite(x), _filled(xp, x, 0), _signs(xp, x))
