"""konvolve's own entries: the function that chooses its method, on each library."""

from __future__ import annotations

from collections.abc import Callable

from konvolve.bench.contestants import KONVOLVE, contestant
from konvolve.bench.libraries import as_float, compiled
from konvolve.bench.workloads import Workload

# How each library's users call it.
CALLED = {"numpy": "NumPy", "tensorflow": "tf.function", "jax": "jax.jit", "torch": "torch"}


def ours(function: str, w: Workload, library: str) -> Callable:
    """The function of (x, k) that calls konvolve's `function` as the workload asks."""
    import konvolve

    call = getattr(konvolve, function)
    # fftconvolve and oaconvolve have no `method`: they answer by a transform, as SciPy's do.
    return as_float(w.dtype, library, lambda x, k: call(x, k, mode=w.mode, axes=w.axes))


def _enter(function: str, library: str) -> None:
    name = f"konvolve.{function}, {CALLED[library]}"

    @contestant(name, library, ("konvolve",), role=KONVOLVE, judged=library != "numpy")
    def make(w, x, k):
        return compiled(library, ours(function, w, library), x, k) if function == w.operation else None


for _function in ("convolve", "correlate"):
    for _library in CALLED:
        _enter(_function, _library)
