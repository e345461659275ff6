"""TensorFlow's own convolutions on channels, and gradients of two operands.

Seen with TensorFlow 2.21 on CPU:

- Conv2D takes dilations and groups, its gradients do not, at least not always: phases become samples of the batch, as
  tf.nn.convolution does it, and a grouped convolution is made of one for each group (faster than one compiled by XLA).
  Conv3D takes neither, nor explicit padding.
- DepthwiseConv2dNative takes one stride for both axes and ignores dilations: tf.nn.depthwise_conv2d deals with those.
- The kernel's gradient (Conv2DBackpropFilter) falls off a cliff for long kernels: 7 s for 256 taps, 16 to 16 channels,
  two signals of 8192. ``forked`` takes it from elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends.interface import Native
from konvolve.backends.tensorflow_cuts import run_time_sizes, window
from konvolve.backends.tensorflow_support import recording, unrecorded


def forked(forward: Callable, by_first: Callable, other: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
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


def native(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    """Correlate (batch, *spatial, channels), or channels first, with (*taps, channels of a group, outputs)."""
    x = _last(x, how)
    signal = len(how.strides) == 1
    how = _as_picture(how)
    if signal:
        x, kernel = raw_ops.ExpandDims(input=x, axis=1), raw_ops.ExpandDims(input=kernel, axis=0)
    if how.groups == 1:
        y = _convolve(x, kernel, how)
    elif kernel.shape[-2] == 1:
        y = _depthwise(x, kernel, how)
    else:
        pairs = zip(tf.split(x, how.groups, axis=-1), tf.split(kernel, how.groups, axis=-1), strict=True)
        y = tf.concat([_convolve(part, own, how) for part, own in pairs], -1)
    return _back(raw_ops.Squeeze(input=y, axis=[1]) if signal else y, how)


def _padded(x: tf.Tensor, how: Native) -> tf.Tensor:
    """Return channels-last x with its padding."""
    held = run_time_sizes(x)[1:]
    pads = (*how.pads, (0, 0))
    return window(x, [-lo for lo, _ in pads], [n + lo + hi for n, (lo, hi) in zip(held, pads, strict=True)])


def _padding(pads: Sequence[tuple], sizes: Sequence[Any], kernel: tf.Tensor, how: Native) -> dict[str, Any] | None:
    """Return the options by which an operation pads itself, None where the padding is not known or negative.

    "SAME" where that comes to the same: with explicit padding the gradients of Conv2D take half as long again.
    """
    flat = [n for pad in pads for n in pad]
    if not all(isinstance(n, int) and n >= 0 for n in flat):
        return None
    if not any(flat):
        return {"padding": "VALID"}
    same = True
    for (lo, hi), n, k, s in zip(pads, sizes, kernel.shape, how.strides, strict=False):
        if s > 1 and not isinstance(n, int):
            same = False
            continue
        total = k - 1 if s == 1 else max((-(-n // s) - 1) * s + k - n, 0)
        same = same and (lo, hi) == (total // 2, total - total // 2)
    if same:
        return {"padding": "SAME"}
    return {"padding": "EXPLICIT", "explicit_paddings": [0, 0, *flat, 0, 0]}


def _convolve(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    if max(how.dilations) > 1:
        return _dilated(x, kernel, how)
    strides = [1, *how.strides, 1]
    if len(how.strides) == 3:
        return raw_ops.Conv3D(input=_padded(x, how), filter=kernel, strides=strides, padding="VALID")
    padding = _padding(how.pads, run_time_sizes(x)[1:-1], kernel, how)
    if padding is None:
        x, padding = _padded(x, how), {"padding": "VALID"}
    return raw_ops.Conv2D(input=x, filter=kernel, strides=strides, data_format="NHWC", **padding)


def _dilated(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    """Convolve the phases of the dilation as samples of the batch; there is no stride."""
    x = _padded(x, how)
    held = run_time_sizes(x)[1:-1]
    kept = [n - (k - 1) * d for n, k, d in zip(held, kernel.shape[:-2], how.dilations, strict=True)]
    x = raw_ops.SpaceToBatchND(
        input=x, block_shape=how.dilations, paddings=[[0, -n % d] for n, d in zip(held, how.dilations, strict=True)]
    )
    y = _convolve(x, kernel, how._replace(dilations=(1,) * len(held), pads=((0, 0),) * len(held)))
    return raw_ops.BatchToSpaceND(
        input=y, block_shape=how.dilations, crops=[[0, -n % d] for n, d in zip(kept, how.dilations, strict=True)]
    )


def _depthwise(x: tf.Tensor, kernel: tf.Tensor, how: Native) -> tf.Tensor:
    kernel = tf.reshape(kernel, [*kernel.shape[:-2], how.groups, kernel.shape[-1] // how.groups])
    strides, dilations = how.strides, how.dilations
    if max(dilations) == 1 and strides[0] == strides[1]:
        padding = _padding(how.pads, run_time_sizes(x)[1:-1], kernel, how)
        if padding is None:
            x, padding = _padded(x, how), {"padding": "VALID"}
        return raw_ops.DepthwiseConv2dNative(
            input=x, filter=kernel, strides=[1, *strides, 1], data_format="NHWC", **padding
        )
    y = tf.nn.depthwise_conv2d(_padded(x, how), kernel, [1, 1, 1, 1], "VALID", dilations=dilations)
    return y[:, :: strides[0], :: strides[1]]


def native_adjoint(y: tf.Tensor, kernel: tf.Tensor, how: Native, sizes: Sequence[Any]) -> tf.Tensor:
    """Return the adjoint of ``native`` for inputs of these spatial sizes: every sample spread over the taps."""
    y = _last(y, how)
    signal = len(how.strides) == 1
    how = _as_picture(how)
    sizes = [1, *sizes] if signal else list(sizes)
    if signal:
        y, kernel = raw_ops.ExpandDims(input=y, axis=1), raw_ops.ExpandDims(input=kernel, axis=0)
    if how.groups == 1:
        x = _convolve_adjoint(y, kernel, how, sizes)
    elif kernel.shape[-2] == 1:
        x = _depthwise_adjoint(y, kernel, how, sizes)
    else:
        pairs = zip(tf.split(y, how.groups, axis=-1), tf.split(kernel, how.groups, axis=-1), strict=True)
        x = tf.concat([_convolve_adjoint(part, own, how, sizes) for part, own in pairs], -1)
    return _back(raw_ops.Squeeze(input=x, axis=[1]) if signal else x, how)


def _convolve_adjoint(y: tf.Tensor, kernel: tf.Tensor, how: Native, sizes: list[Any]) -> tf.Tensor:
    held = run_time_sizes(y)
    reach = [
        (n - 1) * s + (k - 1) * d + 1
        for n, k, s, d in zip(held[1:-1], kernel.shape[:-2], how.strides, how.dilations, strict=True)
    ]
    shape = [held[0], *reach, kernel.shape[-2]]
    if max(how.dilations) > 1:
        ones, none = (1,) * len(reach), ((0, 0),) * len(reach)
        pads = [[0, -n % d] for n, d in zip(held[1:-1], how.dilations, strict=True)]
        y = raw_ops.SpaceToBatchND(input=y, block_shape=how.dilations, paddings=pads)
        inner = [n + k - 1 for n, k in zip(run_time_sizes(y)[1:-1], kernel.shape[:-2], strict=True)]
        x = _convolve_adjoint(y, kernel, how._replace(dilations=ones, pads=none), inner)
        x = raw_ops.BatchToSpaceND(input=x, block_shape=how.dilations, crops=[[0, 0]] * len(reach))
    else:
        options = {
            "input_sizes": shape if all(isinstance(n, int) for n in shape) else tf.stack(shape),
            "filter": kernel,
            "out_backprop": y,
            "strides": [1, *how.strides, 1],
            "padding": "VALID",
        }
        if len(reach) == 2 and all(isinstance(n, int) for n in (*shape, *sizes)):
            ends = [(lo, n - lo - size) for (lo, _), n, size in zip(how.pads, reach, sizes, strict=True)]
            padding = _padding(ends, sizes, kernel, how)
            if padding is not None:  # the operation cuts off itself
                options |= {"input_sizes": [held[0], *sizes, kernel.shape[-2]], **padding}
                return raw_ops.Conv2DBackpropInput(**options)
        transposed = raw_ops.Conv3DBackpropInputV2 if len(reach) == 3 else raw_ops.Conv2DBackpropInput
        x = transposed(**options)
    # Everything the samples reach, of which a window is kept: the operations would check padding against sizes that a
    # transposed convolution is free to choose.
    starts = [lo for lo, _ in how.pads]
    return window(x, [*starts, 0], [*sizes, kernel.shape[-2]])


def _depthwise_adjoint(y: tf.Tensor, kernel: tf.Tensor, how: Native, sizes: list[Any]) -> tf.Tensor:
    batch = run_time_sizes(y)[0]
    if max(how.dilations) == 1 and how.strides[0] == how.strides[1]:
        reach = [
            (n - 1) * s + k for n, k, s in zip(run_time_sizes(y)[1:-1], kernel.shape[:-2], how.strides, strict=True)
        ]
        x = raw_ops.DepthwiseConv2dNativeBackpropInput(
            input_sizes=tf.stack([batch, *reach, how.groups]),
            filter=tf.reshape(kernel, [*kernel.shape[:-2], how.groups, kernel.shape[-1] // how.groups]),
            out_backprop=y,
            strides=[1, *how.strides, 1],
            padding="VALID",
        )
        return window(x, [*(lo for lo, _ in how.pads), 0], [*sizes, how.groups])
    with tf.GradientTape() as tape:
        x = tf.zeros(tf.stack([batch, *sizes, how.groups]), y.dtype)
        tape.watch(x)
        value = _depthwise(x, kernel, how)
    return tape.gradient(value, x, y)
