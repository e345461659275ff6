"""Windows and blocks of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def window(x: np.ndarray, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
    """Cut windows out of the trailing axes: a view where nothing outside is asked for."""
    batch = x.ndim - len(sizes)
    shape = x.shape[batch:]
    if not any(starts) and tuple(sizes) == shape:
        return x
    inside: Any = tuple(
        slice(min(max(start, 0), n), min(max(start + size, 0), n))
        for start, size, n in zip(starts, sizes, shape, strict=True)
    )
    part = x[(..., *inside)]
    if part.shape[batch:] == tuple(sizes):
        return part
    y = np.zeros((*x.shape[:batch], *sizes), x.dtype)
    before = [min(max(-start, 0), size) for start, size in zip(starts, sizes, strict=True)]
    place: Any = (slice(b, b + n) for b, n in zip(before, part.shape[batch:], strict=True))
    y[(..., *place)] = part
    return y


def overlapping_blocks(x: np.ndarray, axis: int, length: int, step: int) -> np.ndarray:
    """Cut an axis into overlapping blocks, as a view."""
    windows = np.lib.stride_tricks.sliding_window_view(x, length, axis)
    selected = windows[(slice(None),) * axis + (slice(None, None, step),)]
    return np.moveaxis(selected, -1, axis + 1)


def map_slabs(
    compute: Callable[[np.ndarray], np.ndarray], x: np.ndarray, axis: int, slabs: tuple[int, int, int, int], size: int
) -> np.ndarray:
    """Write band after band into one result, the last cut to the size."""
    start, stride, extent, count = slabs
    behind = x.shape[axis + 1 :]
    lead = (slice(None),) * axis
    y = part = None
    for i in range(count):
        part = None  # its memory is the next one's
        part = compute(window(x, [start + i * stride] + [0] * len(behind), [extent, *behind]))
        if y is None:
            band = part.shape[axis]
            y = np.empty((*part.shape[:axis], size, *part.shape[axis + 1 :]), part.dtype)
        y[(*lead, slice(i * band, (i + 1) * band))] = part[(*lead, slice(0, size - i * band))]
    assert y is not None  # there is a band
    return y
