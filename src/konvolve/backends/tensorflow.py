"""TensorFlow: raw operations, because their Python wrappers cost more than a small transform does.

Seen with TensorFlow 2.21 on CPU:

- An FFT of an empty batch fails when it pads: padding is done here.
- FFT lengths must be 32-bit integers, so sizes are.
- float32 and float64 do not mix: operands are cast before.

The transforms, with traps of their own, are in ``tensorflow_transforms.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends import tensorflow_transforms as transforms
from konvolve.backends.tensorflow_support import ints, linear

name = "tensorflow"


def profile() -> str:
    """Return the name of the planning constants."""
    return name


_NAMES = {dtype: dtype.name for dtype in (tf.float32, tf.float64, tf.complex64, tf.complex128, tf.int32, tf.int64)}


def owns(x: Any) -> bool:
    """Whether x is a tensor, symbolic or not, or a variable."""
    return isinstance(x, tf.Tensor | tf.Variable)


def asarray(x: Any, like: tf.Tensor | None = None) -> tf.Tensor:
    """Return a tensor; a NumPy array keeps its dtype."""
    if isinstance(x, tf.Tensor):
        return x
    try:
        return tf.convert_to_tensor(x)
    except (TypeError, ValueError) as error:
        given = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"TensorFlow has no such dtype, or cannot hold this array: {given}") from error


def dtype(x: tf.Tensor) -> str:
    """Return the name of the dtype."""
    kind = x.dtype
    return _NAMES.get(kind) or kind.name


def shape(x: tf.Tensor) -> tuple[int | None, ...]:
    """Return the static shape, None for unknown sizes."""
    try:
        return tuple(x.shape)
    except ValueError:
        raise ValueError(f"the rank of a tensor must be known to convolve it: {x}") from None


def sizes(x: tf.Tensor) -> tuple[Any, ...]:
    """Return the static sizes, scalar tensors in the place of unknown ones."""
    static = tuple(x.shape)
    if None not in static:
        return static
    dynamic = tf.unstack(raw_ops.Shape(input=x, out_type=tf.int32), num=len(static))
    return tuple(d if s is None else s for s, d in zip(static, dynamic, strict=True))


def magnitude_bits(x: tf.Tensor) -> None:
    """Never look at values: they are not known while a function is traced, and eager code must agree with it."""
    return


def peak(x: tf.Tensor) -> float | None:
    """Return the largest magnitude of an eager tensor."""
    if not hasattr(x, "numpy"):
        return None
    if x.dtype.is_complex:
        return float(tf.reduce_max(tf.abs(x)))
    return max(abs(tf.reduce_max(x).numpy().item()), abs(tf.reduce_min(x).numpy().item()))


def minimum(a: Any, b: Any) -> Any:
    """Return the lesser of two sizes."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else tf.minimum(a, b)


def maximum(a: Any, b: Any) -> Any:
    """Return the greater of two sizes."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else tf.maximum(a, b)


def lookup(size: tf.Tensor, table: Sequence[int]) -> tf.Tensor:
    """Return the first entry that is not less than size."""
    entries = tf.constant(table, tf.int32)
    return entries[tf.searchsorted(entries, size[tf.newaxis])[0]]


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


def finish(y: tf.Tensor) -> tf.Tensor:
    """Return the result as it is: tensors own their data."""
    return y


def scalar(value: complex, dtype: str) -> tf.Tensor:
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
assemble = tf.complex


def parts(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the real and imaginary parts."""
    return tf.math.real(x), tf.math.imag(x)


def transpose(x: tf.Tensor, order: Sequence[int]) -> tf.Tensor:
    """Permute the axes."""
    return raw_ops.Transpose(x=x, perm=ints(order))


def reshape(x: tf.Tensor, shape: Sequence[Any]) -> tf.Tensor:
    """Reshape."""
    known = all(isinstance(n, int) for n in shape)
    return raw_ops.Reshape(tensor=x, shape=ints(shape) if known else tf.stack(shape))


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


def _pad(x: tf.Tensor, before: Sequence[Any], after: Sequence[Any]) -> tf.Tensor:
    batch = x.shape.rank - len(before)
    return raw_ops.Pad(input=x, paddings=ints([[0, 0]] * batch + [[b, a] for b, a in zip(before, after, strict=True)]))


def window(x: tf.Tensor, starts: Sequence[Any], sizes: Sequence[Any]) -> tf.Tensor:
    """Cut windows out of the trailing axes, zeros where a window reaches outside.

    The transpose of a window is a window: what lay outside it comes back as zeros. It is spelt out because XLA
    has no second gradient of Slice and Pad (seen with TensorFlow 2.21).
    """
    static = tuple(x.shape)
    batch = len(static) - len(sizes)
    if None not in static[batch:] and all(isinstance(each, int) for each in (*starts, *sizes)):
        if static[batch:] == tuple(sizes) and not any(starts):
            return x
        held = static[batch:]
        cut = _known_window
    else:
        held = globals()["sizes"](x)[batch:]
        cut = _unknown_window
    rank = len(held)

    def transposed(gradient: tf.Tensor, given: list) -> tf.Tensor:
        return window(gradient, [-start for start in given[rank : 2 * rank]], given[:rank])

    return linear(
        lambda x, given: cut(x, batch, given[:rank], given[rank : 2 * rank], given[2 * rank :]),
        transposed,
        x,
        [*held, *starts, *sizes],
    )


def _known_window(
    x: tf.Tensor, batch: int, held: Sequence[int], starts: Sequence[int], sizes: Sequence[int]
) -> tf.Tensor:
    begin = [min(max(start, 0), n) for start, n in zip(starts, held, strict=True)]
    end = [min(max(start + size, 0), n) for start, size, n in zip(starts, sizes, held, strict=True)]
    inside = [b - a for a, b in zip(begin, end, strict=True)]
    if tuple(inside) != tuple(held):
        x = raw_ops.Slice(input=x, begin=ints([0] * batch + begin), size=ints([-1] * batch + inside))
    if tuple(inside) == tuple(sizes):
        return x
    before = [max(-start, 0) for start in starts]
    return _pad(x, before, [size - b - n for size, b, n in zip(sizes, before, inside, strict=True)])


def _unknown_window(
    x: tf.Tensor, batch: int, held: Sequence[Any], starts: Sequence[Any], sizes: Sequence[Any]
) -> tf.Tensor:
    static = tuple(x.shape)
    begin = [tf.clip_by_value(start, 0, n) for start, n in zip(starts, held, strict=True)]
    end = [tf.clip_by_value(start + size, 0, n) for start, size, n in zip(starts, sizes, held, strict=True)]
    inside = [b - a for a, b in zip(begin, end, strict=True)]
    y = tf.slice(x, [0] * batch + begin, [-1] * batch + inside)
    before = [tf.maximum(-start, 0) for start in starts]
    after = [size - b - n for size, b, n in zip(sizes, before, inside, strict=True)]
    y = _pad(y, before, after)
    y.set_shape((*static[:batch], *(size if isinstance(size, int) else None for size in sizes)))
    return y


def multiply(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Multiply with broadcasting."""
    return raw_ops.Mul(x=x, y=y)


def rfftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform real trailing axes, padded to the lengths."""
    return transforms.rfftn(window(x, [0] * len(lengths), lengths), lengths)


def fftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform complex trailing axes, padded to the lengths."""
    return transforms.fftn(window(x, [0] * len(lengths), lengths), lengths)


irfftn = transforms.irfftn
ifftn = transforms.ifftn


def correlate(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Correlate channel by channel with TensorFlow's convolutions, channels last.

    The layout is always named: without it the second gradient of a convolution fails in eager code.
    """
    rank, channels = kernel.shape.rank - 1, kernel.shape[0]
    if rank == 1:  # as a picture one sample high
        return raw_ops.Squeeze(
            input=correlate(raw_ops.ExpandDims(input=x, axis=2), raw_ops.ExpandDims(input=kernel, axis=1)), axis=[2]
        )
    x = transpose(x, [0, *range(2, rank + 2), 1])
    kernel = raw_ops.ExpandDims(input=transpose(kernel, [*range(1, rank + 1), 0]), axis=-1)
    options = {"input": x, "filter": kernel, "strides": [1] * (rank + 2), "padding": "VALID"}
    if rank == 3:
        y = raw_ops.Conv3D(**options, data_format="NDHWC")
    elif channels == 1:
        y = raw_ops.Conv2D(**options, data_format="NHWC")
    else:
        y = raw_ops.DepthwiseConv2dNative(**options, data_format="NHWC")
    return transpose(y, [0, rank + 1, *range(1, rank + 1)])


def frame(x: tf.Tensor, axis: int, length: int, step: int) -> tf.Tensor:
    """Cut an axis into overlapping blocks: whole steps side by side, then each joined with the next one's head.

    tf.signal.frame gathers sample by sample and takes several times as long. The transpose adds the blocks up
    where they overlap.
    """
    if length > 2 * step:
        return tf.signal.frame(x, length, step, axis=axis)
    return linear(
        lambda x, _: _frame(x, axis, length, step), lambda gradient, _: _overlap_add(gradient, axis, length, step), x
    )


def _frame(x: tf.Tensor, axis: int, length: int, step: int) -> tf.Tensor:
    overlap = length - step
    held = sizes(x)
    count = (held[axis] - overlap) // step
    lead = (slice(None),) * axis
    body = tf.reshape(x[(*lead, slice(0, count * step))], (*held[:axis], count, step, *held[axis + 1 :]))
    if overlap == 0:
        return body
    heads = body[(*lead, slice(1, None), slice(0, overlap))]
    last = tf.expand_dims(x[(*lead, slice(count * step, count * step + overlap))], axis)
    return tf.concat([body, tf.concat([heads, last], axis)], axis + 1)


def _overlap_add(x: tf.Tensor, axis: int, length: int, step: int) -> tf.Tensor:
    *lead, count, _ = sizes(x)[: axis + 2]
    behind = sizes(x)[axis + 2 :]
    starts = [0] * (1 + len(behind))

    def laid_out(first: int) -> tf.Tensor:
        """Lay one step of each block from sample ``first`` on end to end, in the place it came from."""
        part = window(x, [first, *starts[1:]], [step, *behind])
        flat = tf.reshape(part, [*lead, count * step, *behind])
        return window(flat, [-first, *starts[1:]], [count * step + length - step, *behind])

    return laid_out(0) + laid_out(step)


def bands(compute: Callable[[Any], tf.Tensor], count: int, axis: int, size: Any) -> tf.Tensor:
    """Compute band after band: eagerly in Python, in a graph as a loop, so that memory is reused."""
    if count == 1:
        y = compute(0)
    elif tf.executing_eagerly():
        y = tf.concat([compute(i) for i in range(count)], axis)
    else:
        y = _looped(compute, count, axis)
    return y[(slice(None),) * axis + (slice(0, size),)]


def _looped(compute: Callable[[Any], tf.Tensor], count: int, axis: int) -> tf.Tensor:
    sample = compute(0)  # traced and pruned: only its dtype and static shape are wanted
    found = tf.TensorArray(sample.dtype, size=count, element_shape=sample.shape, infer_shape=False)
    _, found = tf.while_loop(
        lambda i, _: i < count,
        lambda i, array: (i + 1, array.write(i, compute(i))),
        (tf.constant(0), found),
        parallel_iterations=1,
        maximum_iterations=count,
    )
    y = found.stack()
    rank = sample.shape.rank
    y = transpose(y, [*range(1, axis + 1), 0, *range(axis + 1, rank + 1)]) if axis else y
    joined = sizes(y)
    return tf.reshape(y, [*joined[:axis], joined[axis] * joined[axis + 1], *joined[axis + 2 :]])
