"""NumPy, with scipy.fft for the transforms and all the cores this process may use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from konvolve.backends.interface import Native
from konvolve.backends.numpy_operands import dtype_name, in_memory
from konvolve.backends.numpy_transforms import fftn, ifftn, irfftn, rfftn, window

# Adapted next door, asked for here.
__all__ = ["fftn", "ifftn", "irfftn", "rfftn", "window"]

name = "numpy"
types: tuple[type, ...] = ()


def profile() -> str:
    """Return the name of the planning constants."""
    return name


def reads_code() -> bool:
    """Nothing is compiled."""
    return False


def owns(x: Any) -> bool:
    """Whether x is a NumPy array or scalar."""
    return isinstance(x, (np.ndarray, np.generic))


def asarray(x: Any, like: np.ndarray | None = None) -> np.ndarray:
    """Return a plain array in native byte order; a matrix loses its class, as in SciPy.

    TypeError for what is no array, for one that is not in memory, and for one whose mask would be lost.
    """
    if type(x) is not np.ndarray:
        x = in_memory(x)
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def dtype(x: np.ndarray) -> str:
    """Return the name of the dtype."""
    return dtype_name(x.dtype)


def shape(x: np.ndarray) -> tuple[int, ...]:
    """Return the shape."""
    return x.shape


sizes = shape


def device(x: np.ndarray) -> str:
    """Say nothing: there is one device."""
    return ""


def to_numpy(x: np.ndarray) -> np.ndarray:
    """Return x."""
    return x


values = to_numpy


def traced(x: np.ndarray) -> bool:
    """NumPy traces nothing."""
    return False


def snapshot(x: np.ndarray) -> np.ndarray:
    """Return a copy."""
    return x.copy()


at_once = contextlib.nullcontext
minimum = min
maximum = max


def magnitude_bits(x: np.ndarray) -> int | None:
    """Return the bits that the largest magnitude in x needs, sign included; never more than its dtype's values need."""
    if x.size == 0 or x.dtype.kind not in "iu":
        return None
    least = int(x.min())
    # Of n bits with a sign, -2**(n-1) is one; and an unsigned number of 64 bits is read as the signed one.
    return min(max(int(x.max()).bit_length(), (~least if least < 0 else least).bit_length()) + 1, 64)


def peak(x: np.ndarray) -> float:
    """Return the largest magnitude, as a Python number."""
    if x.dtype.kind in "iu":
        return max(abs(int(x.max())), abs(int(x.min())))
    return float(np.abs(x.astype(complex)).max())


def lookup(size: Callable[[], int], table: Sequence[int]) -> int:
    """Return the first entry that is not less than the size."""
    return int(table[int(np.searchsorted(table, size()))])


def whole(function: Callable) -> Callable:
    """Return the function as it is: operations run one by one."""
    return function


def canonical(dtype: str) -> str:
    """Return the dtype that an array asked to have this one gets."""
    return dtype


def cast(x: np.ndarray, dtype: str) -> np.ndarray:
    """Convert to a dtype; beyond the largest half-precision number lies inf, without a warning, as in SciPy."""
    if dtype == "float16":
        with np.errstate(over="ignore"):
            return x.astype(dtype, copy=False)
    return x.astype(dtype, copy=False)


def begins_finite(y: np.ndarray) -> bool:
    """Whether the first sample is finite: a transform spreads what is not over everything."""
    return y.size == 0 or bool(np.isfinite(y.flat[0]))


isfinite = np.isfinite


def all_finite(xs: Sequence[np.ndarray]) -> bool:
    """Whether all samples are finite: a sum is read faster than a truth is written for each of them."""
    with np.errstate(all="ignore"):
        return all(bool(np.isfinite(np.add.reduce(x, None))) for x in xs)


def summed(function: Callable, groups: Sequence[Sequence[Callable]]) -> list[np.ndarray]:
    """Return the sum of each group."""
    return [sum(function(*make()) for make in group[1:]) + function(*group[0]()) for group in groups]


def zeroed(x: np.ndarray, finite: bool) -> np.ndarray:
    """Return x with zeros in the place of what is not finite."""
    return np.where(np.isfinite(x), x, x.dtype.type(0))


def either(truth: bool, one: Callable[[], np.ndarray], other: Callable[[], np.ndarray]) -> np.ndarray:
    """Return what one of two functions computes."""
    return one() if truth else other()


def unless(truth: bool, compute: Callable[[], np.ndarray], y: np.ndarray) -> np.ndarray:
    """Add to y what is computed only where the truth does not hold."""
    return y if truth else y + compute()


def constant(x: np.ndarray) -> np.ndarray:
    """Return x: NumPy takes no derivatives."""
    return x


def finish(y: np.ndarray) -> np.ndarray:
    """Return a fresh array in C order that owns its data, as SciPy does."""
    if y.ndim == 0 or (y.flags.owndata and y.flags.c_contiguous):  # a scalar stays NumPy's scalar
        return y
    return np.array(y, order="C")


def scalar(value: complex, dtype: str, like: np.ndarray) -> np.ndarray:
    """Return a number as an array without axes."""
    return np.asarray(value).astype(dtype)


def zeros(shape: Sequence[int], dtype: str, like: np.ndarray) -> np.ndarray:
    """Return zeros."""
    return np.zeros(shape, dtype)


def arange(start: int, stop: int, like: np.ndarray) -> np.ndarray:
    """Return indices."""
    return np.arange(start, stop)


where = np.where
round = np.rint
conjugate = np.conj
transpose = np.transpose
reshape = np.reshape
flip = np.flip
matmul = np.matmul
stack = np.stack
concatenate = np.concatenate
broadcast_to = np.broadcast_to


def total(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Sum over axes."""
    return x.sum(tuple(axes), keepdims=True)


def highest(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Return the largest value along axes."""
    return x.max(tuple(axes), keepdims=True)


def parts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the real and imaginary parts."""
    return x.real, x.imag


def assemble(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Return the complex array of these parts."""
    return real + 1j * imaginary


def take(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    """Gather along an axis."""
    return np.take(x, indices, axis)


def multiply(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multiply, in the place of x where the product fits there."""
    if x.shape == np.broadcast_shapes(x.shape, y.shape):
        return np.multiply(x, y, out=x)
    return x * y


def correlate(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
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


def native(x: np.ndarray, kernel: np.ndarray, how: Native) -> np.ndarray:
    """Refuse: NumPy has no convolution on channels, and its constants say so."""
    raise NotImplementedError("NumPy has no convolution on channels")


def convolves(x: np.ndarray, dtype: str) -> bool:
    """There is no convolution of any dtype."""
    return False


def native_adjoint(y: np.ndarray, kernel: np.ndarray, how: Native, sizes: Sequence[int]) -> np.ndarray:
    """Refuse, as ``native`` does."""
    raise NotImplementedError("NumPy has no convolution on channels")


def forked(forward: Callable, by_first: Callable, other: Callable, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute: arrays of NumPy have no gradients."""
    return forward(x, y)


def frame(x: np.ndarray, axis: int, length: int, step: int) -> np.ndarray:
    """Cut an axis into overlapping blocks, as a view."""
    windows = np.lib.stride_tricks.sliding_window_view(x, length, axis)
    selected = windows[(slice(None),) * axis + (slice(None, None, step),)]
    return np.moveaxis(selected, -1, axis + 1)


def bands(
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
