"""NumPy, with scipy.fft for the transforms and all the cores this process may use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from konvolve.backends.numpy.convolutions import conv, conv_transpose, depthwise_correlate, is_fast_in, with_gradient_of
from konvolve.backends.numpy.finite import all_finite, constant, either, isfinite, summed, unless, zeroed
from konvolve.backends.numpy.operands import dtype_name, in_memory
from konvolve.backends.numpy.products import banded_product
from konvolve.backends.numpy.spectra import fftn, ifftn, irfftn, rfftn
from konvolve.backends.numpy.stored import back, order_of
from konvolve.backends.numpy.windows import map_rows, map_slabs, overlapping_blocks, window
from konvolve.backends.shared import folded, rows_apart

# Adapted next door, asked for here.
__all__ = [
    "all_finite", "banded_product", "constant", "conv", "conv_transpose", "depthwise_correlate", "either", "fftn",
    "folded", "ifftn", "irfftn", "is_fast_in", "isfinite", "map_rows", "map_slabs", "overlapping_blocks", "rfftn",
    "rows_apart", "summed", "unless", "window", "with_gradient_of", "zeroed",
]  # fmt: skip

name = "numpy"
even_rows = False
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


outside_trace = contextlib.nullcontext
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


def next_length(size: Callable[[], int], table: Sequence[int]) -> int:
    """Return the first entry that is not less than the size."""
    return int(table[int(np.searchsorted(table, size()))])


def compiled(function: Callable) -> Callable:
    """Return the function as it is: operations run one by one."""
    return function


def program(function: Callable, plan: Any, arrays: Sequence[Any]) -> None:
    """Return None: nothing is compiled."""
    return


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


def to_result(y: np.ndarray) -> np.ndarray:
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
transpose = np.ndarray.transpose
reshape = np.ndarray.reshape
matmul = np.matmul
stack = np.stack
concatenate = np.concatenate
broadcast_to = np.broadcast_to


def flip(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Reverse along axes: a view, in a third of the time that numpy.flip takes."""
    return x[tuple(_REVERSED if axis in axes or axis - x.ndim in axes else _WHOLE for axis in range(x.ndim))]


_WHOLE, _REVERSED = slice(None), slice(None, None, -1)


def total(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Sum over axes."""
    return x.sum(tuple(axes), keepdims=True)


def highest(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Return the largest value along axes."""
    return x.max(tuple(axes), keepdims=True)


def split_complex(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the real and imaginary parts."""
    return x.real, x.imag


def to_complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Return the complex array of these parts."""
    return real + 1j * imaginary


def take(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    """Gather along an axis."""
    order = order_of(x)
    if order is None:
        return np.take(x, indices, axis)
    return np.take(x.transpose(order), indices, order.index(axis % x.ndim)).transpose(back(order))


def add_product(total: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Add a product, in the place of the total."""
    total += x * y
    return total


def multiply(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multiply, in the place of x where the product fits there."""
    if x.shape == np.broadcast_shapes(x.shape, y.shape):
        return np.multiply(x, y, out=x)
    return x * y
