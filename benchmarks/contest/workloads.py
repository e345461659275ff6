"""The contest's questions: those of the short race, and larger, smaller, complex and 8-bit ones, and gradients."""

from __future__ import annotations

import numpy as np

from konvolve.bench import workloads
from konvolve.bench.workloads import SEED, Workload, noise, template

# The groups of workloads beside the short race's.
CALL, BACKWARD = "call", "backward"


def _gradient(w: Workload) -> tuple[np.ndarray, ...]:
    signal, kernel = noise(w)
    # The weight g in sum(y * g): with it the gradient that comes in is not a constant.
    return signal, kernel, np.random.default_rng(SEED + 1).standard_normal(w.signal, dtype=np.float32)


def _scipy_gradients(w: Workload, x: np.ndarray, k: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """The result y, and the gradients of s = sum(y g) to x and k.

    y[i] = sum_t k[t] x[i + c - t], where c = (size of k - 1)/2.

    ds/dx[m] = sum_i g[i] k[i + c - m] correlates g with k; the kernel is odd, so that its centre stays in
    place when it is flipped. ds/dk[t] = sum_i g[i] x[i + c - t] correlates x, padded by c on both sides,
    with g.
    """
    from scipy import signal

    x, k, g = (array.astype(np.float64) for array in (x, k, g))
    flip = (..., slice(None, None, -1), slice(None, None, -1))
    dx = signal.fftconvolve(g, k[flip], mode="same", axes=w.axes)
    pad = [(0, 0), (0, 0), *((w.kernel[axis] // 2,) * 2 for axis in w.axes)]
    dk = signal.fftconvolve(np.pad(x, pad), g[flip], mode="valid", axes=w.axes)[flip]
    return signal.fftconvolve(x, k, mode="same", axes=w.axes), dx, dk.sum(axis=0, keepdims=True)


WORKLOADS: dict[str, Workload] = workloads.WORKLOADS | {
    w.name: w
    for w in (
        Workload(
            "template_uint8", "the same with 8 bits a pixel, answered in float32",
            (1024, 1024), (200, 200), "valid", (0, 1), template, operation="correlate", dtype="uint8",
        ),
        Workload(
            "complex_signal", "10^6 complex samples through 1001 complex taps, full",
            (10**6,), (1001,), "full", (0,), dtype="complex64",
        ),
        Workload(
            "small_images", "1024 pictures of 64x64 with the same 9x9 kernel, same",
            (1024, 64, 64), (1, 9, 9), "same", (1, 2),
        ),
        Workload(
            "big_volume", "a 256^3 volume with a 31^3 kernel, same", (256, 256, 256), (31, 31, 31), "same", (0, 1, 2)
        ),
        Workload(
            "channels", "64 channels of 2^17 samples, each through its own 8192 taps, full",
            (64, 2**17), (64, 2**13), "full", (1,),
        ),
        Workload(
            "eager_small", "what one eager call costs: 64 samples and 8 taps, full",
            (64,), (8,), "full", (0,), group=CALL, calls=200,
        ),
        Workload(
            "gradient_2d", "forward and both gradients, 8x3x256x256 with 1x3x31x31, same",
            (8, 3, 256, 256), (1, 3, 31, 31), "same", (2, 3), _gradient, _scipy_gradients, group=BACKWARD,
        ),
    )
}  # fmt: skip
