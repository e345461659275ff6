"""Transform lengths that are fast, chosen by cost and not by size.

A mixed-radix FFT of length n costs about n times a sum over its prime factors. Where a longer length has
cheaper factors it is taken: the table below holds the 5-smooth numbers that no longer one undercuts. Known
lengths are looked up by bisection, run-time lengths by the library's searchsorted on the same table, so a
compiled function with unknown sizes transforms at the very lengths that eager code does.

Measured on two cores with TensorFlow 2.21 and scipy.fft 1.17 (both are pocketfft's descendants): a pass over
memory costs as much as eight radix-2 stages, odd lengths cost 4 % more than even ones, and large prime
factors up to three times as much (530841 = 3 19 67 139 took 18.7 ms where 531441 = 3^12 took 5.9).
"""

from __future__ import annotations

from konvolve.planning.memoize import remembered

LIMIT = 2**31 - 1
"""The longest transform in the table: the lengths of most libraries are 32-bit integers."""

# Relative cost of one sample in a pass of this radix, beside the fixed cost of moving it through memory.
_STAGE = {2: 1.0, 3: 1.6, 5: 2.4}
_MEMORY = 8.0
_ODD = 1.04


def _smooth_numbers(limit: int) -> list[int]:
    numbers = []
    five = 1
    while five <= limit:
        three = five
        while three <= limit:
            two = three
            while two <= limit:
                numbers.append(two)
                two *= 2
            three *= 3
        five *= 5
    return sorted(numbers)


def transform_cost(length: int) -> float:
    """Return the relative cost of one transform of a 5-smooth length, in radix-2 stages times samples.

    >>> transform_cost(1024) < transform_cost(1000) * 1.1
    True
    """
    cost, rest = _MEMORY, length
    for radix, weight in _STAGE.items():
        while rest % radix == 0:
            rest //= radix
            cost += weight
    if rest > 1:
        cost += 3 * rest.bit_length()
    return length * cost * (_ODD if length % 2 else 1.0)


@remembered
def table() -> tuple[int, ...]:
    """Return the 5-smooth lengths below 2**31 that no longer one undercuts in cost, ascending."""
    kept: list[int] = []
    cheapest = float("inf")
    for length in reversed(_smooth_numbers(LIMIT)):
        cost = transform_cost(length)
        if cost < cheapest or length <= 16:  # short transforms are all overhead: waste no samples on them
            kept.append(length)
            cheapest = min(cost, cheapest)
    return tuple(reversed(kept))


def place_of(length: int) -> int:
    """Return the place in the table of the first entry that is not less than ``length``.

    Spelt out because torch.compile, which traces planning on a first call, cannot follow the bisect module.
    """
    lengths = table()
    low, high = 0, len(lengths)
    while low < high:
        middle = (low + high) // 2
        if lengths[middle] < length:
            low = middle + 1
        else:
            high = middle
    return low


def fast_length(least: int) -> int:
    """Return the cheapest transform length that is at least ``least``.

    >>> fast_length(1000), fast_length(1023), fast_length(530000)
    (1000, 1024, 540000)

    Raises ValueError beyond the table, which ends near 2**31.
    """
    lengths = table()
    if least > lengths[-1]:
        raise ValueError(f"a transform of {least} samples is longer than the longest supported, {lengths[-1]}")
    return lengths[place_of(least)]
