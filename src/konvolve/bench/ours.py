"""konvolve's own entries: each function on each library, eager and compiled."""

from __future__ import annotations

from collections.abc import Callable

from konvolve.bench.contestants import (
    EASIER,
    KONVOLVE,
    NotAvailable,
    as_float,
    contestant,
    in_jax_jit,
    in_tf_function,
    in_torch,
    wait_tensorflow,
    wait_torch,
)
from konvolve.bench.workloads import CALL, Workload


def ours(function: str, w: Workload, library: str) -> Callable:
    """The function of (x, k) that calls konvolve's `function` as the workload asks."""
    import konvolve

    if not hasattr(konvolve, function):
        raise NotAvailable(f"konvolve.{function}")
    call = getattr(konvolve, function)
    # fftconvolve and oaconvolve have no `method`: they answer by a transform, as SciPy's do.
    return as_float(w, library, lambda x, k: call(x, k, mode=w.mode, axes=w.axes))


def _asked(function: str, w: Workload) -> bool:
    if function == "oaconvolve":
        return w.name == "fir"
    return (function == "correlate") == (w.operation == "correlate")


def _enter(function: str) -> None:
    # What is judged is the function that chooses for itself.
    chooses = function in ("convolve", "correlate")

    def entry(name: str, library: str, wrap: Callable, judged: bool = False) -> None:
        @contestant(
            f"konvolve.{function}, {name}", library, ("konvolve",),
            role=KONVOLVE, judged=judged,
        )  # fmt: skip
        def make(w, x, k):
            return wrap(ours(function, w, library), x, k) if _asked(function, w) else None

    entry("NumPy", "numpy", lambda convolve, x, k: lambda: convolve(x, k))
    entry("TF eager", "tensorflow", lambda convolve, x, k: lambda: wait_tensorflow(convolve(x, k)))
    entry("tf.function", "tensorflow", in_tf_function, judged=chooses)
    if chooses:
        entry("jax.jit", "jax", in_jax_jit, judged=True)
        entry("torch", "torch", in_torch, judged=True)


for _function in ("convolve", "correlate", "fftconvolve", "oaconvolve"):
    _enter(_function)


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
