"""The convolutions of neural networks, asked the workloads' questions: the libraries' own, and those by transforms.

They correlate, so the kernel is turned round, outside the time. Batch axes become a network's batch, or its channels
where each has a kernel of its own.
"""

from __future__ import annotations

import math

from benchmarks.contest.contestants import contestant
from konvolve.bench.libraries import in_tf_function, in_torch

# In these a direct sum takes seconds, or minutes.
SLOW = ("face", "fir", "volume", "template", "complex_signal")
NEVER = ("reverb", "channels", "big_volume")


def zeros_around(w) -> list[tuple[int, int]]:
    """Zeros before and after the signal on each convolved axis, after which 'valid' is the wanted part."""
    sizes = [(w.signal[axis], w.kernel[axis]) for axis in w.axes]
    return [(k - 1 - first, first + length - n) for (n, k), (first, length) in zip(sizes, w.crop, strict=True)]


@contestant("tf.nn convolution", "tensorflow", note="direct sum", slow=SLOW)
def tf_stock(w, x, k):
    import tensorflow as tf

    if w.name in NEVER or w.complex or w.dtype == "uint8":
        return None
    pads = [(0, 0), *zeros_around(w), (0, 0)]
    k = k if w.operation == "correlate" else tf.reverse(k, w.axes)
    if w.name == "face":  # the colours are channels, each with the same filter
        filters = tf.tile(k[..., None], (1, 1, 3, 1))

        def blur(x, f):
            return tf.nn.depthwise_conv2d(tf.pad(x[None], pads), f, [1, 1, 1, 1], "VALID")[0]

        return in_tf_function(blur, x, filters)
    batch = [w.signal[axis] for axis in w.batch_axes] or [1]
    space = [w.signal[axis] for axis in w.axes]
    filters = tf.reshape(k, [w.kernel[axis] for axis in w.axes] + [1, 1])

    def convolve(x, f):
        x = tf.pad(tf.reshape(x, [*batch, *space, 1]), pads)
        y = tf.nn.convolution(x, f, padding="VALID")
        return y[..., 0] if w.batch_axes else y[0, ..., 0]

    return in_tf_function(convolve, x, filters)


def torch_layer(w, conv):
    """A function of (x, k), torch tensors, that asks a network's convolution `conv(x, k, groups=...)`."""
    import torch

    rank = len(w.axes)
    there = [*w.batch_axes, *w.axes]
    back = [there.index(axis) for axis in range(len(there))]
    # torch counts padding from the last axis.
    pads = [side for pair in reversed(zeros_around(w)) for side in pair]
    channels = math.prod(w.kernel[axis] for axis in w.batch_axes)
    batch = [w.signal[axis] for axis in w.batch_axes]

    def convolve(x, k):
        k = k if w.operation == "correlate" else k.flip(w.axes)
        x, k = x.permute(there), k.permute(there)
        space = x.shape[len(batch) :]
        x = torch.nn.functional.pad(x.reshape(-1, channels, *space), pads)
        y = conv(x, k.reshape(channels, 1, *k.shape[-rank:]), groups=channels)
        return y.reshape(*batch, *y.shape[2:]).permute(back)

    return convolve


def torch_stock(w):
    """Torch's own convolution of the workload's rank."""
    import torch

    return getattr(torch.nn.functional, f"conv{len(w.axes)}d")


def torch_fftconv(w):
    """torch-fftconv's convolution of the workload's rank."""
    import torch_fftconv as library

    return getattr(library, f"fft_conv{len(w.axes)}d")


def fft_conv_pytorch(w):
    """fft-conv-pytorch's convolution, of any rank."""
    import warnings

    import fft_conv_pytorch as library

    def conv(*arguments, **options):
        with warnings.catch_warnings():  # version 1.2.0 indexes with a list, of which PyTorch 2.9 and later warn
            warnings.simplefilter("ignore")
            return library.fft_conv(*arguments, **options)

    return conv


@contestant("torch.nn.functional conv", "torch", note="direct sum", slow=SLOW)
def torch_direct(w, x, k):
    if w.name in NEVER or w.complex or w.dtype == "uint8":
        return None
    return in_torch(torch_layer(w, torch_stock(w)), x, k)


@contestant("torch-fftconv", "torch", ("torch_fftconv",))
def torch_by_transforms(w, x, k):
    if w.complex or w.dtype == "uint8":
        return None
    return in_torch(torch_layer(w, torch_fftconv(w)), x, k)


@contestant("fft-conv-pytorch", "torch", ("fft_conv_pytorch",))
def fkodom(w, x, k):
    if w.complex or w.dtype == "uint8":  # its complex result is wrong
        return None
    return in_torch(torch_layer(w, fft_conv_pytorch(w)), x, k)
