"""Where the result lies: windows on the full convolution, in arithmetic that serves known and unknown sizes.

Along one axis, signals of ``n1`` and ``n2`` samples have a full convolution of ``n1 + n2 - 1``::

    full   xxxxxxxxxxxx        start 0              size n1 + n2 - 1
    same   ..xxxxxxxx..        start (n2 - 1) // 2  size n1
    valid  ....xxxx....        start min - 1        size max - min + 1
    late   ...xxxxxxxx.        start n2 // 2        size n1
    lo:hi  .xxxx.......        start lo + n2 - 1    size hi - lo + 1

"late" is how correlate2d centres "same"; a pair of lags picks the part of a correlation between them.

A size is an int, or a scalar tensor where it is known only at run time; ``minimum`` and ``maximum`` are then
the library's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Size = Any
MODES = ("full", "same", "valid")

Mode = str | tuple[int, int]
"""What is kept along an axis: one of MODES, "late", or a pair of lags, both included."""


class Window(NamedTuple):
    """A range of one axis: ``size`` samples from ``start``."""

    start: Size
    size: Size


def window(mode: Mode, n1: Size, n2: Size, minimum: Callable = min, maximum: Callable = max) -> Window:
    """Return the part of the full convolution that a mode keeps.

    >>> window("same", 10, 4), window("valid", 3, 10)
    (Window(start=1, size=10), Window(start=2, size=8))
    >>> window((-1, 1), 10, 4)
    Window(start=2, size=3)
    """
    if isinstance(mode, tuple):
        return Window(mode[0] + n2 - 1, mode[1] - mode[0] + 1)
    if mode == "full":
        return Window(0, n1 + n2 - 1)
    if mode == "late":
        return Window(n2 // 2, n1)
    if mode == "same":
        # SciPy centres with respect to the full output: (full - n1) // 2.
        return Window((n2 - 1) // 2, n1)
    shorter, longer = minimum(n1, n2), maximum(n1, n2)
    return Window(shorter - 1, longer - shorter + 1)


def sufficient_length(n1: Size, n2: Size, kept: Window, maximum: Callable = max) -> Size:
    """Return the least length of a cyclic convolution that leaves the window free of wrapped samples.

    A cyclic convolution of length L adds sample ``o + L`` and ``o - L`` of the full convolution to sample ``o``.
    Both fall outside the full convolution for every ``o`` of the window when ``L >= full - start`` and
    ``L >= start + size``; the inputs must fit too. "valid" then needs the longer input only, "same" half of
    the kernel more, "full" everything.

    >>> [sufficient_length(100, 21, window(mode, 100, 21)) for mode in ("full", "same", "valid")]
    [120, 110, 100]
    """
    full = n1 + n2 - 1
    return maximum(maximum(full - kept.start, kept.start + kept.size), maximum(n1, n2))


def broadcast(n1: int | None, n2: int | None) -> int | None:
    """Return the broadcast size of a batch axis, None where it is not known."""
    if n1 == 1:
        return n2
    if n2 == 1 or n1 is not None:
        return n1
    return n2


def trailing(ndim: int, axes: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the transpose that brings ``axes`` last, and the one that brings them back; None if they are.

    >>> trailing(3, (1, 2)), trailing(3, (0, 1))
    (None, ((2, 0, 1), (1, 2, 0)))
    """
    there = (*(axis for axis in range(ndim) if axis not in axes), *axes)
    if there == tuple(range(ndim)):
        return None
    back = tuple(there.index(axis) for axis in range(ndim))
    return there, back


# Below so many outputs an odd number of them costs nothing: 1001 outputs of 64 taps took 40 us on JAX, as 1000 did.
_LONG_ROW = 2000


def is_odd_row(rows: Sequence[Any], outputs: Sequence[Any]) -> bool:
    """Whether sums of a single long row have an odd number of outputs (``even_rows`` in ``backends/interface.py``).

    ``rows`` are the sizes before the last axis, ``outputs`` those of what is wanted.
    """
    n = outputs[-1]
    return isinstance(n, int) and n >= _LONG_ROW and n % 2 == 1 and all(each == 1 for each in rows)


# Rows that are a multiple of so many bytes apart share the few lines of the nearest cache, and passes over so many rows
# or more are slow by that: 33 taps along the first axis of 2048 x 2048 took 16 ms on JAX and 81 took 58; with rows of
# 2064 samples 7 and 18 (an AMD EPYC). 17 taps take as long in either way.
_COLLIDING_BYTES, _COLLIDING_ROWS = 2048, 24


def rows_collide(samples: Any, item: int, taps: Sequence[int]) -> bool:
    """Whether a pass over the taps reads many rows that lie in the same places of the cache.

    A row has so many ``samples`` of ``item`` bytes; ``taps`` are those along each axis, the last one that of the rows.

    >>> rows_collide(2048, 4, (33, 1)), rows_collide(2040, 4, (33, 1)), rows_collide(2048, 4, (9, 1))
    (True, False, False)
    """
    apart = isinstance(samples, int) and samples > 0 and samples * item % _COLLIDING_BYTES == 0
    return apart and math.prod(taps[:-1]) >= _COLLIDING_ROWS
