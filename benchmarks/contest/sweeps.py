"""Cost against size: the signal's, and the kernel's; on logarithmic axes, where a straight line is a power."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from konvolve.bench import measure
from konvolve.bench.contestants import KONVOLVE, Contestant
from konvolve.bench.workloads import SEED, Workload, noise

# A contestant that has taken so many seconds is not asked for the next size.
TOO_LONG = 1.0
# The answers are checked up to so many samples: beyond, float64 takes more memory than many machines have.
CHECKED = 2e7
ROUNDS = 3
# Calls in one sample, at most, where a single one is too short for the clock.
CALLS = 50

# Who takes part, and in which colour.
LINES = {
    "konvolve.convolve, NumPy": "#e58e26",
    "konvolve.convolve, tf.function": "#b71540",
    "konvolve.convolve, jax.jit": "#eb6aa0",
    "konvolve.convolve, torch": "#8e44ad",
    "SciPy fftconvolve": "#1e3799",
    "SciPy oaconvolve": "#4a69bd",
    "SciPy convolve, auto": "#82ccdd",
    "jax.scipy.signal, jit": "#38ada9",
    "torch rfft formula, n + k - 1": "#78e08f",
    "OpenCV filter2D": "#555555",
    "cupyx.scipy.signal.fftconvolve": "#aaaa22",
    "cupyx.scipy.signal.oaconvolve": "#cccc66",
}


@dataclass(frozen=True)
class Sweep:
    """One question at several sizes; `shapes` gives the signal's and the kernel's shape at each."""

    title: str
    what: str
    sizes: tuple[int, ...]
    shapes: Callable[[int], tuple[tuple[int, ...], tuple[int, ...]]]
    mode: str


_HALF_DECADES = (1, 3)

SWEEPS = {
    "signal": Sweep(
        "a signal with 1001 taps, full", "samples of the signal",
        (*(digit * 10**power for power in range(3, 8) for digit in _HALF_DECADES), 10**8),
        lambda n: ((n,), (1001,)), "full",
    ),
    "kernel": Sweep(
        "a signal of 10^6 samples, full", "taps of the kernel",
        (*(digit * 10**power for power in range(5) for digit in _HALF_DECADES), 10**5),
        lambda k: ((10**6,), (k,)), "full",
    ),
    "picture": Sweep(
        "a picture of 1024x1024 with a square kernel, same", "rows and columns of the kernel",
        (1, 3, 5, 9, 15, 31, 63, 127, 255),
        lambda k: ((1024, 1024), (k, k)), "same",
    ),
}  # fmt: skip


def _reference(w: Workload, x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """SciPy's answer in float64; None for more samples than are checked."""
    from scipy import signal

    if x.size > CHECKED:
        return None
    return (signal.oaconvolve(x.astype(np.float64), k.astype(np.float64), mode=w.mode),)


def swept(
    name: str, contestants: Sequence[Contestant], libraries: Sequence[str], quick: bool, advance: Callable[[], None]
) -> dict:
    """Milliseconds of every contestant at every size, None where it was not asked, or was wrong."""
    sweep = SWEEPS[name]
    sizes = tuple(n for n in sweep.sizes[:: 2 if quick else 1] if not quick or n <= 10**6)
    racing = [one for one in contestants if one.name in LINES and one.library in libraries]
    lines: dict[str, list[float | None]] = {}
    wrong: dict[str, str] = {}
    for number, size in enumerate(sizes):
        shapes = sweep.shapes(size)
        axes = tuple(range(len(shapes[0])))
        calls = max(1, min(CALLS, 10**5 // max(shapes[0])))
        w = Workload(f"sweep {name}", sweep.title, *shapes, sweep.mode, axes, noise, _reference, calls=calls)
        entries = measure.race(w, racing, ROUNDS, lambda: None)
        for entry in entries:
            line = lines.setdefault(entry.contestant.name, [None] * len(sizes))
            if entry.times:
                line[number] = 1e3 * statistics.median(entry.times)
            else:
                wrong[f"{entry.contestant.name} at {size}"] = f"{entry.status} {entry.detail}".strip()
        slow = {entry.contestant.name for entry in entries if min(entry.times, default=0) > TOO_LONG}
        racing = [one for one in racing if one.name not in slow]
        advance()
    return {"title": sweep.title, "what": sweep.what, "sizes": sizes, "lines": lines, "wrong": wrong, "seed": SEED}


def _fastest(found: dict, number: int, ours: bool) -> tuple[float, str] | None:
    times = [
        (line[number], name) for name, line in found["lines"].items() if (KONVOLVE in name) == ours and line[number]
    ]
    return min(times, default=None)


def rows(found: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of a table: at each size the fastest of konvolve's and the fastest of the others."""
    body = []
    for number, size in enumerate(found["sizes"]):
        ours, other = _fastest(found, number, True), _fastest(found, number, False)
        ratio = f"{ours[0] / other[0]:.2f}" if ours and other else ""
        cells = [
            (f"{each[0]:.3g}", each[1].removeprefix("konvolve.convolve, ")) if each else ("", "")
            for each in (ours, other)
        ]
        body.append([f"{size:,}", *cells[0], *cells[1], ratio])
    return [found["what"], "best ms", "konvolve's fastest", "best ms of others", "the fastest other", "of it"], body


def plot(results: dict[str, Any]) -> Any:
    """A panel for each sweep."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(results), 5.6), layout="constrained", dpi=120)
    grid = figure.subplots(1, len(results), squeeze=False)[0]
    drawn = {}
    for axes, found in zip(grid, results.values(), strict=True):
        for name, colour in LINES.items():
            line = found["lines"].get(name)
            if line is None:
                continue
            ours = KONVOLVE in name
            pairs = [(size, time) for size, time in zip(found["sizes"], line, strict=True) if time is not None]
            drawn[name], = axes.plot(
                *zip(*pairs, strict=True), color=colour, label=name, marker="o", markersize=3.5 if ours else 2.5,
                linewidth=2.0 if ours else 1.2, linestyle="-" if ours else "--", zorder=3 if ours else 2,
            )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel=found["what"])
        axes.set_title(found["title"], fontsize=10, loc="left")
        axes.grid(color="0.9")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    grid[0].set_ylabel("median of three, ms")
    names = [name for name in LINES if name in drawn]
    figure.legend(
        [drawn[name] for name in names], names, loc="outside lower center", ncols=4, fontsize=8, frameon=False
    )
    return figure
