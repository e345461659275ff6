"""konvolve's other entries: eager TensorFlow, the functions that always transform, prepared kernels, small calls."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from benchmarks.contest.contestants import EASIER, contestant
from benchmarks.contest.workloads import CALL
from konvolve.bench.contestants import KONVOLVE
from konvolve.bench.libraries import in_tf_function, wait_tensorflow, wait_torch
from konvolve.bench.ours import ours


def _enter(function: str, name: str, library: str, called: Callable) -> None:
    @contestant(f"konvolve.{function}, {name}", library, ("konvolve",), role=KONVOLVE)
    def make(w, x, k):
        if function == "oaconvolve":
            asked = w.name == "fir"
        else:
            asked = (function == "correlate") == (w.operation == "correlate")
        return called(ours(function, w, library), x, k) if asked else None


def _in_numpy(convolve, x, k):
    return lambda: convolve(x, k)


def _in_eager_tensorflow(convolve, x, k):
    return lambda: wait_tensorflow(convolve(x, k))


for _function in ("convolve", "correlate", "fftconvolve", "oaconvolve"):
    _enter(_function, "TF eager", "tensorflow", _in_eager_tensorflow)
for _function in ("fftconvolve", "oaconvolve"):
    _enter(_function, "NumPy", "numpy", _in_numpy)
    _enter(_function, "tf.function", "tensorflow", in_tf_function)


def _enter_transforms(function: str, distribution: str) -> None:
    module = f"{distribution}.interfaces.scipy_fft"

    @contestant(
        f"konvolve.{function}, NumPy {distribution}", "numpy", ("konvolve", distribution),
        role=KONVOLVE, note=f"scipy.fft.set_backend({module})",
    )  # fmt: skip
    def make(w, x, k):
        if (function == "correlate") != (w.operation == "correlate"):
            return None
        import scipy.fft

        backend, convolve = importlib.import_module(module), ours(function, w, "numpy")

        def call():
            with scipy.fft.set_backend(backend):
                return convolve(x, k)

        return call


for _function in ("convolve", "correlate"):
    for _distribution in ("mkl_fft", "pyfftw"):
        _enter_transforms(_function, _distribution)


@contestant(
    "konvolve, kernel captured", "tensorflow", ("konvolve",),
    role=KONVOLVE, note="tf.function; the kernel is no argument: its values are known",
)  # fmt: skip
def captured(w, x, k):
    convolve = ours(w.operation, w, "tensorflow")
    return in_tf_function(lambda x: convolve(x, k), x)


@contestant(
    "konvolve.Kernel, tf.function", "tensorflow", ("konvolve",),
    role=EASIER, note="the kernel's part of the work is done before",
)  # fmt: skip
def prepared(w, x, k):
    import konvolve

    if w.dtype == "uint8":
        return None
    convolve, kernel = ours(w.operation, w, "tensorflow"), konvolve.Kernel(k)
    return in_tf_function(lambda x: convolve(x, kernel), x)


def _enter_small(name: str, library: str, wait: Callable) -> None:
    @contestant(
        f"konvolve.fftconvolve, {name}", library, ("konvolve",),
        role=KONVOLVE, group=CALL, judged=True,
    )  # fmt: skip
    def small(w, x, k):
        convolve = ours("fftconvolve", w, library)
        return lambda: wait(convolve(x, k))


def _ready(y):
    return y.block_until_ready()


_enter_small("NumPy", "numpy", lambda y: y)
_enter_small("TF eager", "tensorflow", lambda y: y)
_enter_small("JAX eager", "jax", _ready)
_enter_small("torch eager", "torch", wait_torch)
