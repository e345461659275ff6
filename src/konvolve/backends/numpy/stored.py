"""Arrays as they lie in memory: a transposed view is worked on along its memory, not across it.

2048 x 2048 samples whose rows are powers of two apart, float32 on two cores: extended by a gather 28 ms as a transposed
view and 1 ms as they are stored, transformed 41 and 26, copied into C order 23.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def order_of(x: np.ndarray) -> tuple[int, ...] | None:
    """Return the axes from the one with the largest steps in memory to the one with the smallest; None if in order."""
    if x.flags.c_contiguous:
        return None
    order = tuple(sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]) if x.shape[axis] > 1 else -np.inf))
    return None if order == tuple(range(x.ndim)) else order


def back(order: Sequence[int]) -> list[int]:
    """Return the transpose that undoes one."""
    return [order.index(axis) for axis in range(len(order))]


def empty(like: np.ndarray, shape: Sequence[int], dtype: np.dtype, *, zeros: bool = False) -> np.ndarray:
    """Return a new array of a shape that lies in memory as another does."""
    make, order = np.zeros if zeros else np.empty, order_of(like)
    if order is None:
        return make(shape, dtype)
    return make([shape[axis] for axis in order], dtype).transpose(back(order))
