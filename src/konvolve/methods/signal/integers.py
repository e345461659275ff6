"""Exact convolution of integers in floating point, digit by digit (see ``planning.exact``).

The digits of an operand stand along a leading axis. The method transforms each of them once; where it would multiply
two spectra, ``product`` multiplies the digits like two long numbers, place by place.
"""

from __future__ import annotations

from collections.abc import Callable

from konvolve.backends.interface import Array, Backend
from konvolve.planning.signal.integers import Digits


def split(xp: Backend, x: Array, width: int, count: int) -> Array:
    """Write 64-bit integers in balanced digits, each from ``-2**(width-1)`` to ``2**(width-1)``, the lowest first."""
    if count == 1:  # without a copy to stack it
        return xp.reshape(xp.cast(x, "float64"), (1, *xp.sizes(x)))
    half, base = 2 ** (width - 1), 2**width
    found = []
    for _ in range(count - 1):
        lowest = (x + half) % base - half
        found.append(xp.cast(lowest, "float64"))
        x = (x - lowest) // base
    return xp.stack([*found, xp.cast(x, "float64")])


def join(xp: Backend, digits: Digits, y: Array) -> Array:
    """Add the places of a convolution of digits, each rounded, at their shifts."""
    # One place after the other: all of them rounded at once would be two more arrays of their size.
    total = xp.cast(xp.round(y[0]), "int64")
    for place in range(1, len(digits.shifts)):
        shift = place * digits.width
        # The highest bit alone is the most negative number: sums wrap all the same.
        total = total + xp.cast(xp.round(y[place]), "int64") * (2**shift if shift < 63 else -(2**63))
    return total


def product(xp: Backend, digits: Digits | None, a: Array, b: Array, swap: bool = False) -> Array:
    """Multiply what stands for a convolution's operands: plain, or digit by digit into places.

    The first is not needed afterwards. With ``swap`` it is that of in2, whose digits are the second of each pair.
    """
    if digits is None:
        return xp.multiply(a, b)
    if swap:
        a, b = b, a
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
