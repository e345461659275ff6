"""Arrays in chunks: konvolve on dask beside dask-image and a bare ``map_overlap``, and from file to file.

The contestants of a case take turns in one process, two threads at work. From file to file the command's own work is
timed, in this process, against reading all, convolving in memory and writing all; the peak of memory is that of a
process of its own, beside what the plan says.
"""

from __future__ import annotations

import importlib.util
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.bench.results import digits
from konvolve.bench.workloads import SEED

AIMS = {"dask-image ndfilters.convolve": 0.04, "map_overlap of SciPy's fftconvolve": 1.2, "read, convolve, write": 1.3}
"""konvolve's time as a part of the other's."""
_SLOW = 3  # rounds of what takes seconds
_PEAK = """
import re, sys
from konvolve.command.main import main
code = main(sys.argv[1:])
print("peak", int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
sys.exit(code)
"""


def picture() -> dict[str, Callable[[], Any]]:
    """Return who convolves 2048x2048 in chunks of 512 with 31x31."""
    import dask.array as da
    import scipy.signal

    import konvolve

    rng = np.random.default_rng(SEED)
    x = da.from_array(rng.standard_normal((2048, 2048)), chunks=512)
    k = rng.standard_normal((31, 31))

    def overlap() -> Any:
        return da.map_overlap(lambda b: scipy.signal.fftconvolve(b, k, "same"), x, depth=15, boundary=0)

    found: dict[str, Callable[[], Any]] = {
        "konvolve.convolve": lambda: konvolve.convolve(x, k, mode="same"),
        "map_overlap of SciPy's fftconvolve": overlap,
    }
    if importlib.util.find_spec("dask_image") is not None:
        from dask_image.ndfilters import convolve

        found["dask-image ndfilters.convolve"] = lambda: convolve(x, k, mode="constant")
    return {name: _computed(ask) for name, ask in found.items()}


def _computed(ask: Callable[[], Any]) -> Callable[[], Any]:
    """Return what asks, and has two threads compute."""
    return lambda: ask().compute(scheduler="threads", num_workers=2)


def volume(folder: Path, size: int) -> dict[str, Callable[[], Any]]:
    """Return who convolves a cube in a zarr array with 15x15x15 into another, with 64 samples a side of a chunk."""
    import zarr

    import konvolve
    from konvolve.command.main import main

    rng = np.random.default_rng(SEED)
    source, result, kernel = (str(folder / name) for name in ("in.zarr", "out.zarr", "kernel.npy"))
    shape, chunks = (size,) * 3, (64,) * 3
    array: Any = zarr.create_array(source, shape=shape, chunks=chunks, dtype="f4")
    array[...] = rng.standard_normal(shape, dtype="f4")
    taps = rng.standard_normal((15, 15, 15)).astype("f4")
    np.save(kernel, taps)

    def streamed() -> Any:
        arguments = ["filter", source, kernel, "-o", result, "--boundary", "zero", "--overwrite", "--no-figure", "-q"]
        if main(arguments):
            raise RuntimeError("konvolve filter failed")
        return zarr.open_array(result, mode="r")

    def whole() -> Any:
        read: Any = zarr.open_array(source, mode="r")
        y = konvolve.convolve(read[...], taps, mode="same")
        made: Any = zarr.create_array(result + "2.zarr", shape=shape, chunks=chunks, dtype="f4", overwrite=True)
        made[...] = y
        return made

    return {"konvolve filter": streamed, "read, convolve, write": whole}


def timed(asked: dict[str, Callable[[], Any]], rounds: int) -> list[dict]:
    """Time all in turn; rows with seconds, and whether an answer differs from the first one's."""
    times: dict[str, list[float]] = {name: [] for name in asked}
    answers = {name: np.asarray(ask()[...]) for name, ask in asked.items()}
    first = next(iter(answers.values()))
    scale = float(np.abs(first).max())
    wrong = {name: bool(np.abs(y - first).max() > 1e-4 * scale) for name, y in answers.items()}
    del answers, first
    for number in range(rounds):
        for name, ask in asked.items():
            if number >= _SLOW and statistics.median(times[name]) > 1:
                continue
            start = time.perf_counter()
            ask()
            times[name].append(time.perf_counter() - start)
    return [
        {"contestant": name, "median": statistics.median(taken), "wrong": wrong[name]} for name, taken in times.items()
    ]


def peaks(folder: Path, size: int, budgets: Sequence[str]) -> list[dict]:
    """Measure the peak of a process that blurs a cube, for each ceiling of memory; rows with MiB."""
    import zarr

    source = str(folder / "peak.zarr")
    array: Any = zarr.create_array(source, shape=(size,) * 3, chunks=(64,) * 3, dtype="f4")
    rng = np.random.default_rng(SEED)
    for start in range(0, size, 64):
        array[start : start + 64] = rng.standard_normal((64, size, size), dtype="f4")
    rows = []
    for budget in budgets:
        asked = ["blur", source, "--sigma", "2", "--memory", budget, "-o", str(folder / "peak-out.zarr"), "--overwrite"]
        said = _run([*asked, "--plan"])
        predicted = float(re.search(r"memory +([\d.]+) MiB", said)[1])  # type: ignore[index]
        peak = float(re.search(r"peak ([\d.]+)", _run([*asked, "-q"]))[1])  # type: ignore[index]
        rows.append({"contestant": f"--memory {budget}", "predicted": predicted, "peak": peak})
    return rows


def _run(arguments: Sequence[str]) -> str:
    done = subprocess.run([sys.executable, "-c", _PEAK, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def measured(quick: bool, tick: Callable[[], None]) -> list[dict]:
    """Measure all cases."""
    found = [{"case": "2048x2048, 31x31, chunks of 512", "rows": timed(picture(), 5 if quick else 15)}]
    tick()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        size = 128 if quick else 512
        rows = timed(volume(Path(name), size), 3 if quick else 5)
        found.append({"case": f"{size}^3 in zarr, 15^3", "rows": rows})
        tick()
        rows = peaks(Path(name), size, ("400M",) if quick else ("300M", "1G"))
        found.append({"case": f"{size}^3 in zarr, blurred", "rows": rows})
        tick()
    return found


CASES = 3


def rows(result: list[dict]) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table."""
    body = [
        [each["case"], row["contestant"], digits(1e3 * row["median"]) if "median" in row else "",
         f"{row['peak']:.0f} of {row['predicted']:.0f}" if "peak" in row else "", "wrong" if row.get("wrong") else ""]
        for each in result
        for row in each["rows"]
    ]  # fmt: skip
    return ["case", "contestant", "median ms", "peak MiB, of predicted", "remarks"], body


def verdict(result: list[dict]) -> str:
    """Return konvolve's time as a part of each other's."""
    said = []
    for each in result:
        first, *others = each["rows"]
        for row in others:
            if "median" in row:
                ratio = first["median"] / row["median"]
                said.append(f"{ratio:.2g} of {row['contestant']} (aim {AIMS[row['contestant']]})")
    return "; ".join(said)
