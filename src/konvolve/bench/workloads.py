"""What is computed: the inputs of each workload, made from a fixed seed, and the right answer in float64."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SEED = 20240229
FORWARD = "forward"  # the group of these workloads; a contestant is entered for one group


def noise(w: "Workload") -> tuple[np.ndarray, ...]:
    """Standard normal signal and kernel."""
    rng = np.random.default_rng(SEED)
    if w.complex:  # pairs of real numbers, seen as complex ones
        pairs = (rng.standard_normal((*shape, 2), dtype=np.float32) for shape in (w.signal, w.kernel))
        return tuple(pair.view(np.complex64)[..., 0] for pair in pairs)
    return tuple(rng.standard_normal(shape, dtype=np.float32) for shape in (w.signal, w.kernel))


def answer(w: "Workload", x: np.ndarray, k: np.ndarray, *_: np.ndarray) -> tuple[np.ndarray, ...]:
    """What SciPy answers in float64."""
    from scipy import signal

    wide = np.complex128 if w.complex else np.float64
    x, k = x.astype(wide), k.astype(wide)
    if w.operation == "correlate":
        return (signal.correlate(x, k, mode=w.mode, method="fft"),)
    return (signal.fftconvolve(x, k, mode=w.mode, axes=w.axes),)


@dataclass(frozen=True)
class Workload:
    """One question that every contestant answers.

    `inputs` makes the arrays, of `dtype`; the first two are always the signal and the kernel, with as many
    dimensions each, the kernel of size 1 or of the signal's on the axes that are not convolved. Integers are
    to be answered in float32. `reference` gives the right answer to them, or None where none is checked.
    """

    name: str
    title: str
    signal: tuple[int, ...]
    kernel: tuple[int, ...]
    mode: str
    axes: tuple[int, ...]
    inputs: Callable[["Workload"], tuple[np.ndarray, ...]] = noise
    reference: Callable[..., tuple[np.ndarray, ...] | None] = answer
    group: str = FORWARD
    operation: str = "convolve"
    dtype: str = "float32"
    calls: int = 1  # calls in one sample: more than one where a single call is too short for the clock

    @property
    def batch_axes(self) -> tuple[int, ...]:
        """The axes that are not convolved."""
        return tuple(axis for axis in range(len(self.signal)) if axis not in self.axes)

    @property
    def full(self) -> tuple[int, ...]:
        """Length of the whole convolution on each of `axes`: n + k - 1."""
        return tuple(self.signal[axis] + self.kernel[axis] - 1 for axis in self.axes)

    @property
    def crop(self) -> tuple[tuple[int, int], ...]:
        """(first, length) of the wanted part of the whole convolution on each of `axes`."""
        sizes = [(self.signal[axis], self.kernel[axis]) for axis in self.axes]
        if self.mode == "full":
            return tuple((0, n + k - 1) for n, k in sizes)
        if self.mode == "same":
            return tuple(((k - 1) // 2, n) for n, k in sizes)
        return tuple((k - 1, n - k + 1) for n, k in sizes)

    @property
    def shared_kernel(self) -> bool:
        """Whether one kernel serves the whole batch."""
        return all(self.kernel[axis] == 1 for axis in self.batch_axes)

    @property
    def complex(self) -> bool:
        """Whether the inputs are complex."""
        return self.dtype.startswith("complex")

    def tolerance(self) -> float:
        """Largest error allowed, as a part of the largest value of the answer.

        A transform of length L in float32 has an error of about eps log2(L), spread evenly over the answer; a
        plain sum of n terms one of about eps sqrt(n). The factors leave room for the constants. An answer
        that is shifted by one sample, or turned round, is wrong by thousands of times more, and one computed
        in half precision by ten times.
        """
        eps = float(np.finfo(np.float32).eps)
        return eps * max(8 * math.log2(math.prod(self.full)), 2 * math.sqrt(math.prod(self.kernel)))


def gaussian(length: int, sigma: float) -> np.ndarray:
    """The taps of a Gaussian, of sum 1."""
    t = np.arange(length) - (length - 1) / 2
    taps = np.exp(-0.5 * (t / sigma) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def _face(w: Workload) -> tuple[np.ndarray, ...]:
    picture = np.random.default_rng(SEED).random(w.signal, dtype=np.float32)
    return picture, np.outer(*(gaussian(length, 10.0) for length in w.kernel[:2]))[:, :, None]


def _reverb(w: Workload) -> tuple[np.ndarray, ...]:
    signal, tail = noise(w)
    decay = np.exp(-6.9 * np.arange(len(tail), dtype=np.float32) / len(tail))  # 60 dB over its length
    return signal, tail * decay


def template(w: Workload) -> tuple[np.ndarray, ...]:
    """A picture, and a part of it."""
    rng = np.random.default_rng(SEED)
    whole = w.dtype == "uint8"
    picture = rng.integers(0, 256, w.signal, np.uint8) if whole else rng.random(w.signal, dtype=np.float32)
    rows, columns = w.kernel
    return picture, picture[300 : 300 + rows, 500 : 500 + columns].copy()


WORKLOADS: dict[str, Workload] = {
    w.name: w
    for w in (
        Workload(
            "face", "a 768x1024 colour picture blurred by a 60x60 Gaussian, same",
            (768, 1024, 3), (60, 60, 1), "same", (0, 1), _face,
        ),
        Workload(
            "reverb", "10 s of sound at 44.1 kHz through a 2 s room, full",
            (441_000,), (88_200,), "full", (0,), _reverb,
        ),
        Workload("fir", "10^7 samples through 1001 taps, full", (10**7,), (1001,), "full", (0,)),
        Workload(
            "volume", "a 128^3 volume with a 21^3 kernel, same", (128, 128, 128), (21, 21, 21), "same", (0, 1, 2)
        ),
        Workload(
            "short_signals", "8192 signals of 1000 samples through the same 64 taps, same",
            (8192, 1000), (1, 64), "same", (1,),
        ),
        Workload(
            "template", "a 200x200 template in a 1024x1024 picture, cross-correlation, valid",
            (1024, 1024), (200, 200), "valid", (0, 1), template, operation="correlate",
        ),
    )
}  # fmt: skip
