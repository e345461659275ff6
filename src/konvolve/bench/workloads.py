"""What is computed: the inputs of each workload, made from a fixed seed, and the right answer in float64."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

SEED = 20240229
# The groups of workloads; a contestant is entered for one of them.
FORWARD, CALL, BACKWARD = "forward", "call", "backward"


@dataclass(frozen=True)
class Workload:
    """One question that every contestant answers.

    `inputs` makes the arrays, of `dtype`; the first two are always the signal and the kernel, with as many
    dimensions each, the kernel of size 1 or of the signal's on the axes that are not convolved. Integers are
    to be answered in float32. `aim` is the largest ratio of konvolve's time on TensorFlow to the best peer's
    that the project has promised itself (None: nothing promised), `own` the same for other libraries,
    against the functions that the same library brings.
    """

    name: str
    title: str
    signal: tuple[int, ...]
    kernel: tuple[int, ...]
    mode: str
    axes: tuple[int, ...]
    inputs: Callable[["Workload"], tuple[np.ndarray, ...]]
    reference: Callable[..., tuple[np.ndarray, ...]]
    group: str = FORWARD
    operation: str = "convolve"
    dtype: str = "float32"
    aim: float | None = None
    own: dict[str, float] = field(default_factory=lambda: {"jax": 1.0, "torch": 1.0}, compare=False)
    rivals: dict[str, float] = field(default_factory=dict, compare=False)  # instead of `aim`: each with its own
    calls: int = 1  # calls in one sample: more than one where a single call is too short for the clock
    factors: tuple[np.ndarray, ...] = field(default=(), compare=False, repr=False)  # of a separable kernel

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


def noise(w: Workload) -> tuple[np.ndarray, ...]:
    """Standard normal signal and kernel."""
    rng = np.random.default_rng(SEED)
    if w.complex:  # pairs of real numbers, seen as complex ones
        pairs = (rng.standard_normal((*shape, 2), dtype=np.float32) for shape in (w.signal, w.kernel))
        return tuple(pair.view(np.complex64)[..., 0] for pair in pairs)
    return tuple(rng.standard_normal(shape, dtype=np.float32) for shape in (w.signal, w.kernel))


def _face(w: Workload) -> tuple[np.ndarray, ...]:
    picture = np.random.default_rng(SEED).random(w.signal, dtype=np.float32)
    return picture, np.outer(*w.factors)[:, :, None]


def _reverb(w: Workload) -> tuple[np.ndarray, ...]:
    signal, tail = noise(w)
    decay = np.exp(-6.9 * np.arange(len(tail), dtype=np.float32) / len(tail))  # 60 dB over its length
    return signal, tail * decay


def _template(w: Workload) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(SEED)
    whole = w.dtype == "uint8"
    picture = rng.integers(0, 256, w.signal, np.uint8) if whole else rng.random(w.signal, dtype=np.float32)
    rows, columns = w.kernel
    return picture, picture[300 : 300 + rows, 500 : 500 + columns].copy()


def _gradient(w: Workload) -> tuple[np.ndarray, ...]:
    signal, kernel = noise(w)
    # The weight g in sum(y * g): with it the gradient that comes in is not a constant.
    return signal, kernel, np.random.default_rng(SEED + 1).standard_normal(w.signal, dtype=np.float32)


def _scipy_answer(w: Workload, x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, ...]:
    from scipy import signal

    wide = np.complex128 if w.complex else np.float64
    x, k = x.astype(wide), k.astype(wide)
    if w.operation == "correlate":
        return (signal.correlate(x, k, mode=w.mode, method="fft"),)
    return (signal.fftconvolve(x, k, mode=w.mode, axes=w.axes),)


def forward_answer(w: Workload, x: np.ndarray, k: np.ndarray, *_: np.ndarray) -> tuple[np.ndarray, ...]:
    """The right answer to the forward pass of a workload that has a backward pass as well."""
    return _scipy_answer(w, x, k)


def _scipy_gradients(w: Workload, x: np.ndarray, k: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """Gradients of s = sum(y g) to x and k, where y[i] = sum_t k[t] x[i + c - t] and c = (size of k - 1)/2.

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
    return dx, dk.sum(axis=0, keepdims=True)


def _gaussian(length: int, sigma: float) -> np.ndarray:
    t = np.arange(length) - (length - 1) / 2
    taps = np.exp(-0.5 * (t / sigma) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def _workload(name, title, signal, kernel, mode, axes, inputs=noise, reference=_scipy_answer, **more) -> Workload:
    return Workload(name, title, signal, kernel, mode, axes, inputs, reference, **more)


# What the project has promised itself of JAX, where jax.scipy.signal is the peer.
_HALF = {"jax": 0.5, "torch": 1.0}

WORKLOADS: dict[str, Workload] = {
    w.name: w
    for w in (
        _workload(
            "face", "a 768x1024 colour picture blurred by a 60x60 Gaussian, same",
            (768, 1024, 3), (60, 60, 1), "same", (0, 1), _face, aim=0.5, own=_HALF, factors=(_gaussian(60, 10.0),) * 2,
        ),
        _workload(
            "reverb", "10 s of sound at 44.1 kHz through a 2 s room, full",
            (441_000,), (88_200,), "full", (0,), _reverb, aim=0.6, own=_HALF,
        ),
        _workload(
            "fir", "10^7 samples through 1001 taps, full", (10**7,), (1001,), "full", (0,), aim=0.4, own=_HALF
        ),
        _workload(
            "volume", "a 128^3 volume with a 21^3 kernel, same",
            (128, 128, 128), (21, 21, 21), "same", (0, 1, 2), aim=0.5,
        ),
        _workload(
            "short_signals", "8192 signals of 1000 samples through the same 64 taps, same",
            (8192, 1000), (1, 64), "same", (1,), aim=0.4, own=_HALF,
        ),
        _workload(
            "template", "a 200x200 template in a 1024x1024 picture, cross-correlation, valid",
            (1024, 1024), (200, 200), "valid", (0, 1), _template, operation="correlate", aim=1.0,
        ),
        _workload(
            "template_uint8", "the same with 8 bits a pixel, answered in float32",
            (1024, 1024), (200, 200), "valid", (0, 1), _template, operation="correlate", dtype="uint8",
        ),
        _workload(
            "complex_signal", "10^6 complex samples through 1001 complex taps, full",
            (10**6,), (1001,), "full", (0,), dtype="complex64",
        ),
        _workload(
            "small_images", "1024 pictures of 64x64 with the same 9x9 kernel, same",
            (1024, 64, 64), (1, 9, 9), "same", (1, 2),
        ),
        _workload(
            "big_volume", "a 256^3 volume with a 31^3 kernel, same",
            (256, 256, 256), (31, 31, 31), "same", (0, 1, 2),
        ),
        _workload(
            "channels", "64 channels of 2^17 samples, each through its own 8192 taps, full",
            (64, 2**17), (64, 2**13), "full", (1,),
        ),
        _workload(
            "eager_small", "what one eager call costs: 64 samples and 8 taps, full",
            (64,), (8,), "full", (0,),
            group=CALL, aim=2.0, own={"numpy": 2.0, "jax": 2.0, "torch": 2.0}, calls=200,
        ),
        _workload(
            "gradient_2d", "forward and both gradients, 8x3x256x256 with 1x3x31x31, same",
            (8, 3, 256, 256), (1, 3, 31, 31), "same", (2, 3), _gradient, _scipy_gradients,
            group=BACKWARD, aim=0.5,
        ),
    )
}  # fmt: skip
