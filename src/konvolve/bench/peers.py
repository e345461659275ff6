"""Ready-made functions of other libraries, each called the way its documentation shows."""

from __future__ import annotations

import os

import numpy as np

from konvolve.bench.contestants import (
    BY_HAND,
    EASIER,
    NotAvailable,
    as_float,
    contestant,
    in_jax_jit,
)


def _scipy(w, x, k, overlap: bool = False):
    from scipy import signal

    if overlap:
        if w.operation == "correlate":
            k = np.flip(k)
        return as_float(w, "numpy", lambda x, k: signal.oaconvolve(x, k, mode=w.mode, axes=w.axes)), x, k
    if w.operation == "correlate":
        return as_float(w, "numpy", lambda x, k: signal.correlate(x, k, mode=w.mode, method="fft")), x, k
    return as_float(w, "numpy", lambda x, k: signal.fftconvolve(x, k, mode=w.mode, axes=w.axes)), x, k


@contestant("SciPy fftconvolve", needs=("scipy",))
def scipy_fft(w, x, k):
    call, x, k = _scipy(w, x, k)
    return lambda: call(x, k)


@contestant("SciPy fftconvolve, all cores", needs=("scipy",), role=BY_HAND, note="inside scipy.fft.set_workers")
def scipy_workers(w, x, k):
    from scipy import fft

    call, x, k = _scipy(w, x, k)

    def with_workers():
        with fft.set_workers(os.cpu_count() or 1):
            return call(x, k)

    return with_workers


@contestant("SciPy oaconvolve", needs=("scipy",))
def scipy_overlap_add(w, x, k):
    call, x, k = _scipy(w, x, k, overlap=True)
    return lambda: call(x, k)


@contestant("SciPy convolve, auto", needs=("scipy",), note="fft or direct, as it chooses")
def scipy_auto(w, x, k):
    from scipy import signal

    # Only in the sweeps: it takes no axes, and in the workloads it would choose fftconvolve, which is there.
    if w.batch_axes or w.operation == "correlate" or not w.name.startswith("sweep"):
        return None
    return lambda: signal.convolve(x, k, mode=w.mode)


@contestant("scipy.ndimage", needs=("scipy",), note="direct sum", slow=("face", "volume", "small_images"))
def ndimage(w, x, k):
    from scipy import ndimage

    # It knows only 'same', and its centre of an even kernel is one sample away from fftconvolve's.
    origin = [-1 if length % 2 == 0 else 0 for length in k.shape]
    if w.name in ("face", "volume", "small_images"):
        return lambda: ndimage.convolve(x, k, mode="constant", origin=origin)
    if w.name == "short_signals":
        taps = k[0]
        return lambda: ndimage.convolve1d(x, taps, axis=1, mode="constant", origin=origin[1])
    return None


@contestant("scipy.ndimage, twice 1-D", needs=("scipy",), role=EASIER, note="is told the kernel's two factors")
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

    planar = w.name.startswith("sweep") and w.mode == "same" and len(w.axes) == 2
    if w.name not in ("face", "short_signals") and not planar:
        return None
    # filter2D correlates: the kernel is turned round here, and its anchor moved to where 'same' has it. The
    # default border mirrors the picture; SciPy's is zero.
    kernel = np.ascontiguousarray(np.flip(k.squeeze(axis=2) if k.ndim == 3 else k))
    rows, columns = kernel.shape
    anchor = (columns // 2, rows // 2)
    return lambda: cv2.filter2D(x, -1, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT)


@contestant("OpenCV sepFilter2D", needs=("cv2",), role=EASIER, note="is told the kernel's two factors")
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

    if w.operation != "correlate":
        return None
    return lambda: cv2.matchTemplate(x, k, cv2.TM_CCORR)


@contestant("jax.scipy.signal, jit", "jax")
def jax_signal(w, x, k):
    from jax.scipy import signal

    if w.operation == "correlate":
        return in_jax_jit(as_float(w, "jax", lambda x, k: signal.correlate(x, k, mode=w.mode, method="fft")), x, k)
    # It refuses to broadcast a kernel over the other axes; vmap with one kernel for all does the same and
    # transforms the kernel once.
    axes_of_k = 0
    if w.shared_kernel:
        k, axes_of_k = k.squeeze(axis=w.batch_axes), None

    def convolve(x, k):
        return signal.fftconvolve(x, k, mode=w.mode)

    for axis in w.batch_axes:
        convolve = _mapped(convolve, axis, axes_of_k)
    return in_jax_jit(convolve, x, k)


def _mapped(convolve, axis, axes_of_k):
    import jax

    return jax.vmap(convolve, in_axes=(axis, axes_of_k), out_axes=axis)


def _enter_cupy(function: str) -> None:
    @contestant(f"cupyx.scipy.signal.{function}", "cupy")
    def on_gpu(w, x, k):
        import cupy
        from cupyx.scipy import signal

        if cupy.cuda.runtime.getDeviceCount() == 0:
            raise NotAvailable("no GPU")
        if (function == "correlate") != (w.operation == "correlate"):
            return None
        if function == "correlate":
            convolve = as_float(w, "cupy", lambda x, k: signal.correlate(x, k, mode=w.mode, method="fft"))
        else:
            call = getattr(signal, function)
            convolve = as_float(w, "cupy", lambda x, k: call(x, k, mode=w.mode, axes=w.axes))

        def finished():
            y = convolve(x, k)
            cupy.cuda.get_current_stream().synchronize()
            return y

        return finished


for _function in ("fftconvolve", "oaconvolve", "correlate"):
    _enter_cupy(_function)
