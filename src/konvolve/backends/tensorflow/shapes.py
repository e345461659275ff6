"""Axes permuted and shapes changed, by operations that are handed their sizes as they take them fastest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends.tensorflow.tracing import ints


def transpose(x: tf.Tensor, order: Sequence[int]) -> tf.Tensor:
    """Permute the axes."""
    return raw_ops.Transpose(x=x, perm=ints(order))


def reshape(x: tf.Tensor, shape: Sequence[Any]) -> tf.Tensor:
    """Reshape."""
    known = all(isinstance(n, int) for n in shape)
    return raw_ops.Reshape(tensor=x, shape=ints(shape) if known else tf.stack(shape))
