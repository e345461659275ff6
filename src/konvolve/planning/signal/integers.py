"""How to add up products of whole numbers exactly in floating point.

An integer is written in digits of ``width`` bits, so small that a sum of products of digits comes back exact
after rounding. Products that belong at the same place are added up before the rounding; the rounded sums are shifted
and added in 64-bit integers, which wrap as NumPy's do.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from konvolve.planning import dtypes


class Digits(NamedTuple):
    """Balanced digits of ``width`` bits: ``count1`` for in1, ``count2`` for in2, of a result of ``bits`` bits."""

    width: int
    count1: int
    count2: int
    bits: int

    @property
    def shifts(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The pairs of digits whose products belong at the same place, the lowest place first.

        Pairs that fall on multiples of ``2**bits`` are left out.
        """
        places = min(self.count1 + self.count2 - 1, -(-self.bits // self.width))
        return tuple(
            tuple((i, place - i) for i in range(self.count1) if 0 <= place - i < self.count2) for place in range(places)
        )


def magnitude_bits(dtype: str) -> int:
    """Return the bits of a signed number that holds every value of an integer dtype.

    >>> magnitude_bits("uint8"), magnitude_bits("int16"), magnitude_bits("uint64")
    (9, 16, 64)
    """
    kind, bits = dtypes.parse(dtype)[1:]
    # 64-bit results wrap, so an unsigned 64-bit number may be read as the signed one of the same bits.
    return min(bits + 1, 64) if kind in ("uint", "bool") else bits


def bits_of(value: complex) -> int:
    """Return the bits of a signed number that holds a whole one, read as ``magnitude_bits`` has it.

    >>> bits_of(5), bits_of(-1000), bits_of(2**64 - 1)
    (4, 11, 64)
    """
    return min(int(value.real).bit_length() + 1, 64)


def digits(bits1: int, bits2: int, result: str, samples1: int, samples2: int, points: int, *, fourier: bool) -> Digits:
    """Choose the widest digits that keep sums of products exact in float64.

    A direct sum of T products of digits below ``2**(w-1)`` is exact below ``2**53``. A transform of N points
    errs by less than ``6 log2(N) 2**-53`` times the product of the operands' Euclidean norms, which must stay
    below 1/4 to round to the right number.

    >>> digits(9, 9, "uint8", 10**6, 3600, 2**20, fourier=True)
    Digits(width=15, count1=1, count2=1, bits=8)
    """
    bits = 64 if dtypes.parse(result).kind == "bool" else dtypes.parse(result).bits
    together = 1  # as many products of digits are added up before they are rounded
    while True:
        if fourier:
            noise = math.log2(6 * math.log2(max(points, 4)))
            norms = (math.log2(max(samples1, 1)) + math.log2(max(samples2, 1))) / 2
            room = 53 - 2 - noise - norms
        else:
            room = 53 - math.log2(max(min(samples1, samples2), 1))
        width = int((room - math.log2(together) + 2) // 2)
        if width < 2:
            raise ValueError("these integers are too many to be added exactly; convolve them as float64 instead")
        if max(bits1, bits2) > width:  # equal digits: 17 bits are two of 9, not one of 16 and one of 1
            parts = -(-max(bits1, bits2) // width)
            width = -(-max(bits1, bits2) // parts)
        found = Digits(width, max(1, -(-bits1 // width)), max(1, -(-bits2 // width)), bits)
        if min(found.count1, found.count2) <= together:
            return found
        together = min(found.count1, found.count2)
