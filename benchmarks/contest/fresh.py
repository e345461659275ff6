"""What only a fresh process shows: the time to import konvolve, and the peak of memory of one call."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import statistics
import sys
from collections.abc import Callable

from benchmarks.process import forget_peak, highest_bytes, python

# (workload, function, library); SciPy's functions take NumPy arrays.
PEAKS = [
    (workload, function, library)
    for workload in ("fir", "face", "volume")
    for library in ("konvolve-numpy", "konvolve-tensorflow", "scipy")
    for function in ("fftconvolve", "oaconvolve")
]
IMPORT_AIM_S = 0.2
ARRAY_LIBRARIES = ("tensorflow", "jax", "torch", "keras", "dask")

_IMPORT = """
import sys, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start, *sorted({libraries} & set(sys.modules)))
"""


def import_time(repeats: int, advance: Callable[[], None]) -> dict:
    """Median seconds of ``import konvolve`` and, for scale, of what it stands on; and where the time goes."""
    modules = [m for m in ("konvolve", "numpy", "scipy.fft") if importlib.util.find_spec(m.split(".")[0])]
    seconds: dict[str, list[float]] = {module: [] for module in modules}
    brought: set[str] = set()
    for number in range(repeats + 1):
        for module in modules:
            code = _IMPORT.format(module=module, libraries=set(ARRAY_LIBRARIES))
            first, *libraries = python("-c", code).stdout.split()
            # The first round finds the files cold on the disk, or the bytecode not yet written.
            if number:
                seconds[module].append(float(first))
            if module == "konvolve":
                brought.update(libraries)
        advance()
    result: dict = {
        "medians_s": {module: statistics.median(times) for module, times in seconds.items()},
        "best_s": {module: min(times) for module, times in seconds.items()},
        "aim_s": IMPORT_AIM_S,
        "array_libraries_imported": sorted(brought),
    }
    if "konvolve" in modules:
        result["met"] = result["medians_s"]["konvolve"] <= IMPORT_AIM_S and not brought
        result["slowest_modules"] = _slowest_modules()
    return result


def _slowest_modules(count: int = 12) -> list[dict]:
    """The modules that take most of the import, by their own time, as ``-X importtime`` sees it."""
    lines = python("-X", "importtime", "-c", "import konvolve").stderr.splitlines()
    found = [re.match(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)", line) for line in lines]
    rows: list[dict] = [
        {"module": match[3], "self_ms": int(match[1]) / 1e3, "cumulative_ms": int(match[2]) / 1e3}
        for match in found if match
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -row["self_ms"])[:count]


def peak_memory(advance: Callable[[], None]) -> list[dict]:
    """Mebibytes that one call of each of `PEAKS` needs above the inputs it was given."""
    rows = []
    for workload, function, library in PEAKS:
        row = {"workload": workload, "function": function, "library": library}
        process = python("-m", "benchmarks.contest.fresh", workload, function, library)
        if process.returncode == 0:
            row |= json.loads(process.stdout.splitlines()[-1])
        else:  # killed for its memory, for one
            row["status"] = f"failed: exit status {process.returncode}"
        rows.append(row)
        advance()
    return rows


def _one_call(workload: str, function: str, library: str) -> dict:
    """Run in the fresh process: the peak of one call, in mebibytes."""
    import numpy as np

    from benchmarks.contest.workloads import WORKLOADS
    from konvolve.bench.libraries import to_library
    from konvolve.bench.measure import as_arrays, largest_error

    w = WORKLOADS[workload]
    package, _, kind = library.partition("-")
    kind = kind or "numpy"
    missing = [m for m in (package, kind) if importlib.util.find_spec(m) is None]
    if missing:
        return {"status": "not installed"}
    module = importlib.import_module("scipy.signal" if package == "scipy" else package)
    if not hasattr(module, function):
        return {"status": "not available"}
    convolve = getattr(module, function)

    # A small call first: what a library loads or sets up once is not the memory of this convolution.
    sizes = [[min(n, most) for n in shape] for shape, most in ((w.signal, 64), (w.kernel, 8))]
    convolve(*(to_library(kind, np.ones(size, np.float32)) for size in sizes), mode=w.mode, axes=w.axes)
    inputs = [to_library(kind, array) for array in w.inputs(w)]
    reset = forget_peak()
    before = highest_bytes()
    answer = convolve(*inputs, mode=w.mode, axes=w.axes)
    peak = highest_bytes() - before
    # Checked after, not before: memory that the check had given back would be found again, and not counted.
    reference = w.reference(w, *w.inputs(w))
    assert reference is not None
    right = largest_error(answer, reference) <= w.tolerance()
    predicted = {}
    if package == "konvolve":
        plan = module.plan(w.signal, w.kernel, function=function, mode=w.mode, axes=w.axes, library=kind)
        expected = {each.method: each.bytes for each in plan.estimates}
        predicted = {"predicted_mib": expected[plan.method] / 2**20}
    return predicted | {
        "status": "ok" if right else "WRONG",
        "peak_mib": peak / 2**20,
        "answer_mib": sum(array.nbytes for array in as_arrays(answer)) / 2**20,
        "exact": reset,  # without the reset an earlier peak may hide part of this one
    }


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        found = _one_call(*sys.argv[1:4])
    except Exception as failure:
        # As in measure.prepare: a line in the table, and the other processes still to come.
        found = {"status": f"failed: {type(failure).__name__}: {failure}".splitlines()[0][:200]}
    print(json.dumps(found))
