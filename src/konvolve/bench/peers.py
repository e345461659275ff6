"""What other libraries bring for the same question, each called the way its documentation shows."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from konvolve.bench.contestants import BY_HAND, contestant
from konvolve.bench.libraries import NotAvailable, as_float, in_jax_jit, in_torch


def by_transforms(w, signal, library: str) -> Callable:
    """The function of (x, k) that asks a module like scipy.signal for one transform of the full length."""
    if w.operation == "correlate":
        return as_float(w.dtype, library, lambda x, k: signal.correlate(x, k, mode=w.mode, method="fft"))
    return as_float(w.dtype, library, lambda x, k: signal.fftconvolve(x, k, mode=w.mode, axes=w.axes))


@contestant("SciPy fftconvolve", needs=("scipy",))
def scipy_fft(w, x, k):
    from scipy import signal

    call = by_transforms(w, signal, "numpy")
    return lambda: call(x, k)


@contestant("SciPy fftconvolve, all cores", needs=("scipy",), role=BY_HAND, note="inside scipy.fft.set_workers")
def scipy_workers(w, x, k):
    from scipy import fft, signal

    call = by_transforms(w, signal, "numpy")

    def with_workers():
        with fft.set_workers(os.cpu_count() or 1):
            return call(x, k)

    return with_workers


@contestant("SciPy oaconvolve", needs=("scipy",))
def scipy_overlap_add(w, x, k):
    from scipy import signal

    k = np.flip(k) if w.operation == "correlate" else k
    call = as_float(w.dtype, "numpy", lambda x, k: signal.oaconvolve(x, k, mode=w.mode, axes=w.axes))
    return lambda: call(x, k)


@contestant("OpenCV filter2D", needs=("cv2",))
def opencv_filter(w, x, k):
    import cv2

    planes = len(w.signal) == 2 or (len(w.signal) == 3 and w.axes == (0, 1) and w.signal[2] <= 4)
    if not (planes and w.mode == "same" and w.shared_kernel and w.dtype == "float32" and w.operation == "convolve"):
        return None
    # filter2D correlates: the kernel is turned round here, and its anchor moved to where 'same' has it. The
    # default border mirrors the picture; SciPy's is zero.
    kernel = np.ascontiguousarray(np.flip(k.squeeze(axis=2) if k.ndim == 3 else k))
    rows, columns = kernel.shape
    anchor = (columns // 2, rows // 2)
    return lambda: cv2.filter2D(x, -1, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT)


@contestant("OpenCV matchTemplate", needs=("cv2",))
def opencv_match(w, x, k):
    import cv2

    if w.operation != "correlate":
        return None
    return lambda: cv2.matchTemplate(x, k, cv2.TM_CCORR)


@contestant("jax.scipy.signal, jit", "jax")
def jax_signal(w, x, k):
    import jax
    from jax.scipy import signal

    if w.operation == "correlate":
        return in_jax_jit(by_transforms(w, signal, "jax"), x, k)
    # It refuses to broadcast a kernel over the other axes; vmap with one kernel for all does the same and
    # transforms the kernel once.
    axes_of_k = 0
    if w.shared_kernel:
        k, axes_of_k = k.squeeze(axis=w.batch_axes), None

    def convolve(x, k):
        return signal.fftconvolve(x, k, mode=w.mode)

    for axis in w.batch_axes:
        convolve = jax.vmap(convolve, in_axes=(axis, axes_of_k), out_axes=axis)
    return in_jax_jit(convolve, x, k)


def torch_convolve(w, lengths) -> Callable:
    """The function of (x, k), torch tensors, that convolves by transforms of these lengths."""
    import torch

    forward, inverse = (torch.fft.fftn, torch.fft.ifftn) if w.complex else (torch.fft.rfftn, torch.fft.irfftn)

    def convolve(x, k):
        if w.operation == "correlate":
            k = k.flip(w.axes)
        y = inverse(forward(x, lengths, dim=w.axes) * forward(k, lengths, dim=w.axes), lengths, dim=w.axes)
        for axis, (first, length) in zip(w.axes, w.crop, strict=True):
            y = y.narrow(axis, first, length)
        return y

    return as_float(w.dtype, "torch", convolve)


@contestant("torch rfft formula, n + k - 1", "torch", note="as torchaudio.functional.fftconvolve")
def torch_formula(w, x, k):
    return in_torch(torch_convolve(w, w.full), x, k)


@contestant("cupyx.scipy.signal.fftconvolve", "cupy")
def on_gpu(w, x, k):
    return in_cupy(lambda signal: by_transforms(w, signal, "cupy"), x, k)


def in_cupy(made: Callable, x, k) -> Callable:
    """What `made` makes of CuPy's module for signals, called until the GPU has finished."""
    import cupy
    from cupyx.scipy import signal

    if cupy.cuda.runtime.getDeviceCount() == 0:
        raise NotAvailable("no GPU")
    convolve = made(signal)

    def finished():
        y = convolve(x, k)
        cupy.cuda.get_current_stream().synchronize()
        return y

    return finished
