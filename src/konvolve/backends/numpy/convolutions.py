"""Sums over one axis, by NumPy; it has no convolutions on channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from konvolve.backends.interface import Native


def depthwise_correlate(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate: rows by numpy.convolve, more axes by one contraction; exact for integers, and of any dtype."""
    rows, channels = x.shape[:2]
    rank = kernel.ndim - 1
    if rank > 1:
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[1:], tuple(range(2, rank + 2)))
        taps = list(range(rank + 2, 2 * rank + 2))
        return np.einsum(windows, list(range(2 * rank + 2)), kernel, [1, *taps], list(range(rank + 2)))
    y = np.empty((rows, channels, x.shape[2] - kernel.shape[1] + 1), x.dtype)
    for channel in range(channels):
        reversed_kernel = kernel[channel, ::-1]
        for row in range(rows):
            y[row, channel] = np.convolve(x[row, channel], reversed_kernel, "valid")
    return y


def conv(x: np.ndarray, kernel: np.ndarray, how: Native) -> np.ndarray:
    """Refuse: NumPy has no convolution on channels, and its constants say so."""
    raise NotImplementedError("NumPy has no convolution on channels")


def is_fast_in(x: np.ndarray, dtype: str) -> bool:
    """There is no convolution of any dtype."""
    return False


def conv_transpose(y: np.ndarray, kernel: np.ndarray, how: Native, sizes: Sequence[int]) -> np.ndarray:
    """Refuse, as ``conv`` does."""
    raise NotImplementedError("NumPy has no convolution on channels")


def with_gradient_of(
    forward: Callable, by_first: Callable, other: Callable, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Compute: arrays of NumPy have no gradients."""
    return forward(x, y)
