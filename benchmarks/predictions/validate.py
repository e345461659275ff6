"""How good the choice of the method is: random problems, every method timed, the chosen one against the best."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.process import HERE
from konvolve.bench import problems
from konvolve.bench.judge import HIGH_AIM, JUDGED_BY, MEDIAN_AIM, ratio, summed

# Okabe and Ito's, which people of every colour vision tell apart.
COLOURS = {"direct": "#d55e00", "fft": "#0072b2", "overlap": "#e69f00", "separable": "#009e73", "matrix": "#cc79a7"}


def validated(
    library: str, count: int, advance: Callable[[], None], seed: int | None = None, kind: str = "plain",
    busy: bool = False,
) -> dict:  # fmt: skip
    """Time `count` random problems of a kind on a library, and sum up; with one core `busy` by the median times."""
    with one_core_taken() if busy else contextlib.nullcontext():
        typical = "median" if busy else "least"
        module, usual = KINDS[kind]
        records = problems.measured(library, count, usual if seed is None else seed, advance, module, typical, **HERE)
    return summed(records) | {"records": records, "kind": kind, "busy": busy}


KINDS = {
    "plain": ("konvolve.bench.problems", JUDGED_BY),
    "kernels": ("benchmarks.predictions.kernels", 161803),  # on those of JUDGED_BY constants were chosen by hand
    "channels": ("benchmarks.predictions.channels", JUDGED_BY),
}
"""What draws the problems, and the seed of those that judge: no constant was fitted to them."""


@contextlib.contextmanager
def one_core_taken() -> Iterator[subprocess.Popen]:
    """Let another process compute without a pause meanwhile, as on a machine that is busy with other work."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield other
        finally:
            other.kill()


# The 95th percentile's aim where one core is busy.
BUSY_AIM = 2.0


def high_aim(found: dict) -> float:
    """The aim at the 95th percentile, alone or on a busy machine."""
    return BUSY_AIM if found.get("busy") else HIGH_AIM


def rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of a table: a line for each library."""
    body = []
    aim = high_aim(next(iter(results.values())))
    for library, found in results.items():
        off = ", ".join(
            f"{method} {each['median']:.2f} ({each['p5']:.2f} to {each['p95']:.2f})"
            for method, each in found["measured_of_predicted"].items()
        )
        body.append(
            [
                library, str(found["problems"]),
                f"{found['median']:.2f} {'met' if found['median_met'] else 'missed'}",
                f"{found['p95']:.2f} {'met' if found['p95'] <= aim else 'missed'}", f"{found['worst']:.1f}",
                f"{found['chosen_s'] / found['best_s']:.2f}", off,
            ]
        )  # fmt: skip
    head = ["library", "problems", f"median, aim {MEDIAN_AIM}", f"95th percentile, aim {aim}", "worst"]
    return [*head, "of all the time", "measured of predicted (5 % to 95 %)"], body


def worst_rows(found: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table of the problems on which the choice cost most."""

    def size(shape: Sequence[int]) -> str:
        return "x".join(map(str, shape))

    body = []
    for record in found["worst_problems"]:
        methods = sorted(record["measured_s"], key=lambda method: record["measured_s"][method])
        times = ", ".join(
            f"{method} {1e3 * record['measured_s'][method]:.3g} ({1e3 * record['predicted_s'][method]:.3g})"
            for method in methods
        )
        question = f"{size(record['signal'])} with {size(record['kernel'])}"
        axes = ",".join(map(str, record["axes"]))
        more = f"{record['mode']}, axes {axes}, {record['dtype']}"
        body.append([question, more, record["chosen"], f"{record['ratio']:.2f}", times])
    return ["the choice cost most", "", "chosen", "of the best", "ms measured (predicted)"], body


def plot(results: dict) -> Any:
    """Two panels for each library: predicted against measured time, and how the chosen method compares."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2 * len(results)), layout="constrained", dpi=120)
    grid = figure.subplots(len(results), 2, squeeze=False, width_ratios=(1, 1))
    for (left, right), (library, found) in zip(grid, results.items(), strict=True):
        _predictions(left, library, found["records"])
        _choices(right, library, found)
    return figure


def _predictions(axes, library: str, records: Sequence[dict]) -> None:
    ends = [math.inf, 0.0]
    for method, colour in COLOURS.items():
        pairs = [
            (record["measured_s"][method], record["predicted_s"][method])
            for record in records
            if method in record["measured_s"]
        ]
        if not pairs:
            continue
        measured, predicted = zip(*pairs, strict=True)
        ends = [min(ends[0], *measured, *predicted), max(ends[1], *measured, *predicted)]
        axes.scatter(measured, predicted, s=9, color=colour, alpha=0.6, linewidths=0, label=method)
    line = np.array([ends[0] / 1.5, ends[1] * 1.5])
    axes.fill_between(line, line / 2, line * 2, color="0.92", zorder=0, label="within a factor of 2")
    axes.plot(line, line, color="0.4", linewidth=0.8, zorder=1)
    axes.set(xscale="log", yscale="log", xlim=line, ylim=line, xlabel="measured, s", ylabel="predicted, s")
    axes.set_title(f"{library}: {len(records)} random problems", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _choices(axes, library: str, found: dict) -> None:
    ratios = np.sort([ratio(record) for record in found["records"]])
    parts = np.arange(1, len(ratios) + 1) / len(ratios)
    axes.step(ratios, 100 * parts, where="post", color="#0072b2")
    for aim, part, name in ((MEDIAN_AIM, 50, "median"), (high_aim(found), 95, "95th percentile")):
        axes.plot([aim], [part], marker="x", color="0.2", markersize=7, linestyle="none")
        axes.annotate(f"aim: {name} {aim}", (aim, part), xytext=(8, -10), textcoords="offset points", fontsize=8)
    right = max(2.2, min(10.0, float(ratios[-1]) * 1.05))
    axes.set(xscale="log", xlim=(0.98, right), ylim=(0, 102), ylabel="problems, %")
    shown = (1, 1.1, 1.25, 1.5, 2, 3) if right < 4 else (1, 1.5, 2, 3, 5, 10)
    ticks = [t for t in shown if t <= right]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("time of the chosen method, as a part of the best")
    said = f"median {found['median']:.2f}, 95th percentile {found['p95']:.2f}, worst {found['worst']:.1f}"
    axes.set_title(f"{library}: {said}", fontsize=10, loc="left")
    axes.grid(color="0.9")
