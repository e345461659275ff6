"""Bands of TensorFlow's arrays, read and written in place, with gradients that copy nothing either.

Seen with TensorFlow 2.21: in a loop of a graph TensorStridedSliceUpdate works in place, where it may, and
TensorScatterUpdate copies; InplaceUpdate does, whether or not it may, and not under XLA.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends.tensorflow.tracing import run_time_sizes


def slab_of(x: tf.Tensor, first: Any, axis: int, extent: int) -> tf.Tensor:
    """Return the samples from ``first`` on, which all lie inside; their size is told: XLA must know it."""
    sizes = run_time_sizes(x)
    behind = len(sizes) - axis - 1
    part = tf.slice(x, [0] * axis + [first] + [0] * behind, [*sizes[:axis], extent, *sizes[axis + 1 :]])
    part.set_shape((*x.shape[:axis], extent, *x.shape[axis + 1 :]))
    return part


def taken(x: tf.Tensor, first: tf.Tensor, axis: int, extent: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return x as it is, and a slab of it, in a loop through which x is handed on.

    The gradient of a slice is as large as what it is cut from, for each of the slabs: here it is added in place.
    """

    @tf.custom_gradient
    def take(x: tf.Tensor, first: tf.Tensor) -> tuple:
        def gradient(whole: tf.Tensor, part: tf.Tensor) -> tuple:
            return _added(whole, part, first, axis), None

        return (tf.identity(x), slab_of(x, first, axis, extent)), gradient

    return take(x, tf.identity(first))


def _added(y: tf.Tensor, part: tf.Tensor, first: tf.Tensor, axis: int) -> tf.Tensor:
    """Return y with a part added to its samples from ``first`` on."""
    extent = part.shape[axis]

    @tf.custom_gradient
    def add(y: tf.Tensor, part: tf.Tensor, first: tf.Tensor) -> tuple:
        free = 2**axis - 1
        added = raw_ops.TensorStridedSliceUpdate(
            input=y, begin=tf.stack([0] * axis + [first]), end=tf.stack([0] * axis + [first + extent]),
            strides=[1] * (axis + 1), value=slab_of(y, first, axis, extent) + part, begin_mask=free, end_mask=free,
        )  # fmt: skip
        added.set_shape(y.shape)
        return added, lambda gradient: (*taken(gradient, first, axis, extent), None)

    return add(y, part, tf.identity(first))


class Result:
    """What bands are joined in, one after the other along an axis: written in place, by ways that TensorFlow knows of.

    It has its size from the start: cutting it afterwards would copy it, unless its bytes are a multiple of 64.
    A strided slice is written sample by sample, so samples are taken together to words of up to 16 bytes.
    """

    def __init__(self, part: tf.Tensor, axis: int, size: int) -> None:
        lead, behind = run_time_sizes(part)[:axis], part.shape[axis + 1 :]
        self.shape = [*lead, size, *behind]
        samples = math.prod(behind)
        self.dtype, self.axis, self.size = part.dtype, axis, size
        self.band, self.samples = part.shape[axis], samples
        # The axes before as one, or none: fewer axes are indexed faster.
        self.lead = [] if all(n == 1 for n in lead) else [math.prod(lead)]
        wide = {width // part.dtype.size: kind for width, kind in ((8, tf.int64), (16, tf.complex128))}
        whole = math.gcd(size * samples, self.band * samples)
        self.word = max((n for n in wide if n > 1 and whole % n == 0 and part.dtype != tf.bool), default=1)
        self.kind = wide.get(self.word, part.dtype)

    def flat(self, x: tf.Tensor, n: int) -> tf.Tensor:
        """Return n samples along the axis, with all that is behind it, as a row for each row of the batch."""
        return tf.reshape(x, [*self.lead, n * self.samples])

    def empty(self) -> tf.Tensor:
        """Return memory for the result, flat, in a graph."""
        n = self.size * self.samples
        y = raw_ops.Empty(shape=[*self.lead, n], dtype=self.dtype)
        y.set_shape([None] * len(self.lead) + [n])
        return tf.stop_gradient(y)  # Empty has no gradient, not even none

    def put(self, y: tf.Tensor, part: tf.Tensor, number: Any) -> tf.Tensor:
        """Return y, flat, with a part in its place: in a graph, in the same memory, which nothing else holds.

        No part is written over another, so the gradient with respect to y is handed on as it is.
        """
        values, axis = self._cut(part, number), len(self.lead)

        @tf.custom_gradient
        def apply(y: tf.Tensor, values: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            written = raw_ops.TensorStridedSliceUpdate(
                input=self._words(y), value=self._words(values), **self._range(values, number)
            )
            written = tf.reshape(tf.bitcast(written, self.dtype), [*self.lead, y.shape[-1]])
            first = number * (self.band * self.samples)

            def gradient(whole: tf.Tensor) -> tuple:
                return (*taken(whole, first, axis, values.shape[-1]), None)

            return written, gradient

        return apply(y, values, tf.identity(number))

    def eagerly(self, parts: Iterable[tf.Tensor], count: int) -> tf.Tensor:
        """Return the parts joined, where no derivative is taken: each has its row for each row of the batch.

        Cutting off the end what is too much copies the result only if it has a batch, or bytes that are no multiple
        of 64. There is no better way in eager code: what Python holds is copied before it is written to, and so is a
        variable that has been written to by slices when it is read.
        """
        rows, n = math.prod(self.lead), self.band * self.samples
        y = raw_ops.Empty(shape=[rows * count, n], dtype=self.dtype)
        for number, part in enumerate(parts):
            places = np.arange(number, rows * count, count, dtype=np.int32)
            y = raw_ops.InplaceUpdate(x=y, i=places, v=tf.reshape(part, [rows, n]))
        y = tf.reshape(y, [*self.lead, count * n])
        return self.laid_out(y[..., : self.size * self.samples])

    def laid_out(self, y: tf.Tensor) -> tf.Tensor:
        """Return the flat result in its shape."""
        return tf.reshape(y, self.shape)

    def _cut(self, part: tf.Tensor, number: Any) -> tf.Tensor:
        """Return a part, flat; the last one, whose number is known, without what lies beyond the size."""
        kept = min(self.band, self.size - number * self.band) if isinstance(number, int) else self.band
        return self.flat(part if kept == self.band else slab_of(part, 0, self.axis, kept), kept)

    def _words(self, x: tf.Tensor) -> tf.Tensor:
        return x if self.word == 1 else tf.bitcast(tf.reshape(x, [*self.lead, -1, self.word]), self.kind)

    def _range(self, values: tf.Tensor, number: Any) -> dict:
        begin = number * (self.band * self.samples // self.word)
        axis, free = len(self.lead), 2 ** len(self.lead) - 1
        return {
            "begin": [0] * axis + [begin], "end": [0] * axis + [begin + values.shape[-1] // self.word],
            "strides": [1] * (axis + 1), "begin_mask": free, "end_mask": free,
        }  # fmt: skip
