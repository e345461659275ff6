"""Sums over one axis, by NumPy, and sums on channels, which it has no operation for, tap by tap.

NumPy's own plans take none of the latter: they are for the plans of other libraries that NumPy carries out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

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
    if rows == channels == 1:
        return np.convolve(x[0, 0], kernel[0, ::-1], "valid")[np.newaxis, np.newaxis]
    y = np.empty((rows, channels, x.shape[2] - kernel.shape[1] + 1), x.dtype)
    for channel in range(channels):
        reversed_kernel = kernel[channel, ::-1]
        for row in range(rows):
            y[row, channel] = np.convolve(x[row, channel], reversed_kernel, "valid")
    return y


def _taps(x: np.ndarray, kernel: np.ndarray, how: Native, sizes: Sequence[int]) -> Any:
    """Yield for each tap its part of the kernel, and the view of channels-last x that it meets."""
    rank = len(how.strides)
    for offsets in itertools.product(*(range(n) for n in kernel.shape[:rank])):
        cut = tuple(
            slice(offset * dilation, offset * dilation + (size - 1) * stride + 1, stride)
            for offset, dilation, size, stride in zip(offsets, how.dilations, sizes, how.strides, strict=True)
        )
        yield kernel[offsets], x[(slice(None), *cut)]


def conv(x: np.ndarray, kernel: np.ndarray, how: Native) -> np.ndarray:
    """Correlate (batch, *spatial, channels), or channels first, with (*taps, channels of a group, outputs), by taps."""
    rank, groups = len(how.strides), how.groups
    x = x if how.last else np.moveaxis(x, 1, -1)
    x = np.pad(x, [(0, 0), *how.pads, (0, 0)])
    if how.depthwise:
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    spans = [(n - 1) * dilation + 1 for n, dilation in zip(kernel.shape, how.dilations, strict=False)]
    sizes = [(n - span) // stride + 1 for n, span, stride in zip(x.shape[1:], spans, how.strides, strict=False)]
    channels, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    y = np.zeros((x.shape[0], *sizes, groups, outputs), x.dtype)
    for tap, part in _taps(x, kernel, how, sizes):
        if groups == 1:
            y[..., 0, :] += part @ tap
        elif channels == 1:
            y += part[..., None] * tap.reshape(groups, outputs)
        else:
            for group in range(groups):
                own = slice(group * channels, (group + 1) * channels)
                y[..., group, :] += part[..., own] @ tap[:, group * outputs : (group + 1) * outputs]
    y = y.reshape(*y.shape[: rank + 1], -1)
    return y if how.last else np.moveaxis(y, -1, 1)


def conv_transpose(y: np.ndarray, kernel: np.ndarray, how: Native, sizes: Sequence[int]) -> np.ndarray:
    """Return the adjoint for inputs of these spatial sizes: every sample spread over the taps."""
    y = y if how.last else np.moveaxis(y, 1, -1)
    spatial = y.shape[1:-1]
    reach = [
        max((n - 1) * stride + (taps - 1) * dilation + 1, before + size)
        for n, stride, taps, dilation, (before, _), size in zip(
            spatial, how.strides, kernel.shape, how.dilations, how.pads, sizes, strict=False
        )
    ]
    x = np.zeros((y.shape[0], *reach, kernel.shape[-2]), y.dtype)
    for tap, part in _taps(x, kernel, how, spatial):
        part += y @ tap.T
    cut = (slice(before, before + size) for (before, _), size in zip(how.pads, sizes, strict=True))
    x = x[(slice(None), *cut)]
    return x if how.last else np.moveaxis(x, -1, 1)


def is_fast_in(x: np.ndarray, dtype: str) -> bool:
    """There is no convolution of any dtype."""
    return False


def with_gradient_of(
    forward: Callable, by_first: Callable, other: Callable, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Compute: arrays of NumPy have no gradients."""
    return forward(x, y)
