"""Exact convolution of integers in floating point, digit by digit (see ``planning.exact``).

The digits of an operand stand along a leading axis. The method transforms each of them once; where it would multiply
two spectra, ``product`` multiplies the digits like two long numbers, place by place.
"""

from __future__ import annotations

from collections.abc import Callable

from konvolve.backends.interface import Array, Backend
from konvolve.planning.exact import Digits


def run(xp: Backend, digits: Digits, convolve: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    """Convolve 64-bit integers with ``convolve``, which takes digits in float64 and gives back places."""
    a, b = _split(xp, a, digits.width, digits.count1), _split(xp, b, digits.width, digits.count2)
    places = xp.cast(xp.round(convolve(a, b)), "int64")
    total = places[0]
    for place in range(1, len(digits.shifts)):
        shift = place * digits.width
        # The highest bit alone is the most negative number: sums wrap all the same.
        total = total + places[place] * (2**shift if shift < 63 else -(2**63))
    return total


def product(xp: Backend, digits: Digits | None, a: Array, b: Array) -> Array:
    """Multiply what stands for a convolution's operands: plain, or digit by digit into places."""
    if digits is None:
        return xp.multiply(a, b)
    return by_places(xp, digits, lambda i, j: a[i] * b[j])


def by_places(xp: Backend, digits: Digits, of_pair: Callable[[int, int], Array]) -> Array:
    """Add up, place by place, what belongs there; the places stand along a new leading axis."""
    sums = []
    for pairs in digits.shifts:
        total = None
        for i, j in pairs:
            term = of_pair(i, j)
            total = term if total is None else total + term
        sums.append(total)
    return xp.stack(sums)


def _split(xp: Backend, x: Array, width: int, count: int) -> Array:
    """Write integers in balanced digits, each from ``-2**(width-1)`` to ``2**(width-1)``, the lowest first."""
    half, base = 2 ** (width - 1), 2**width
    found = []
    for _ in range(count - 1):
        lowest = (x + half) % base - half
        found.append(xp.cast(lowest, "float64"))
        x = (x - lowest) // base
    return xp.stack([*found, xp.cast(x, "float64")])
