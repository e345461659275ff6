"""TensorFlow's own convolutions on channels, and gradients of two operands.

Seen with TensorFlow 2.21 on CPU:

- Conv2D takes dilations and groups, its gradients do not, at least not always: tf.nn.convolution makes phases samples
  of the batch, and a grouped convolution is made of one for each group (faster than one compiled by XLA, which is
  Keras's way). Conv3D has no groups.
- DepthwiseConv2dNative takes one stride for both axes and ignores dilations: tf.nn.depthwise_conv2d deals with those.
- The kernel's gradient (Conv2DBackpropFilter) falls off a cliff for long kernels: 7 s for 256 taps, 16 to 16 channels,
  two signals of 8192. ``with_gradient_of`` takes it from elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends.interface import Native
from konvolve.backends.tensorflow.shapes import reshape, transpose
from konvolve.backends.tensorflow.tracing import recording, unrecorded
from konvolve.backends.tensorflow.windows import run_time_sizes, window


def with_gradient_of(forward: Callable, by_first: Callable, other: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return ``forward(x, y)``, whose gradients are ``by_first(gradient, y)`` and, for y, that of ``other(x, y)``."""
    if tf.executing_eagerly() and not recording():
        return forward(x, y)

    @tf.custom_gradient
    def apply(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        # A forward accumulator would look for the gradients of the operations inside.
        with unrecorded() if tf.executing_eagerly() else contextlib.nullcontext():
            value = forward(x, y)
        return value, lambda upstream: (by_first(upstream, y), by_second(x, y, upstream))

    def pulled_back(x: tf.Tensor, y: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:  # in a graph what only the value needs is pruned
            tape.watch(y)
            value = other(x, y)
        return tape.gradient(value, y, upstream)

    @tf.custom_gradient
    def by_second(x: tf.Tensor, y: tf.Tensor, upstream: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        """Return the gradient by y: it is linear in x and upstream, and a derivative of <upstream, other(x, y)>.

        So its own gradients are those of <upstream, other(x, cotangent)>. An eager forward accumulator runs this where
        no tape records (seen with TensorFlow 2.21); a graph has gradients without one.
        """
        found = pulled_back(x, y, upstream)
        if found is None:
            found = tf.function(lambda x, y, upstream: tf.gradients(other(x, y), y, upstream)[0], autograph=False)(
                x, y, upstream
            )
        return found, lambda cotangent: (by_first(upstream, cotangent), None, other(x, cotangent))

    return apply(x, y)


def _last(x: tf.Tensor, how: Native) -> tf.Tensor:
    return x if how.last else raw_ops.Transpose(x=x, perm=[0, *range(2, x.shape.rank), 1])


def _back(y: tf.Tensor, how: Native) -> tf.Tensor:
    rank = y.shape.rank
    return y if how.last else raw_ops.Transpose(x=y, perm=[0, rank - 1, *range(1, rank - 1)])


def _as_picture(how: Native) -> Native:
    """Return what a signal's convolution is as that of a picture one sample high."""
    if len(how.strides) > 1:
        return how
    stride = how.strides[0] if how.groups > 1 else 1  # a depthwise convolution has one stride for both
    return how._replace(strides=(stride, *how.strides), dilations=(1, *how.dilations), pads=((0, 0), *how.pads))


def conv(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    """Correlate (batch, *spatial, channels), or channels first, with (*taps, channels of a group, outputs)."""
    x = _last(x, how)
    signal = len(how.strides) == 1
    how = _as_picture(how)
    if signal:
        x, kernel = raw_ops.ExpandDims(input=x, axis=1), raw_ops.ExpandDims(input=kernel, axis=0)
    if _is_depthwise(kernel, how):
        y = _depthwise(x, kernel, how)
    elif how.groups == 1:
        y = _convolve(x, kernel, how)
    else:
        pairs = zip(tf.split(x, how.groups, axis=-1), tf.split(kernel, how.groups, axis=-1), strict=True)
        y = tf.concat([_convolve(part, own, how) for part, own in pairs], -1)
    return _back(raw_ops.Squeeze(input=y, axis=[1]) if signal else y, how)


def _is_depthwise(kernel: tf.Tensor, how: Native) -> bool:
    """Whether there is an operation for each channel on its own; in three dimensions only a single one comes here."""
    return len(how.strides) == 2 and (how.depthwise or (how.groups > 1 and kernel.shape[-2] == 1))


def _padded(x: tf.Tensor, how: Native) -> tuple[tf.Tensor, str]:
    """Return channels-last x, and how an operation shall pad it: by a word, or not at all where it is padded here.

    Conv2D takes any padding, but is slower with it, and its gradients take half as long again.
    """
    if how.padding:
        return x, how.padding.upper()
    sizes = run_time_sizes(x)[1:]
    pads = (*how.pads, (0, 0))
    return window(x, [-lo for lo, _ in pads], [n + lo + hi for n, (lo, hi) in zip(sizes, pads, strict=True)]), "VALID"


def _convolve(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    x, padding = _padded(x, how)
    if max(how.dilations) > 1:  # there is no stride
        return tf.nn.convolution(x, kernel, padding=padding, dilations=how.dilations)
    options = {"input": x, "filter": kernel, "strides": [1, *how.strides, 1], "padding": padding}
    return raw_ops.Conv3D(**options) if len(how.strides) == 3 else raw_ops.Conv2D(**options)


def _depthwise(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    if not how.depthwise:
        kernel = tf.reshape(kernel, [*kernel.shape[:-2], how.groups, kernel.shape[-1] // how.groups])
    strides, dilations = how.strides, how.dilations
    if max(dilations) == 1 and strides[0] == strides[1]:
        x, padding = _padded(x, how)
        return raw_ops.DepthwiseConv2dNative(input=x, filter=kernel, strides=[1, *strides, 1], padding=padding)
    steps = max(strides) > 1
    x, padding = _padded(x, how._replace(padding="") if steps else how)
    y = tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], padding, dilations=dilations)
    return y[:, :: strides[0], :: strides[1]] if steps else y


def is_fast_in(x: tf.Tensor, dtype: str) -> bool:
    """Whether the dtype is as fast as float32: float16 takes up to ten times as long on a CPU."""
    return dtype != "float16" or bool(tf.config.list_logical_devices("GPU"))


def conv_transpose(y: tf.Tensor, kernel: tf.Tensor, how: Native, sizes: Sequence[Any]) -> tf.Tensor:
    """Return the adjoint of ``conv`` for inputs of these spatial sizes: every sample spread over the taps."""
    y = _last(y, how)
    signal = len(how.strides) == 1
    how = _as_picture(how)
    sizes = [1, *sizes] if signal else list(sizes)
    if signal:
        y, kernel = raw_ops.ExpandDims(input=y, axis=1), raw_ops.ExpandDims(input=kernel, axis=0)
    if _is_depthwise(kernel, how):
        x = _depthwise_adjoint(y, kernel, how, sizes)
    elif how.groups == 1:
        x = _convolve_adjoint(y, kernel, how, sizes)
    else:
        pairs = zip(tf.split(y, how.groups, axis=-1), tf.split(kernel, how.groups, axis=-1), strict=True)
        x = tf.concat([_convolve_adjoint(part, own, how, sizes) for part, own in pairs], -1)
    return _back(raw_ops.Squeeze(input=x, axis=[1]) if signal else x, how)


def _convolve_adjoint(y: tf.Tensor, kernel: tf.Tensor, how: Native, sizes: list[Any]) -> tf.Tensor:
    extents = run_time_sizes(y)
    reach = [
        (n - 1) * s + (k - 1) * d + 1
        for n, k, s, d in zip(extents[1:-1], kernel.shape[:-2], how.strides, how.dilations, strict=True)
    ]
    if max(how.dilations) > 1:
        ones, none = (1,) * len(reach), ((0, 0),) * len(reach)
        pads = [[0, -n % d] for n, d in zip(extents[1:-1], how.dilations, strict=True)]
        y = raw_ops.SpaceToBatchND(input=y, block_shape=how.dilations, paddings=pads)
        inner = [n + k - 1 for n, k in zip(run_time_sizes(y)[1:-1], kernel.shape[:-2], strict=True)]
        x = _convolve_adjoint(y, kernel, how._replace(dilations=ones, pads=none, padding="valid"), inner)
        x = raw_ops.BatchToSpaceND(input=x, block_shape=how.dilations, crops=[[0, 0]] * len(reach))
    else:
        padding = how.padding.upper() or _word(how, kernel, reach, sizes)
        shape = [extents[0], *(sizes if padding else reach), kernel.shape[-2]]
        transposed = raw_ops.Conv3DBackpropInputV2 if len(reach) == 3 else raw_ops.Conv2DBackpropInput
        x = transposed(
            input_sizes=_stacked(shape),
            filter=kernel,
            out_backprop=y,
            strides=[1, *how.strides, 1],
            padding=padding or "VALID",
        )
        if padding:  # the operation has cut off itself
            return x
    # Everything the samples reach, of which a window is kept: the operations would check padding against sizes that a
    # transposed convolution is free to choose.
    starts = [lo for lo, _ in how.pads]
    return window(x, [*starts, 0], [*sizes, kernel.shape[-2]])


def _word(how: Native, kernel: tf.Tensor, reach: Sequence[Any], sizes: Sequence[Any]) -> str:
    """Return the padding by which an adjoint operation would keep the same window, none where there is none."""
    if not all(isinstance(n, int) for n in (*reach, *sizes)):
        return ""
    starts = [lo for lo, _ in how.pads]
    if not any(starts) and list(reach) == list(sizes):
        return "VALID"
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(sizes, kernel.shape, how.strides, strict=False)]
    ends = [n - lo - size for n, lo, size in zip(reach, starts, sizes, strict=True)]
    return "SAME" if [(n // 2, n - n // 2) for n in total] == list(zip(starts, ends, strict=True)) else ""


def _stacked(shape: Sequence[Any]) -> Any:
    return list(shape) if all(isinstance(n, int) for n in shape) else tf.stack(shape)


def _depthwise_adjoint(y: tf.Tensor, kernel: tf.Tensor, how: Native, sizes: list[Any]) -> tf.Tensor:
    batch = run_time_sizes(y)[0]
    if max(how.dilations) == 1 and how.strides[0] == how.strides[1]:
        if not how.depthwise:
            kernel = tf.reshape(kernel, [*kernel.shape[:-2], how.groups, kernel.shape[-1] // how.groups])
        # As samples reach: of which a window is kept where no word says it.
        reach = [n + lo + hi for n, (lo, hi) in zip(sizes, how.pads, strict=True)]
        x = raw_ops.DepthwiseConv2dNativeBackpropInput(
            input_sizes=_stacked([batch, *(sizes if how.padding else reach), how.groups]),
            filter=kernel,
            out_backprop=y,
            strides=[1, *how.strides, 1],
            padding=how.padding.upper() or "VALID",
        )
        return x if how.padding else window(x, [*(lo for lo, _ in how.pads), 0], [*sizes, how.groups])
    with tf.GradientTape() as tape:
        x = tf.zeros(tf.stack([batch, *sizes, how.groups]), y.dtype)
        tape.watch(x)
        value = _depthwise(x, kernel, how)
    return tape.gradient(value, x, y)


def depthwise_correlate(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Correlate channel by channel with TensorFlow's convolutions, channels last.

    The layout is always named: without it the second gradient of a convolution fails in eager code.
    """
    rank, channels = kernel.shape.rank - 1, kernel.shape[0]
    if channels == 1:
        return _one_channel(x, kernel, rank)
    if rank == 1:  # as a picture one sample high
        return raw_ops.Squeeze(
            input=depthwise_correlate(raw_ops.ExpandDims(input=x, axis=2), raw_ops.ExpandDims(input=kernel, axis=1)),
            axis=[2],
        )
    x = transpose(x, [0, *range(2, rank + 2), 1])
    kernel = raw_ops.ExpandDims(input=transpose(kernel, [*range(1, rank + 1), 0]), axis=-1)
    y = raw_ops.DepthwiseConv2dNative(
        input=x, filter=kernel, strides=[1] * (rank + 2), padding="VALID", data_format="NHWC"
    )
    return transpose(y, [0, rank + 1, *range(1, rank + 1)])


def _one_channel(x: tf.Tensor, kernel: tf.Tensor, rank: int) -> tf.Tensor:
    """Correlate one channel, which may stand first or last without a sample being moved; a row is one sample high."""
    kernel = reshape(kernel, (*run_time_sizes(kernel)[0 if rank == 1 else 1 :], 1, 1))
    x = reshape(x, (-1, *run_time_sizes(x)[1 if rank == 1 else 2 :], 1))
    if rank == 3:
        y = raw_ops.Conv3D(input=x, filter=kernel, strides=[1] * 5, padding="VALID", data_format="NDHWC")
    else:
        y = raw_ops.Conv2D(input=x, filter=kernel, strides=[1] * 4, padding="VALID", data_format="NHWC")
    return raw_ops.Squeeze(input=y, axis=[3]) if rank == 1 else reshape(y, (-1, 1, *run_time_sizes(y)[1:-1]))
