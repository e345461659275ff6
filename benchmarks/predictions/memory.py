"""How good the prediction of memory is: every method on some questions, each in a fresh process.

The peak is that of the process's resident memory during one call, above the inputs; what compiling takes is left out,
for it does not grow with the arrays. The C library is told to give freed arrays back at once: glibc keeps those below
32 MiB, and how much of them is used again differs from run to run.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import process

# Measured of predicted: a plan that takes more than it said breaks its ceiling, one that takes far less is not chosen
# where it would do.
AIM = 1.1
LEAST = 0.6
# A method predicted to take so many seconds is left out.
TOO_LONG = 8.0
METHODS = ("direct", "fft", "overlap", "matrix", "separable")

# Ways of calling: (library, compiled). Compiled code allocates by another plan than eager code, so it is its own row.
WAYS = {
    "numpy": ("numpy", False),
    "tensorflow": ("tensorflow", False),
    "tf.function": ("tensorflow", True),
    "jax": ("jax", True),  # an eager call is compiled as a whole, too
    "torch": ("torch", False),
}
# Arrays of so many bytes are given back to the system as soon as they are freed.
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": str(2**16)}
# Samples of a call that starts a library's threads.
SMALL = 2**18
# TensorFlow works on its operations in an order that differs from run to run.
RUNS = {"tensorflow": 3, "tf.function": 3}


@dataclass(frozen=True)
class Question:
    """What `konvolve.convolve` is asked, but for the method; ``part`` is max_memory as a part of the prediction."""

    signal: tuple[int, ...]
    kernel: tuple[int, ...]
    mode: str = "full"
    axes: tuple[int, ...] | None = None
    boundary: str = "zero"
    dtype: str = "float32"
    part: float | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The arguments beside the arrays and the method."""
        return {"mode": self.mode, "axes": self.axes, "boundary": self.boundary}

    def limit(self, library: str, method: str) -> int | None:
        """The ceiling of memory, if there is one; a ValueError where the method has no plan for this question."""
        if self.part is None:
            return None
        free = replace(self, part=None).plan(library, method)
        if free is None:
            raise ValueError(f"no plan for {method}")
        return int(self.part * free.bytes)

    def plan(self, library: str, method: str) -> Any:
        """The plan; None where the method has none for this question."""
        import konvolve

        options = self.options | {"dtype": self.dtype, "library": library, "method": method}
        try:
            limit = self.limit(library, method)
            plan = konvolve.plan(self.signal, self.kernel, **options, max_memory=limit)
        except ValueError:
            return None
        return plan if plan.method == method else None


QUESTIONS = {
    "signal": Question((10_000_000,), (1001,)),
    "short kernel": Question((6_000_000,), (15,)),
    "long kernel": Question((4_000_000,), (2_000_000,)),
    "double": Question((3_000_000,), (201,), "same", dtype="float64"),
    "complex": Question((4_000_000,), (301,), dtype="complex64"),
    "rows": Question((4096, 3000), (1, 64), "same", (1,)),
    "columns": Question((3000, 2048), (48, 1), "same", (0,)),
    "picture": Question((3000, 3000), (31, 31), "same"),
    "small kernel": Question((3000, 4000), (5, 5)),
    "channels": Question((2000, 1600, 3), (25, 25, 1), "same", (0, 1)),
    "batch": Question((40, 512, 512), (1, 15, 15), "valid", (1, 2)),
    "mirrored": Question((2500, 3000), (21, 21), "same", boundary="symmetric"),
    "wound": Question((2500, 3000), (61, 61), "same", boundary="wrap"),
    "volume": Question((200, 200, 200), (17, 17, 17), "same"),
    "small volume": Question((200, 220, 240), (3, 3, 3)),
    "integers": Question((2000, 1500), (9, 9), "same", dtype="int32"),
    "long integers": Question((4_000_000,), (300,), dtype="int32"),
    "few integers": Question((4_000_000,), (5,), dtype="int32"),
    "reflected": Question((4_000_000,), (300,), "same", boundary="reflect"),
    "reflected picture": Question((2000, 2000), (60, 60), "same", boundary="reflect"),
    "chunks": Question((64, 400, 400), (1, 60, 60), "same", (1, 2), part=0.5),
    "less": Question((10_000_000,), (1001,), part=0.9),
}
QUICK = ("signal", "picture", "volume")


def cases(libraries: Sequence[str], quick: bool) -> list[tuple[str, str, str]]:
    """(way, question, method) of all there is to measure."""
    ways = [way for way, (library, _) in WAYS.items() if library in libraries]
    found = [(way, name, method) for way in ways for name in (QUICK if quick else QUESTIONS) for method in METHODS]
    return [case for case in found if _asked(*case)]


def _asked(way: str, name: str, method: str) -> bool:
    plan = QUESTIONS[name].plan(profile(WAYS[way][0]), method)
    hidden = method == "separable" and way == "tf.function"  # whether a kernel is a product is seen in its values
    return plan is not None and not hidden and plan.seconds <= TOO_LONG


def profile(library: str) -> str:
    """The planning constants of a library as it is without further ado."""
    return "jax32" if library == "jax" else library


def measured(asked: Sequence[tuple[str, str, str]], advance: Callable[[], None]) -> list[dict]:
    """Predicted and measured bytes of each case."""
    records = []
    for way, name, method in asked:
        plan = QUESTIONS[name].plan(profile(WAYS[way][0]), method)
        record: dict = {"way": way, "question": name, "method": method, "predicted": plan.bytes, "peaks": []}
        for _ in range(RUNS.get(way, 1)):
            done = process.python("-m", "benchmarks.predictions.memory", way, name, method, **GIVE_BACK)
            if done.returncode == 0:
                record["peaks"].append(json.loads(done.stdout.splitlines()[-1])["peak"])
            else:  # killed for its memory, for one
                said = done.stderr.splitlines()[-1:] or [f"exit status {done.returncode}"]
                record["failed"] = said[0][:200]
        records.append(record)
        advance()
    return records


def ratio(record: dict) -> float:
    """Measured of predicted: the median of the runs."""
    return statistics.median(record["peaks"]) / record["predicted"]


def rows(records: Sequence[dict]) -> tuple[list[str], list[list[str]]]:
    """Head and body of a table: a line for each question and method, a column for each way."""
    ways = list(dict.fromkeys(record["way"] for record in records))
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for record in records:
        if record["peaks"]:
            peak, each = statistics.median(record["peaks"]), ratio(record)
            off = "" if LEAST <= each <= AIM else " !" if each <= AIM else " !!"
            cell = f"{peak / 2**20:.0f} / {record['predicted'] / 2**20:.0f} = {each:.2f}{off}"
        else:
            cell = record["failed"]
        lines.setdefault((record["question"], record["method"]), {})[record["way"]] = cell
    body = [[*key, *(line.get(way, "") for way in ways)] for key, line in lines.items()]
    return ["question", "method", *(f"{way}, MiB measured / predicted" for way in ways)], body


def verdict(records: Sequence[dict]) -> str:
    """One sentence on all of them."""
    ratios = [ratio(record) for record in records if record["peaks"]]
    within = sum(LEAST <= each <= AIM for each in ratios)
    over = sum(each > AIM for each in ratios)
    return (
        f"{within} of {len(ratios)} take {LEAST} to {AIM} of what was predicted; {over} more (!!), "
        f"{len(ratios) - within - over} less (!)"
    )


def plot(records: Sequence[dict]) -> Any:
    """Measured against predicted, a panel for each way."""
    from matplotlib.figure import Figure

    from benchmarks.predictions.validate import COLOURS

    ways = list(dict.fromkeys(record["way"] for record in records))
    figure = Figure(figsize=(3.2 * len(ways), 4.4), layout="constrained", dpi=120)
    grid = figure.subplots(1, len(ways), squeeze=False, sharex=True, sharey=True)[0]
    for axes, way in zip(grid, ways, strict=True):
        for method, colour in COLOURS.items():
            found = [each for each in records if (each["way"], each["method"]) == (way, method) and each["peaks"]]
            sizes = [each["predicted"] / 2**20 for each in found]
            axes.scatter(sizes, [ratio(each) for each in found], s=14, color=colour, linewidths=0, label=method)
        axes.axhspan(LEAST, AIM, color="0.92", zorder=0)
        axes.axhline(1, color="0.4", linewidth=0.8, zorder=1)
        axes.set(xscale="log", xlabel="predicted, MiB")
        axes.set_title(way, fontsize=10, loc="left")
    grid[0].set_ylabel("measured of predicted")
    grid[0].legend(fontsize=8, frameon=False)
    return figure


@contextlib.contextmanager
def _without_gradients(library: str) -> Iterator[None]:
    if library != "torch":
        yield
        return
    import torch

    with torch.inference_mode():
        yield


def _array(question: Question, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kind = np.dtype(question.dtype)
    if kind.kind in "iu":  # of all magnitudes: NumPy looks at them
        return rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, kind)
    if kind.kind == "c":
        pairs: np.ndarray = rng.standard_normal((*shape, 2), dtype=np.float32)
        return pairs.view(kind)[..., 0]
    return rng.standard_normal(shape, dtype=kind.type)


def _kernel(question: Question, method: str) -> np.ndarray:
    if method != "separable":
        return _array(question, question.kernel, 2)
    rank = len(question.kernel)
    factors = [
        _array(question, (n,), 2 + axis).reshape([n if axis == other else 1 for other in range(rank)])
        for axis, n in enumerate(question.kernel)
    ]
    return math.prod(factors[1:], start=factors[0])


def one_call(way: str, question: Question, method: str) -> int:
    """Run in the fresh process: the bytes that one call needs above its inputs."""
    import konvolve
    from konvolve.bench.libraries import to_library
    from konvolve.bench.measure import as_arrays

    library, compiled = WAYS[way]
    options = question.options | {"method": method}
    limit = question.limit(profile(library), method)

    def convolve(x: Any, k: Any) -> Any:
        return konvolve.convolve(x, k, **options, max_memory=limit)

    # A small call first: what a library loads or sets up once is not the memory of this convolution.
    most = round(SMALL ** (1 / len(question.signal)))
    small = [
        np.ones([min(n, m) for n in shape], question.dtype)
        for shape, m in ((question.signal, most), (question.kernel, 8))
    ]
    with _without_gradients(library):
        x = to_library(library, _array(question, question.signal, 1))
        k = to_library(library, _kernel(question, method))
        # Now, because TensorFlow keeps the arrays that it has copied until its next operations.
        for each in (method, "fft"):  # passes of a separable kernel may be transforms
            konvolve.convolve(*(to_library(library, array) for array in small), **options | {"method": each})
        call: Callable = convolve
        if compiled and library == "tensorflow":
            import tensorflow as tf

            call = tf.function(convolve).get_concrete_function(x, k)
        elif compiled:
            import jax

            call = jax.jit(convolve).lower(x, k).compile() if method != "separable" else _warm(convolve, x, k)
        process.forget_peak()
        before = process.highest_bytes()
        answer = call(x, k)
        if hasattr(answer, "block_until_ready"):
            answer.block_until_ready()
        peak = process.highest_bytes() - before
    assert np.isfinite(as_arrays(answer)[0].flat[-1])
    return peak


def _warm(function: Callable, x: Any, k: Any) -> Callable:
    """A kernel's values decide about its factors, and are not seen under jit: the first call compiles, then."""
    function(x, k).block_until_ready()
    return function


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(json.dumps({"peak": one_call(sys.argv[1], QUESTIONS[sys.argv[2]], sys.argv[3])}))
