"""Ready-made functions of other libraries, each called the way its documentation shows."""

import os

import numpy as np

from .contestants import APART, BY_HAND, contestant, in_tf_function


@contestant("SciPy fftconvolve", needs=("scipy",))
def scipy_fft(w, x, k):
    from scipy import signal

    if w.operation == "correlate":
        return lambda: signal.correlate(x, k, mode=w.mode, method="fft")
    return lambda: signal.fftconvolve(x, k, mode=w.mode, axes=w.axes)


@contestant("SciPy fftconvolve, all cores", needs=("scipy",), role=BY_HAND, note="inside scipy.fft.set_workers")
def scipy_workers(w, x, k):
    from scipy import fft

    call = scipy_fft(w, x, k)

    def with_workers():
        with fft.set_workers(os.cpu_count() or 1):
            return call()

    return with_workers


@contestant("SciPy oaconvolve", needs=("scipy",))
def scipy_overlap_add(w, x, k):
    from scipy import signal

    if w.operation == "correlate":
        k = np.flip(k)
    return lambda: signal.oaconvolve(x, k, mode=w.mode, axes=w.axes)


@contestant("scipy.ndimage", needs=("scipy",), note="direct sum", slow=("face", "volume"))
def ndimage(w, x, k):
    from scipy import ndimage

    # It knows only 'same', and its centre of an even kernel is one sample away from fftconvolve's.
    origin = [-1 if length % 2 == 0 else 0 for length in k.shape]
    if w.name in ("face", "volume"):
        return lambda: ndimage.convolve(x, k, mode="constant", origin=origin)
    if w.name == "short_signals":
        taps = k[0]
        return lambda: ndimage.convolve1d(x, taps, axis=1, mode="constant", origin=origin[1])
    return None


@contestant("scipy.ndimage, twice 1-D", needs=("scipy",), role=APART, note="is told the kernel's two factors")
def ndimage_separable(w, x, k):
    from scipy import ndimage

    if not w.factors:
        return None
    rows, columns = w.factors

    def twice():
        y = ndimage.convolve1d(x, rows, axis=0, mode="constant", origin=-1)
        return ndimage.convolve1d(y, columns, axis=1, mode="constant", origin=-1)

    return twice


@contestant("OpenCV filter2D", needs=("cv2",))
def opencv_filter(w, x, k):
    import cv2

    if w.name not in ("face", "short_signals"):
        return None
    # filter2D correlates: the kernel is turned round here, and its anchor moved to where 'same' has it. The
    # default border mirrors the picture; SciPy's is zero.
    kernel = np.ascontiguousarray(np.flip(k.squeeze(axis=2) if k.ndim == 3 else k))
    rows, columns = kernel.shape
    anchor = (columns // 2, rows // 2)
    return lambda: cv2.filter2D(x, -1, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT)


@contestant("OpenCV sepFilter2D", needs=("cv2",), role=APART, note="is told the kernel's two factors")
def opencv_separable(w, x, k):
    import cv2

    if w.name == "face":
        rows, columns = (np.ascontiguousarray(factor[::-1]) for factor in w.factors)
    elif w.name == "short_signals":
        rows, columns = np.ones(1, np.float32), np.ascontiguousarray(k[0, ::-1])
    else:
        return None
    anchor = (len(columns) // 2, len(rows) // 2)
    return lambda: cv2.sepFilter2D(x, -1, columns, rows, anchor=anchor, borderType=cv2.BORDER_CONSTANT)


@contestant("OpenCV matchTemplate", needs=("cv2",))
def opencv_match(w, x, k):
    import cv2

    if w.name != "template":
        return None
    return lambda: cv2.matchTemplate(x, k, cv2.TM_CCORR)


@contestant("jax.scipy.signal, jit", "jax")
def jax_signal(w, x, k):
    import jax
    from jax.scipy import signal

    if w.operation == "correlate":
        call = jax.jit(lambda x, k: signal.correlate(x, k, mode=w.mode, method="fft"))
    else:
        # It refuses to broadcast a kernel over the other axes; vmap with one kernel for all does the same
        # and transforms the kernel once.
        k = k.squeeze(axis=w.batch_axes)

        def convolve(x, k):
            return signal.fftconvolve(x, k, mode=w.mode)

        for axis in w.batch_axes:
            convolve = jax.vmap(convolve, in_axes=(axis, None), out_axes=axis)
        call = jax.jit(convolve)
    return lambda: call(x, k).block_until_ready()


def _zeros_around(w) -> list[tuple[int, int]]:
    """Zeros before and after the signal on each convolved axis, after which 'valid' is the wanted part."""
    sizes = [(w.signal[axis], w.kernel[axis]) for axis in w.axes]
    return [(k - 1 - first, first + length - n) for (n, k), (first, length) in zip(sizes, w.crop, strict=True)]


# In these a network's own convolution takes seconds.
SLOW = ("face", "fir", "volume", "template")


# A network's own convolution, as a Keras or torch user has it: what a long kernel costs without a transform.
# It correlates, so the kernel is turned round beforehand. For `reverb` it would take minutes.
@contestant("tf.nn convolution", "tensorflow", note="direct sum", slow=SLOW)
def tf_stock(w, x, k):
    import tensorflow as tf

    if w.name == "reverb":
        return None
    pads = [(0, 0), *_zeros_around(w), (0, 0)]
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


@contestant("torch.nn.functional conv", "torch", note="direct sum", slow=SLOW)
def torch_stock(w, x, k):
    import torch

    if w.name == "reverb":
        return None
    conv = getattr(torch.nn.functional, f"conv{len(w.axes)}d")
    # torch counts padding from the last axis.
    pads = [side for pair in reversed(_zeros_around(w)) for side in pair]
    k = k if w.operation == "correlate" else k.flip(w.axes)
    if w.name == "face":
        filters = k.permute(2, 0, 1)[:, None].repeat(3, 1, 1, 1)
        images = x.permute(2, 0, 1)[None]

        def blur():
            return conv(torch.nn.functional.pad(images, pads), filters, groups=3)[0].permute(1, 2, 0)

        return _torch_call(blur)
    filters = k.reshape([1, 1] + [w.kernel[axis] for axis in w.axes])
    images = x[:, None] if w.batch_axes else x[None, None]

    def convolve():
        y = conv(torch.nn.functional.pad(images, pads), filters)
        return y[:, 0] if w.batch_axes else y[0, 0]

    return _torch_call(convolve)


def _torch_call(function):
    import torch

    def call():
        with torch.inference_mode():
            return function()

    return call
