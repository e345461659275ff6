"""A kernel applied to a picture, colour by colour: convolved, rounded, and compared with SciPy where that is wanted.

One colour at a time, since floating-point copies of a large picture fill the memory, and since pixels of one colour
that stand side by side are convolved faster.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import konvolve
from konvolve.command.mistake import Mistake
from konvolve.command.terminal import hushed
from konvolve.execution import kernel as kernels
from konvolve.files.pictures import Picture
from konvolve.planning.signal.plan import Plan

_ROWS = 64  # of a picture, which are rounded while they are in the cache

BACKENDS = ("numpy", "tensorflow")
LIBRARIES = ("tensorflow", "jax", "torch")
# Names of what lies beyond the edges, as numpy.pad calls it.
BOUNDARIES = {"reflect": "reflect", "symmetric": "symmetric", "nearest": "edge", "wrap": "wrap", "zero": "constant"}


@dataclass(frozen=True)
class Applied:
    """A finished convolution; `difference` is in grey levels or None, `clipped` a share of the values."""

    picture: Picture
    plan: Plan
    seconds: float
    difference: float | None
    clipped: float


def applied(
    picture: Picture, kernel: np.ndarray, backend: str, boundary: str, check: bool, step: Callable[[str], Any]
) -> Applied:
    """Convolve the colours of a picture; time that alone, and compare with SciPy if `check` is true."""
    # float32 has 24 bits: plenty for 8-bit pixels, too near the rounding of 16-bit ones.
    dtype = "float32" if picture.full_range == 255 else "float64"
    with np.errstate(over="ignore"):
        largest = np.abs(kernel).sum() * picture.full_range * picture.pixels.size  # of all sums in an FFT
    if not largest < np.finfo(dtype).max:
        raise Mistake(f"the kernel's values are too large for {dtype}; allowed: smaller ones")
    convolve = _convolution(backend, boundary, step)
    weights = kernel.astype(dtype)
    plan = _plan(picture, weights[..., 0], backend, boundary)
    pixels = picture.pixels.copy()
    seconds, difference, clipped = 0.0, 0.0, 0
    for channel in range(picture.colour.shape[2]):
        layer = min(channel, kernel.shape[2] - 1)
        step("convolving")
        image = picture.colour[..., channel].astype(dtype)
        started = time.perf_counter()
        values = convolve(image, np.ascontiguousarray(weights[..., layer]))
        seconds += time.perf_counter() - started
        del image
        if check:
            step("comparing with SciPy")
            expected = _by_scipy(picture.colour[..., channel], kernel[..., layer], boundary)
            difference = max(difference, float(np.abs(values - expected).max()))
            del expected
        clipped += _rounded(values, pixels[..., channel])
        del values
    share = clipped / picture.colour.size
    return Applied(replace(picture, pixels=pixels), plan, seconds, difference if check else None, share)


def _rounded(values: np.ndarray, pixels: np.ndarray) -> int:
    """Write values into pixels of whole numbers, rounded and clipped; how many were clipped."""
    most = np.iinfo(pixels.dtype).max

    def some(first: int) -> int:
        rows = np.rint(values[first : first + _ROWS])
        clipped = np.count_nonzero(rows < 0) + np.count_nonzero(rows > most)
        pixels[first : first + _ROWS] = np.clip(rows, 0, most, out=rows)
        return int(clipped)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return sum(threads.map(some, range(0, len(values), _ROWS)))


def _convolution(backend: str, boundary: str, step: Callable[[str], Any]) -> Callable[[np.ndarray, np.ndarray], Any]:
    """The convolution of two arrays on a library, from NumPy to NumPy."""
    if backend != "tensorflow":
        return lambda image, weights: konvolve.convolve(image, weights, mode="same", boundary=boundary)
    step("starting TensorFlow")
    tf = _tensorflow()
    tf.signal.irfft2d(tf.signal.rfft2d(tf.zeros((8, 8))))  # its transforms start once, which is not the picture's time

    def convolve(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
        answer = konvolve.convolve(tf.constant(image), tf.constant(weights), mode="same", boundary=boundary)
        return np.asarray(answer)

    return convolve


def _plan(picture: Picture, weights: np.ndarray, backend: str, boundary: str) -> Plan:
    """The plan that the convolution runs, which is one pass along each axis where the kernel is a product."""
    shape = picture.pixels.shape[:2]
    dtype = weights.dtype.name
    plan = konvolve.plan(shape, weights.shape, mode="same", boundary=boundary, dtype=dtype, library=backend)
    if plan.separable is not None and kernels.terms(weights, plan.separable):
        return plan.separable
    return plan


def _by_scipy(colour: np.ndarray, layer: np.ndarray, boundary: str) -> np.ndarray:
    """The right answer for one colour, in float64."""
    import scipy.fft
    from scipy.signal import fftconvolve

    # Of an even number of taps one more lies before the centre, as SciPy has it.
    margins = [(taps // 2, (taps - 1) // 2) for taps in layer.shape]
    mode: Any = BOUNDARIES[boundary]
    padded = np.pad(colour.astype(np.float64), margins, mode=mode)
    with scipy.fft.set_workers(os.cpu_count() or 1):
        return fftconvolve(padded, layer, mode="valid")


def backend_name(name: str | None) -> str:
    """The backend asked for, NumPy by default; `Mistake` if it is unknown or not installed."""
    if name not in (None, *BACKENDS):
        raise Mistake(f"--backend {name}: unknown; allowed: {' or '.join(BACKENDS)}")
    if name == "tensorflow" and importlib.util.find_spec("tensorflow") is None:
        raise Mistake('--backend tensorflow: not installed; allowed: numpy, or pip install "konvolve[tensorflow]"')
    return name or "numpy"


def library_name(name: str | None) -> str:
    """The library that computes blocks of an array, empty for NumPy; `Mistake` if it is unknown or not installed."""
    if name in (None, "numpy"):
        return ""
    if name not in LIBRARIES:
        raise Mistake(f"--library {name}: unknown; allowed: numpy, {', '.join(LIBRARIES)}")
    if importlib.util.find_spec(str(name)) is None:
        raise Mistake(f'--library {name}: not installed; allowed: numpy, or pip install "konvolve[{name}]"')
    return str(name)


def boundary_name(name: str) -> str:
    """The boundary asked for, or `Mistake`."""
    if name not in BOUNDARIES:
        raise Mistake(f"--boundary {name}: unknown; allowed: {', '.join(BOUNDARIES)}")
    return name


def _tensorflow() -> Any:
    """TensorFlow, without its chatter; `Mistake` if the installed one is broken."""
    try:
        with hushed("TF_CPP_MIN_LOG_LEVEL", "3"):
            return importlib.import_module("tensorflow")
    except Exception as error:
        raise Mistake(f"TensorFlow is installed but broken: {error}; allowed: --backend numpy") from error
