"""Windows and blocks of NumPy arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from konvolve.backends.numpy.cores import cores, one_core, own_transforms, side_by_side
from konvolve.backends.numpy.stored import empty


def window(x: np.ndarray, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
    """Cut windows out of the trailing axes: a view where nothing outside is asked for."""
    batch, sizes = x.ndim - len(sizes), tuple(sizes)
    shape = x.shape[batch:]
    if sizes == shape and not any(starts):
        return x
    inside: list[Any] = [...]
    place: list[Any] = [...]
    for start, size, n in zip(starts, sizes, shape, strict=True):
        first, behind = min(max(start, 0), n), min(max(start + size, 0), n)
        before = min(max(-start, 0), size)
        inside.append(slice(first, behind))
        place.append(slice(before, before + behind - first))
    part = x[tuple(inside)]
    if part.shape[batch:] == sizes:
        return part
    y = empty(x, x.shape[:batch] + sizes, x.dtype, zeros=True)
    y[tuple(place)] = part
    return y


def overlapping_blocks(x: np.ndarray, axis: int, length: int, step: int) -> np.ndarray:
    """Cut an axis into overlapping blocks, as a view."""
    windows = np.lib.stride_tricks.sliding_window_view(x, length, axis)
    selected = windows[(slice(None),) * axis + (slice(None, None, step),)]
    return np.moveaxis(selected, -1, axis + 1)


def map_rows(compute: Callable[[np.ndarray], np.ndarray], x: np.ndarray, rows: int) -> np.ndarray:
    """Take a part of the rows after the other on each core, so that all that is made of a part stays in its cache."""
    first = compute(x[:rows])
    y = empty(first, (x.shape[0], *first.shape[1:]), first.dtype)
    y[:rows] = first

    def write(start: int) -> None:
        with one_core():
            y[start : start + rows] = compute(x[start : start + rows])

    tasks = [functools.partial(write, start) for start in range(rows, x.shape[0], rows)]
    if own_transforms():
        side_by_side(tasks, cores())
    else:
        for task in tasks:
            task()
    return y


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
