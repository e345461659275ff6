"""Transforms of NumPy arrays by scipy.fft, on all the cores this process may use."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from konvolve.backends.numpy.cores import cores
from konvolve.backends.numpy.stored import back, order_of
from konvolve.backends.numpy.windows import window

# A thread costs more than it brings on a small transform.
_THREADED_FROM = 2**16
# Of so few samples side by side the vectors of a transform along another axis would not be full: 768 x 1024 x 3 took 39
# ms as it is stored, and 30 with the channels brought first.
_VECTOR = 8


@functools.cache
def _fft() -> Any:
    """Import scipy.fft when it is first needed: it takes three times as long as all the rest of konvolve."""
    import scipy.fft

    return scipy.fft


Kept = Sequence[tuple[int, int]] | None


def _transform(function: str, x: np.ndarray, lengths: Any, axes: Any, **options: Any) -> np.ndarray:
    """Transform on as many cores as there are, if that is worth it."""
    workers = cores() if x.size >= _THREADED_FROM else 1
    order = order_of(x)
    if order is None or x.shape[order[-1]] < _VECTOR:
        return getattr(_fft(), function)(x, lengths, axes, workers=workers, **options)
    there: Any = order.index(axes % x.ndim) if isinstance(axes, int) else [order.index(axis % x.ndim) for axis in axes]
    y = getattr(_fft(), function)(x.transpose(order), lengths, there, workers=workers, **options)
    return y.transpose(back(order))


def _forward(innermost: str, x: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Transform the last axis, then the others, of three or more one by one.

    The rows of the padding are not transformed along the later axes then: they are not there yet.
    """
    rank = len(lengths)
    if rank == 1:  # half the overhead of the function of several axes: 9 against 15 us for 512 samples
        return _transform(innermost, x, lengths[0], -1)
    if rank == 2:
        return _transform(f"{innermost}n", x, lengths, (-2, -1))
    y = _transform(innermost, x, lengths[-1], -1)
    for axis in range(-2, -rank - 1, -1):
        y = _transform("fft", y, lengths[axis], axis, overwrite_x=True)
    return y


def _inverse(innermost: str, x: np.ndarray, lengths: Sequence[int], kept: Kept) -> np.ndarray:
    """Invert `_forward`, using x as scratch: rows outside of what is kept are not transformed along the later axes."""
    rank = len(lengths)
    if rank == 1:
        y = _transform(innermost, x, lengths[0], -1, overwrite_x=True)
        return y if kept is None else window(y, *zip(*kept, strict=True))
    if rank == 2 or kept is None:
        y = _transform(f"{innermost}n", x, lengths, range(-rank, 0), overwrite_x=True)
        return y if kept is None else window(y, *zip(*kept, strict=True))
    for axis in range(-rank, -1):
        x = _transform("ifft", x, lengths[axis], axis, overwrite_x=True)
        x = window(x, [kept[axis][0]] + [0] * (-axis - 1), [kept[axis][1], *x.shape[axis + 1 :]])
    return window(_transform(innermost, x, lengths[-1], -1, overwrite_x=True), *zip(kept[-1], strict=True))


def rfftn(x: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Transform real trailing axes, padded to the lengths."""
    return _forward("rfft", x, lengths)


def irfftn(x: np.ndarray, lengths: Sequence[int], kept: Kept = None) -> np.ndarray:
    """Invert rfftn, using x as scratch."""
    return _inverse("irfft", x, lengths, kept)


def fftn(x: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Transform complex trailing axes, padded to the lengths."""
    return _forward("fft", x, lengths)


def ifftn(x: np.ndarray, lengths: Sequence[int], kept: Kept = None) -> np.ndarray:
    """Invert fftn, using x as scratch."""
    return _inverse("ifft", x, lengths, kept)
