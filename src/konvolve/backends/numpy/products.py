"""Products of a banded matrix with blocks of an axis, which are multiplied where they lie, a part of them on each core.

NumPy multiplies views as long as one of the two axes of a matrix has its samples side by side and the other's steps
are no shorter than a row: so blocks that overlap are never copied. Only those that reach beyond the ends are.

Gaussians of 17 and 81 taps along both axes of 2048 x 2048 samples, float32 on two cores of an Intel Xeon, the whole of
``convolve``: 37 and 57 ms with blocks that are cut out and multiplied on one core, 11 and 29 as here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from konvolve.backends.numpy.cores import cores, side_by_side
from konvolve.backends.numpy.stored import back, order_of
from konvolve.backends.numpy.windows import window

# OpenBLAS takes a product of so many multiply-adds on the core that asks for it, and a larger one on all cores, each
# of which waits for the slowest: the 37 ms above took 59 to 133 where another program had one of two cores.
_ONE_CORE = 2**18

# Fewer columns than that make matrices that are multiplied at a fraction of the speed: they become rows.
_COLUMNS = 16

# Samples of the result in one task of a thread, some 0.2 ms; and multiply-adds that are not worth threads, some 2 ms:
# half of that took 1.2 ms on one core and 1.7 on two.
_PART, _SMALL = 2**17, 2**26

# Blocks in a stretch of a single long row, whose stretches are multiplied as if they were rows.
_STRETCH = 16

Task = Callable[[], object]


def banded_product(x: np.ndarray, band: np.ndarray, axis: int, start: int, size: int) -> np.ndarray:
    """Multiply blocks along the axis by the matrix, and keep so many outputs."""
    order = order_of(x)
    if order is not None:
        y = banded_product(x.transpose(order), band, order.index(axis % x.ndim), start, size)
        return y.transpose(back(order))
    lead, behind = x.shape[:axis], x.shape[axis + 1 :]
    y = np.empty((*lead, size, *behind), x.dtype)
    if y.size:
        flat = math.prod(lead), -1, math.prod(behind)
        tasks = _tasks(x.reshape(flat), band, start, y.reshape(flat))
        _carried_out(list(tasks), y.size * band.shape[1])
    return y


def _carried_out(tasks: list[Task], sums: int) -> None:
    workers = min(cores(), len(tasks))
    if workers == 1 or sums < _SMALL:
        for task in tasks:
            task()
        return
    side_by_side(tasks, workers)


def _tasks(x: np.ndarray, band: np.ndarray, start: int, y: np.ndarray) -> Iterator[Task]:
    """Yield what has to be done so that y holds the product; both are (rows, samples, columns)."""
    rows, size, columns = y.shape
    if 1 < columns < _COLUMNS:
        part = max(1, _PART // (size * columns))
        for first in range(0, rows, part):
            own = slice(first, first + part)
            yield functools.partial(_with_columns_before, x[own], band, start, y[own])
        return
    for first, last in _stretches(x.shape[1], band, start, size):
        yield from _stretch(x, band, start + first, y[:, first:last])


def _with_columns_before(x: np.ndarray, band: np.ndarray, start: int, y: np.ndarray) -> None:
    """Write the product into y, with the few columns as rows meanwhile."""
    rows, size, columns = y.shape
    turned = np.ascontiguousarray(x.transpose(0, 2, 1)).reshape(rows * columns, -1, 1)
    products = np.empty((rows * columns, size, 1), y.dtype)
    for task in _tasks(turned, band, start, products):
        task()
    y[:] = products.reshape(rows, columns, size).transpose(0, 2, 1)


def _stretches(n: int, band: np.ndarray, start: int, size: int) -> list[tuple[int, int]]:
    """Return the outputs in stretches: whole blocks whose samples are all there, and those before and behind."""
    block, extent = band.shape
    first = -(min(start, 0) // block) * block
    last = first + max(0, min(n - start - extent + block, size) - first) // block * block
    if last - first < size // 2:  # a copy of everything is a small one
        return [(0, size)]
    return [each for each in ((0, first), (first, last), (last, size)) if each[0] < each[1]]


def _stretch(x: np.ndarray, band: np.ndarray, start: int, y: np.ndarray) -> Iterator[Task]:
    """Yield the products of one stretch: of the blocks where they lie, or of copies that are padded with zeros."""
    block, extent = band.shape
    rows, size, columns = y.shape
    count = -(-size // block)
    if size == count * block and start >= 0 and start + (count - 1) * block + extent <= x.shape[1]:
        yield from _blocks(x[:, start:], band, y)
        return
    wide = min(columns, max(_COLUMNS, _PART // size))
    deep = max(1, _PART // (size * wide))
    for row in range(0, rows, deep):
        for column in range(0, columns, wide):
            own = slice(row, row + deep), slice(None), slice(column, column + wide)
            yield functools.partial(_padded, x[own], band, start, y[own])


def _padded(x: np.ndarray, band: np.ndarray, start: int, y: np.ndarray) -> None:
    block, extent = band.shape
    rows, size, columns = y.shape
    count = -(-size // block)
    samples = window(x, [start, 0], [(count - 1) * block + extent, columns])
    products = np.empty((rows, count * block, columns), y.dtype)
    for task in _blocks(samples, band, products):
        task()
    y[:] = products[:, :size]


def _blocks(x: np.ndarray, band: np.ndarray, y: np.ndarray) -> Iterator[Task]:
    """Yield the products of whole blocks, of which x has all samples, each small enough for one core."""
    if x.shape[2] > 1:
        return _columns(x, band, y)
    if x.strides[1] != x.itemsize:
        x = np.ascontiguousarray(x)
    most = max(1, _ONE_CORE // band.size)
    return _rows(x[..., 0], band, y[..., 0], most) if len(x) >= min(most, 32) else _folded(x, band, y, most)


def _columns(x: np.ndarray, band: np.ndarray, y: np.ndarray) -> Iterator[Task]:
    """Multiply blocks of rows and columns from the left."""
    block, extent = band.shape
    rows, size, columns = y.shape
    wide = max(_COLUMNS, _ONE_CORE // band.size)
    deep = max(1, _PART // (size * wide))
    one, step, side = x.strides
    to, to_step, to_side = y.strides
    for column in range(0, columns, wide):
        width = min(wide, columns - column)
        for row in range(0, rows, deep):
            shape = min(deep, rows - row), size // block
            samples = as_strided(x[row:, :, column:], (*shape, extent, width), (one, block * step, step, side))
            products = as_strided(y[row:, :, column:], (*shape, block, width), (to, block * to_step, to_step, to_side))
            yield functools.partial(np.matmul, band, samples, out=products)


def _rows(x: np.ndarray, band: np.ndarray, y: np.ndarray, most: int) -> Iterator[Task]:
    """Multiply the rows' blocks from the right: those at one place of many rows are a matrix."""
    block, extent = band.shape
    rows, size = y.shape
    item, matrix = x.itemsize, np.ascontiguousarray(band.T)
    for row in range(0, rows, most):
        height = min(most, rows - row)
        long = max(1, _PART // height // block)
        for place in range(0, size // block, long):
            count = min(long, size // block - place)
            samples = as_strided(x[row:, place * block :], (count, height, extent), (block * item, x.strides[0], item))
            products = as_strided(y[row:, place * block :], (count, height, block), (block * item, y.strides[0], item))
            yield functools.partial(np.matmul, samples, matrix, out=products)


def _folded(x: np.ndarray, band: np.ndarray, y: np.ndarray, most: int) -> Iterator[Task]:
    """Multiply stretches of a few long rows as if they were many rows."""
    block, extent = band.shape
    long = max(_STRETCH, -(-extent // block)) * block  # a row of a matrix must end before the next one begins
    item = x.itemsize
    for samples, products in zip(x[..., 0], y[..., 0], strict=True):
        count = len(products) // long
        if count:
            all_samples = as_strided(samples, (count, long + extent - block), (long * item, item))
            yield from _rows(all_samples, band, products[: count * long].reshape(count, long), most)
        left = slice(count * long, None)
        if count * long < len(products):
            yield from _rows(samples[np.newaxis, left], band, products[np.newaxis, left], most)
