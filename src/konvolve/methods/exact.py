"""Exact convolution of integers in floating point, digit by digit (see ``planning.exact``)."""

from __future__ import annotations

from collections.abc import Callable

from konvolve.backends.interface import Array, Backend
from konvolve.planning.exact import Digits


def run(xp: Backend, digits: Digits, convolve: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    """Convolve 64-bit integers with ``convolve``, which takes float64 and a leading axis of its own."""
    a_digits = _split(a, digits.width, digits.count1)
    b_digits = _split(b, digits.width, digits.count2)
    pairs = digits.pairs
    a_stacked = xp.stack([xp.cast(a_digits[i], "float64") for i, _ in pairs])
    b_stacked = xp.stack([xp.cast(b_digits[j], "float64") for _, j in pairs])
    products = xp.cast(xp.round(convolve(a_stacked, b_stacked)), "int64")
    total = products[0]
    for number, (i, j) in enumerate(pairs[1:], start=1):
        shift = (i + j) * digits.width
        # The highest bit alone is the most negative number: sums wrap all the same.
        total = total + products[number] * (2**shift if shift < 63 else -(2**63))
    return total


def _split(x: Array, width: int, count: int) -> list[Array]:
    """Write integers in balanced digits, each from ``-2**(width-1)`` to ``2**(width-1)``, the lowest first."""
    half, base = 2 ** (width - 1), 2**width
    found = []
    for _ in range(count - 1):
        lowest = (x + half) % base - half
        found.append(lowest)
        x = (x - lowest) // base
    return [*found, x]
