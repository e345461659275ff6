"""Cutting TensorFlow's arrays up and laying the pieces together: windows, blocks and bands, with their transposes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends.tensorflow.bands import Result, slab_of, taken
from konvolve.backends.tensorflow.tracing import compiling, ints, linear, recording, run_time_sizes

# Blocks of more steps than these are gathered: there would be too many pieces.
_STEPS = 8


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
        shape = static[batch:]
        cut = _known_window
    else:
        shape = run_time_sizes(x)[batch:]
        cut = _unknown_window
    rank = len(shape)

    def transposed(gradient: tf.Tensor, given: list) -> tf.Tensor:
        return window(gradient, [-start for start in given[rank : 2 * rank]], given[:rank])

    return linear(
        lambda x, given: cut(x, batch, given[:rank], given[rank : 2 * rank], given[2 * rank :]),
        transposed,
        x,
        [*shape, *starts, *sizes],
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
    before = [min(max(-start, 0), size) for start, size in zip(starts, sizes, strict=True)]
    return _pad(x, before, [size - b - n for size, b, n in zip(sizes, before, inside, strict=True)])


def _unknown_window(
    x: tf.Tensor, batch: int, held: Sequence[Any], starts: Sequence[Any], sizes: Sequence[Any]
) -> tf.Tensor:
    static = tuple(x.shape)
    begin = [tf.clip_by_value(start, 0, n) for start, n in zip(starts, held, strict=True)]
    end = [tf.clip_by_value(start + size, 0, n) for start, size, n in zip(starts, sizes, held, strict=True)]
    inside = [b - a for a, b in zip(begin, end, strict=True)]
    y = tf.slice(x, [0] * batch + begin, [-1] * batch + inside)
    before = [tf.clip_by_value(-start, 0, size) for start, size in zip(starts, sizes, strict=True)]
    after = [size - b - n for size, b, n in zip(sizes, before, inside, strict=True)]
    y = _pad(y, before, after)
    y.set_shape((*static[:batch], *(size if isinstance(size, int) else None for size in sizes)))
    return y


def overlapping_blocks(x: tf.Tensor, axis: int, length: int, step: int) -> tf.Tensor:
    """Cut an axis into overlapping blocks: whole steps side by side, then each joined with those that follow it.

    tf.signal.frame gathers sample by sample and takes several times as long. The transpose adds the blocks up
    where they overlap.
    """
    if length > _STEPS * step:
        return tf.signal.frame(x, length, step, axis=axis)
    return linear(
        lambda x, _: _frame(x, axis, length, step), lambda gradient, _: _overlap_add(gradient, axis, length, step), x
    )


def _frame(x: tf.Tensor, axis: int, length: int, step: int) -> tf.Tensor:
    whole, rest = divmod(length, step)  # a block is so many whole steps, and the head of one more
    sizes = run_time_sizes(x)
    count = (sizes[axis] - length) // step + 1
    lead = (slice(None),) * axis

    def steps(first: int, count: Any) -> tf.Tensor:
        """Lay so many steps, from the first one on, below each other."""
        part = x[(*lead, slice(first * step, (first + count) * step))]
        return tf.reshape(part, (*sizes[:axis], count, step, *sizes[axis + 1 :]))

    parts = [steps(each, count) for each in range(whole)]
    if rest:
        heads = steps(whole, count - 1)[(*lead, slice(None), slice(0, rest))]
        end = (whole + count - 1) * step
        last = tf.expand_dims(x[(*lead, slice(end, end + rest))], axis)
        parts.append(tf.concat([heads, last], axis))
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis + 1)


def _overlap_add(x: tf.Tensor, axis: int, length: int, step: int) -> tf.Tensor:
    *lead, count, _ = run_time_sizes(x)[: axis + 2]
    behind = run_time_sizes(x)[axis + 2 :]
    starts = [0] * (1 + len(behind))

    def laid_out(first: int) -> tf.Tensor:
        """Lay one step of each block from sample ``first`` on end to end, in the place it came from."""
        part = window(x, [first, *starts[1:]], [step, *behind])
        flat = tf.reshape(part, [*lead, count * step, *behind])
        return window(flat, [-first, *starts[1:]], [count * step + length - step, *behind])

    return tf.add_n([laid_out(first) for first in range(0, length, step)])


def map_slabs(
    compute: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor, axis: int, slabs: tuple[Any, int, int, int], size: Any
) -> tf.Tensor:
    """Compute band after band, so that memory is reused: eagerly in Python, in a graph as a loop."""
    start, stride, extent, count = slabs
    behind = run_time_sizes(x)[axis + 1 :]
    rest = [0] * len(behind)

    def apart(i: int) -> tf.Tensor:
        return compute(window(x, [start + i * stride, *rest], [extent, *behind]))

    first = apart(0)  # in the loop of a graph perhaps only its shape is wanted, and the rest is pruned
    known = isinstance(size, int) and None not in first.shape[axis:]
    if count > 1 and tf.executing_eagerly() and not recording():
        return Result(first, axis, size).eagerly(itertools.chain([first], map(apart, range(1, count))), count)
    if count > 1 and not tf.executing_eagerly():
        if known and x.shape[axis] is not None and not compiling():
            return _in_place(compute, apart, first, x, axis, slabs, size)
        # Padded once, out of the loop: XLA must know how much is padded, and then each slab is one slice.
        whole = window(x, [start, *rest], [(count - 1) * stride + extent, *behind])
        y = _looped(compute, first, whole, axis, stride, extent, count)
    else:
        y = first if count == 1 else tf.concat([first, *map(apart, range(1, count))], axis)
    return y[(slice(None),) * axis + (slice(0, size),)]


def _in_place(
    compute: Callable[[tf.Tensor], tf.Tensor],
    apart: Callable[[int], tf.Tensor],
    first: tf.Tensor,
    x: tf.Tensor,
    axis: int,
    slabs: tuple[int, int, int, int],
    size: int,
) -> tf.Tensor:
    """Write band after band into one result, in a graph: the slabs inside x in a loop, those that reach beyond apart.

    Padded, x would have to be copied; gathered in a TensorArray, the result would be there twice.
    """
    start, stride, extent, count = slabs
    result = Result(first, axis, size)
    inside = [i for i in range(count) if start + i * stride >= 0 and start + i * stride + extent <= x.shape[axis]]
    inside = [i for i in inside if (i + 1) * result.band <= size]
    y = result.empty()
    for i in range(count):
        if i not in inside:
            with tf.control_dependencies([y]):  # one after the other here, too
                y = result.put(y, first if i == 0 else apart(i), i)
        elif i == inside[0]:

            def step(i: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tuple:
                x, slab = taken(x, start + i * stride, axis, extent)
                return i + 1, x, result.put(y, compute(slab), i)

            _, x, y = tf.while_loop(
                lambda i, *_: i <= inside[-1], step, (tf.constant(i), x, y),
                parallel_iterations=1, maximum_iterations=len(inside),
            )  # fmt: skip
    return result.laid_out(y)


def _looped(
    compute: Callable[[tf.Tensor], tf.Tensor],
    sample: tf.Tensor,
    whole: tf.Tensor,
    axis: int,
    stride: int,
    extent: int,
    count: int,
) -> tf.Tensor:
    """Gather bands like this sample in a TensorArray, which XLA follows, and sizes need not be known for."""

    def slab(i: Any) -> tf.Tensor:
        return compute(slab_of(whole, i * stride, axis, extent))

    found = tf.TensorArray(sample.dtype, size=count, element_shape=sample.shape, infer_shape=False)
    _, found = tf.while_loop(
        lambda i, _: i < count,
        lambda i, array: (i + 1, array.write(i, slab(i))),
        (tf.constant(0), found),
        parallel_iterations=1,
        maximum_iterations=count,
    )
    y = found.stack()
    rank = sample.shape.rank
    y = raw_ops.Transpose(x=y, perm=[*range(1, axis + 1), 0, *range(axis + 1, rank + 1)]) if axis else y
    joined = run_time_sizes(y)
    return tf.reshape(y, [*joined[:axis], joined[axis] * joined[axis + 1], *joined[axis + 2 :]])


def concatenate(xs: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
    """Lay side by side along an axis.

    XLA lacks the third derivative of TensorFlow's own, whose gradients are slices (TensorFlow 2.21).
    """

    @tf.custom_gradient
    def joined(*xs: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def parts(gradient: tf.Tensor) -> list[tf.Tensor]:
            found, start = [], 0
            for x in xs:
                sizes = run_time_sizes(x)[axis:]
                found.append(window(gradient, [start] + [0] * (len(sizes) - 1), sizes))
                start = start + sizes[0]
            return found

        return tf.concat(xs, axis), parts

    return joined(*xs)
