"""The image filters and data with holes: Gaussians beside SciPy's and OpenCV's, gaps beside astropy's."""

from __future__ import annotations

import functools

import numpy as np

from benchmarks.contest.contestants import contestant
from konvolve.bench.contestants import KONVOLVE
from konvolve.bench.libraries import compiled
from konvolve.bench.ours import CALLED
from konvolve.bench.workloads import SEED, Workload, gaussian

BLUR, GAPS = "blur", "gaps"
SIDE = 2048


def _sigma(w: Workload) -> float:
    return float(w.name.removeprefix("blur_"))


def _picture(w: Workload) -> tuple[np.ndarray, ...]:
    """A picture, and the kernel that it is blurred by, which only says how large it is."""
    picture = np.random.default_rng(SEED).random(w.signal, dtype=np.float32)
    return picture, np.outer(*(gaussian(length, _sigma(w)) for length in w.kernel))


def _blurred(w: Workload, x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, ...]:
    from scipy import ndimage

    return (ndimage.gaussian_filter(x.astype(np.float64), _sigma(w)),)


def _sky(w: Workload) -> tuple[np.ndarray, ...]:
    """A picture of which one sample in a hundred is missing, and a Gaussian of sum 1, in float64."""
    rng = np.random.default_rng(SEED)
    picture = rng.random(w.signal)
    picture[rng.random(w.signal) < 0.01] = np.nan
    kernel = np.outer(*(gaussian(length, 10.0).astype(np.float64) for length in w.kernel))
    return picture, kernel / kernel.sum()


def _renormalized(w: Workload, x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, ...]:
    """The sum of what is there over the kernel's share of it; beyond the edges are zeros that are there."""
    from scipy import signal

    holes = np.isnan(x)
    sums = signal.fftconvolve(np.where(holes, 0, x), k, mode="same")
    return (k.sum() * sums / (k.sum() - signal.fftconvolve(holes.astype(float), k, mode="same")),)


def _blur(sigma: int) -> Workload:
    taps = 2 * 4 * sigma + 1
    title = f"a Gaussian of sigma {sigma} on a {SIDE}x{SIDE} picture, edges mirrored"
    return Workload(
        f"blur_{sigma}", title, (SIDE, SIDE), (taps, taps), "same", (0, 1), _picture, _blurred, group=BLUR,
    )  # fmt: skip


FILTERS: dict[str, Workload] = {
    w.name: w
    for w in (
        *map(_blur, (2, 10, 30)),
        Workload(
            "gaps", f"{SIDE}x{SIDE} samples in float64, 1 % of them missing, with 61x61, same",
            (SIDE, SIDE), (61, 61), "same", (0, 1), _sky, _renormalized, group=GAPS, dtype="float64",
        ),
    )
}  # fmt: skip


def _enter(library: str) -> None:
    ours = functools.partial(contestant, library=library, needs=("konvolve",), role=KONVOLVE, judged=library != "numpy")

    @ours(f"konvolve.ndimage, {CALLED[library]}", group=BLUR)
    def blur(w, x, k):
        from konvolve import ndimage

        return compiled(library, lambda x: ndimage.gaussian_filter(x, _sigma(w)), x)

    @ours(f"konvolve, nan='omit', {CALLED[library]}", group=GAPS)
    def omit(w, x, k):
        import konvolve

        if library == "jax":  # has float64 only where the whole process is told so
            return None
        return compiled(library, lambda x, k: konvolve.convolve(x, k, "same", nan="omit"), x, k)


for _library in CALLED:
    _enter(_library)


@contestant("scipy.ndimage.gaussian_filter", needs=("scipy",), group=BLUR)
def scipys(w, x, k):
    from scipy import ndimage

    return lambda: ndimage.gaussian_filter(x, _sigma(w))


@contestant("OpenCV GaussianBlur", needs=("cv2",), group=BLUR)
def opencv(w, x, k):
    import cv2

    return lambda: cv2.GaussianBlur(x, w.kernel, _sigma(w), borderType=cv2.BORDER_REFLECT)


@contestant("astropy convolve_fft", needs=("astropy",), group=GAPS)
def astropys(w, x, k):
    from astropy.convolution import convolve_fft

    return lambda: convolve_fft(x, k, boundary="fill")
