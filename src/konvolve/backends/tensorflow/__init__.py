"""TensorFlow: raw operations, because their Python wrappers cost more than a small transform does.

Seen with TensorFlow 2.21 on CPU:

- An FFT of an empty batch fails when it pads: padding is done here.
- FFT lengths must be 32-bit integers, so sizes are.
- float32 and float64 do not mix: operands are cast before.

The transforms, with traps of their own, are in ``spectra.py``, windows and blocks in
``windows.py``, its own convolutions on channels in ``convolutions.py``, and what is done where samples
are not finite in ``finite.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends import shared
from konvolve.backends.numpy import asarray as plain
from konvolve.backends.shared import folded, map_rows, rows_apart
from konvolve.backends.tensorflow import spectra
from konvolve.backends.tensorflow.convolutions import (
    conv,
    conv_transpose,
    depthwise_correlate,
    is_fast_in,
    with_gradient_of,
)
from konvolve.backends.tensorflow.finite import all_finite, constant, either, isfinite, summed, unless, zeroed
from konvolve.backends.tensorflow.programs import program
from konvolve.backends.tensorflow.shapes import reshape, transpose
from konvolve.backends.tensorflow.tracing import differentiated, ints, recording, run_time_sizes
from konvolve.backends.tensorflow.windows import concatenate, map_slabs, overlapping_blocks, window

# Adapted next door, asked for here.
__all__ = [
    "all_finite", "concatenate", "constant", "conv", "conv_transpose", "depthwise_correlate", "either", "folded",
    "is_fast_in", "isfinite", "map_rows", "map_slabs", "overlapping_blocks", "program", "reshape", "rows_apart",
    "summed", "transpose", "unless", "window", "with_gradient_of", "zeroed",
]  # fmt: skip

name = "tensorflow"
even_rows = False
_HERE = sys.modules[__name__]
types: tuple[type, ...] = ()


def profile() -> str:
    """Return the name of the planning constants."""
    return name


_NAMES = {
    dtype: dtype.name
    for dtype in (
        *(tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.complex64, tf.complex128, tf.bool),
        *(tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64),
    )
}


def reads_code() -> bool:
    """Never: functions are run to be traced, and AutoGraph leaves these alone."""
    return False


_SCATTERED = (tf.RaggedTensor, tf.SparseTensor, tf.IndexedSlices)


def owns(x: Any) -> bool:
    """Whether x is a tensor, symbolic or not, a variable, or what ``asarray`` refuses by name."""
    return isinstance(x, (tf.Tensor, tf.Variable, *_SCATTERED))


def asarray(x: Any, like: tf.Tensor | None = None) -> tf.Tensor:
    """Return a tensor; a NumPy array keeps its dtype. TypeError for one whose samples do not lie on a grid."""
    if isinstance(x, tf.Tensor):
        return x
    if isinstance(x, _SCATTERED):
        raise TypeError(
            f"a {type(x).__name__} cannot be convolved: pass a dense tensor, such as tf.convert_to_tensor, "
            ".to_tensor() or tf.sparse.to_dense makes"
        )
    x = x if isinstance(x, tf.Variable) else plain(x)
    try:
        return tf.convert_to_tensor(x)
    except (TypeError, ValueError) as error:
        given = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"TensorFlow has no such dtype, or cannot hold this array: {given}") from error


def dtype(x: tf.Tensor) -> str:
    """Return the name of the dtype."""
    name = _NAMES.get(x.dtype)
    if name is None:
        raise TypeError(f"tensors of dtype {x.dtype.name} cannot be convolved")
    return name


def shape(x: tf.Tensor) -> tuple[int | None, ...]:
    """Return the static shape, None for unknown sizes."""
    try:
        return tuple(x.shape)
    except ValueError:
        raise ValueError(f"the rank of a tensor must be known to convolve it: {x}") from None


sizes = run_time_sizes


def magnitude_bits(x: tf.Tensor) -> None:
    """Never look at values: they are not known while a function is traced, and eager code must agree with it."""
    return


def traced(x: tf.Tensor) -> bool:
    """Whether x is a tensor of a graph."""
    return not hasattr(x, "numpy")


def peak(x: tf.Tensor) -> float | None:
    """Return the largest magnitude of an eager tensor."""
    if traced(x):
        return None
    if x.dtype.is_integer:
        return max(abs(int(tf.reduce_max(x))), abs(int(tf.reduce_min(x))))
    return float(tf.reduce_max(tf.abs(tf.cast(x, tf.complex128))))


def device(x: tf.Tensor) -> str:
    """Say nothing: TensorFlow moves what lies elsewhere."""
    return ""


def to_numpy(x: tf.Tensor) -> np.ndarray:
    """Return a NumPy array."""
    return x.numpy()


def values(x: tf.Tensor) -> Any:
    """Return the values of an eager tensor on the host, where no graph is built and no derivative may be taken to it.

    Not those of a constant in a graph either: tf.gradients may be asked for it later.
    """
    if not tf.executing_eagerly() or recording() or differentiated(x) or "CPU" not in x.device:
        return None
    return x.numpy()


def snapshot(x: tf.Tensor) -> tf.Tensor:
    """Return a copy as an eager tensor, also while a graph is built, out of which it can then be used."""
    value = tf.get_static_value(x) if traced(x) else x.numpy()
    if value is None:
        raise TypeError(
            f"the kernel has no values while the graph is traced: make the Kernel outside of it, not of {x}"
        )
    with tf.init_scope():
        return tf.constant(value)


outside_trace = tf.init_scope


def minimum(a: Any, b: Any) -> Any:
    """Return the lesser of two sizes."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else tf.minimum(a, b)


def maximum(a: Any, b: Any) -> Any:
    """Return the greater of two sizes."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else tf.maximum(a, b)


def next_length(size: Callable[[], tf.Tensor], table: Sequence[int]) -> tf.Tensor:
    """Return the first entry that is not less than the size."""
    entries = tf.constant(table, tf.int32)
    least = tf.convert_to_tensor(size(), tf.int32)  # a number where all that is unknown lies along other axes
    return entries[tf.searchsorted(entries, least[tf.newaxis])[0]]


def compiled(function: Callable) -> Callable:
    """Return the function as it is: operations run one by one."""
    return function


def banded_product(x: Any, band: Any, axis: int, start: int, size: int) -> Any:
    """Multiply blocks that are cut out."""
    return shared.banded_product(_HERE, x, band, axis, start, size)


def canonical(dtype: str) -> str:
    """Return the dtype that an array asked to have this one gets."""
    return dtype


def cast(x: tf.Tensor, dtype: str) -> tf.Tensor:
    """Convert to a dtype."""
    target = tf.as_dtype(dtype)
    return x if x.dtype == target else raw_ops.Cast(x=x, DstT=target)


def zeros(shape: Sequence[Any], dtype: str, like: tf.Tensor) -> tf.Tensor:
    """Return zeros."""
    return tf.zeros(shape, tf.as_dtype(dtype))


def begins_finite(y: tf.Tensor) -> bool:
    """Whether the first sample is finite, where looking at it waits for nothing."""
    if not tf.executing_eagerly() or "CPU" not in y.device or 0 in y.shape:
        return True
    return bool(np.isfinite(raw_ops.Slice(input=y, begin=ints([0] * y.ndim), size=ints([1] * y.ndim)).numpy().item()))


def to_result(y: tf.Tensor) -> tf.Tensor:
    """Return the result as it is: tensors own their data."""
    return y


def scalar(value: complex, dtype: str, like: tf.Tensor) -> tf.Tensor:
    """Return a number as a tensor without axes."""
    target = tf.as_dtype(dtype)
    return tf.constant(int(value.real) if target.is_integer else value, target)


def arange(start: Any, stop: Any, like: tf.Tensor) -> tf.Tensor:
    """Return indices."""
    return tf.range(start, stop)


where = tf.where
round = tf.round
conjugate = tf.math.conj
broadcast_to = tf.broadcast_to
to_complex = tf.complex


def total(x: tf.Tensor, axes: Sequence[int]) -> tf.Tensor:
    """Sum over axes."""
    return tf.reduce_sum(x, list(axes), keepdims=True)


def highest(x: tf.Tensor, axes: Sequence[int]) -> tf.Tensor:
    """Return the largest value along axes."""
    return tf.reduce_max(x, list(axes), keepdims=True)


def split_complex(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the real and imaginary parts."""
    return tf.math.real(x), tf.math.imag(x)


def flip(x: tf.Tensor, axes: Sequence[int]) -> tf.Tensor:
    """Reverse along axes."""
    return raw_ops.ReverseV2(tensor=x, axis=ints(axes))


def stack(xs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Stack along a new leading axis."""
    return tf.stack(xs)


def take(x: tf.Tensor, indices: tf.Tensor, axis: int) -> tf.Tensor:
    """Gather along an axis.

    The reshape to its own shape costs nothing, and makes the gradient dense: that of a gather along the first axis is
    IndexedSlices, which users of a convolution do not expect.
    """
    return tf.gather(reshape(x, sizes(x)), indices, axis=axis)


def add_product(total: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Add a product."""
    return total + x * y


def multiply(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Multiply with broadcasting."""
    return raw_ops.Mul(x=x, y=y)


def matmul(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Multiply matrices along the last two axes; those before are equal or 1."""
    return raw_ops.BatchMatMulV2(x=x, y=y)


def rfftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform real trailing axes, padded to the lengths."""
    return spectra.rfftn(window(x, [0] * len(lengths), lengths), lengths)


def fftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform complex trailing axes, padded to the lengths."""
    return spectra.fftn(window(x, [0] * len(lengths), lengths), lengths)


def irfftn(x: tf.Tensor, lengths: Sequence[Any], kept: Sequence[tuple[Any, Any]] | None = None) -> tf.Tensor:
    """Invert rfftn."""
    y = spectra.irfftn(x, lengths)
    return y if kept is None else window(y, *zip(*kept, strict=True))


def ifftn(x: tf.Tensor, lengths: Sequence[Any], kept: Sequence[tuple[Any, Any]] | None = None) -> tf.Tensor:
    """Invert fftn."""
    y = spectra.ifftn(x, lengths)
    return y if kept is None else window(y, *zip(*kept, strict=True))
