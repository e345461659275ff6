"""More ready-made functions of other libraries: direct sums, those that are told more, and those of small calls."""

from __future__ import annotations

import numpy as np

from benchmarks.contest.contestants import EASIER, contestant
from benchmarks.contest.workloads import CALL
from konvolve.bench.libraries import as_float
from konvolve.bench.peers import in_cupy
from konvolve.bench.workloads import gaussian


@contestant("SciPy convolve, auto", needs=("scipy",), note="fft or direct, as it chooses")
def scipy_auto(w, x, k):
    from scipy import signal

    # Only in the sweeps: it takes no axes, and in the workloads it would choose fftconvolve, which is there.
    if w.batch_axes or w.operation == "correlate" or not w.name.startswith("sweep"):
        return None
    return lambda: signal.convolve(x, k, mode=w.mode)


@contestant("SciPy fftconvolve", "numpy", ("scipy",), group=CALL)
def scipy_small(w, x, k):
    from scipy import signal

    return lambda: signal.fftconvolve(x, k, mode=w.mode)


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


def _factors(w) -> list[np.ndarray]:
    """The two factors of the picture's Gaussian."""
    return [gaussian(length, 10.0) for length in w.kernel[:2]]


@contestant("scipy.ndimage, twice 1-D", needs=("scipy",), role=EASIER, note="is told the kernel's two factors")
def ndimage_separable(w, x, k):
    from scipy import ndimage

    if w.name != "face":
        return None
    rows, columns = _factors(w)

    def twice():
        y = ndimage.convolve1d(x, rows, axis=0, mode="constant", origin=-1)
        return ndimage.convolve1d(y, columns, axis=1, mode="constant", origin=-1)

    return twice


@contestant("OpenCV sepFilter2D", needs=("cv2",), role=EASIER, note="is told the kernel's two factors")
def opencv_separable(w, x, k):
    import cv2

    if w.name == "face":
        rows, columns = (np.ascontiguousarray(factor[::-1]) for factor in _factors(w))
    elif w.name == "short_signals":
        rows, columns = np.ones(1, np.float32), np.ascontiguousarray(k[0, ::-1])
    else:
        return None
    anchor = (len(columns) // 2, len(rows) // 2)
    return lambda: cv2.sepFilter2D(x, -1, columns, rows, anchor=anchor, borderType=cv2.BORDER_CONSTANT)


@contestant("cupyx.scipy.signal.oaconvolve", "cupy")
def on_gpu(w, x, k):
    if w.operation == "correlate":
        return None
    return in_cupy(
        lambda signal: as_float(w.dtype, "cupy", lambda x, k: signal.oaconvolve(x, k, mode=w.mode, axes=w.axes)), x, k
    )
