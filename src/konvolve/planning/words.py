"""Shapes, lengths, times and sizes in memory in words, as plans print them."""

from __future__ import annotations

from collections.abc import Sequence

from konvolve.planning.cost import Estimate

LONG = 300.0
"""From so many seconds on a time is printed in minutes, hours, days or years."""


def estimate_text(estimate: Estimate, taken: str, words: str = "") -> str:
    """Return a line of what a method is predicted to cost, with an arrow to the one that is taken."""
    mark = "->" if estimate.method == taken else "  "
    time, size = seconds_text(estimate.seconds), bytes_text(estimate.bytes)
    return f"  {mark} {estimate.method:<9} {time:>8} {size:>13}   {words}".rstrip()


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Return a shape as plans print it."""
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def lengths_text(lengths: Sequence[int | None]) -> str:
    """Return the lengths of transforms along several axes.

    >>> lengths_text((96, None))
    '96 x ?'
    """
    return " x ".join("?" if length is None else str(length) for length in lengths)


def seconds_text(seconds: float) -> str:
    """Return a time as plans print it.

    >>> seconds_text(0.0213), seconds_text(86400.0), seconds_text(1e15)
    ('21.3 ms', '24.0 h', '3.2e+07 years')
    """
    if seconds < LONG:
        return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
    for unit, length, most in (("min", 60, 300), ("h", 3600, 72), ("days", 86400, 1000)):
        if seconds < most * length:
            return f"{seconds / length:.1f} {unit}"
    years = seconds / (365.25 * 86400)
    return f"{years:.0f} years" if years < 1e5 else f"{years:.2g} years"


def bytes_text(count: int) -> str:
    """Return a size in memory as plans print it.

    >>> bytes_text(5 * 2**20), bytes_text(3 * 2**42), bytes_text(2**90)
    ('5.0 MiB', '12.0 TiB', '1073741824.0 EiB')
    """
    power, units = 0, ("MiB", "GiB", "TiB", "PiB", "EiB")
    while power < len(units) - 1 and count >= 10_000 * 2 ** (20 + 10 * power):
        power += 1
    return f"{count / 2 ** (20 + 10 * power):.1f} {units[power]}"
