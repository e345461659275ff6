"""What a race has shown: each contestant's times and their ratio to the best other's, and all of it as one table."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence

import numpy as np

from konvolve.bench.contestants import BY_HAND, KONVOLVE, PEER
from konvolve.bench.measure import Entry
from konvolve.bench.workloads import Workload


def median(entry: Entry) -> float:
    """The median of its times, in seconds."""
    return statistics.median(entry.times)


def against(entry: Entry, other: Entry) -> dict:
    """The quartiles of the ratio of two contestants' times within a round, and between them the median.

    Where no round has both, one of them having been timed once, the ratio is that of their medians.
    """
    rounds = zip(entry.samples, other.samples, strict=False)
    ratios = [a / b for a, b in rounds if a is not None and b is not None] or [median(entry) / median(other)]
    low, ratio, high = (float(quartile) for quartile in np.quantile(ratios, [0.25, 0.5, 0.75]))
    return {"ratio": ratio, "quartiles": [low, high]}


def fastest(entries: Iterable[Entry], *roles: str, library: str | None = None) -> Entry | None:
    """The fastest of those that were timed, of these roles, and on this library where one is named."""
    fit = (e for e in entries if e.times and e.contestant.role in roles and library in (None, e.contestant.library))
    return min(fit, key=median, default=None)


def _row(entry: Entry, best: Entry | None) -> dict:
    of = entry.contestant
    row: dict = {
        "name": of.name, "library": of.library, "role": of.role, "note": of.note,
        "status": entry.status, "detail": entry.detail,
        # JSON has no infinity, and a wrong shape has no size of error.
        "error": entry.error if entry.error is not None and np.isfinite(entry.error) else None,
    }  # fmt: skip
    if entry.times:
        row["median_ms"] = 1e3 * median(entry)
        row["best_ms"] = 1e3 * min(entry.times)
        row["samples_ms"] = [None if sample is None else float(f"{1e3 * sample:.4g}") for sample in entry.samples]
        if best is not None:
            row |= against(entry, best)
    return row


def summary(w: Workload, entries: Sequence[Entry]) -> dict:
    """What goes into the results file for one workload; times are in milliseconds.

    "best" is the fastest contestant that answers the same question, whoever wrote it, other than konvolve.
    """
    best = fastest(entries, PEER, BY_HAND)
    return {
        "title": w.title, "signal": w.signal, "kernel": w.kernel, "mode": w.mode, "axes": w.axes, "dtype": w.dtype,
        "tolerance": w.tolerance(), "best": best and best.contestant.name,
        "contestants": [_row(entry, best) for entry in entries],
    }  # fmt: skip


def digits(value: float) -> str:
    """Three digits, or as many as stand before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(workloads: dict[str, dict]) -> tuple[list[str], list[list[str]]]:
    """Head and body: a line for each contestant, a column for each workload, medians in milliseconds.

    The last line is the ratio of konvolve's fastest to the fastest other.
    """
    lines: dict[str, dict[str, str]] = {}
    ratios = {}
    for workload, result in workloads.items():
        for row in result["contestants"]:
            name = re.sub(r"^konvolve\.\w+,", "konvolve,", row["name"])  # convolve and correlate in one line
            cell = digits(row["median_ms"]) if "median_ms" in row else row["status"]
            lines.setdefault(name, {})[workload] = cell
        ours = [row for row in result["contestants"] if row["role"] == KONVOLVE and "ratio" in row]
        if ours:
            ratios[workload] = f"{min(ours, key=lambda row: row['median_ms'])['ratio']:.2f}"
    body = [[name, *(line.get(workload, "") for workload in workloads)] for name, line in lines.items()]
    if ratios:
        body.append(["konvolve's best / others' best", *(ratios.get(workload, "") for workload in workloads)])
    return ["median ms", *workloads], body


def remarks(workloads: dict[str, dict]) -> list[str]:
    """What the workloads are, and why a contestant has no time."""
    said = [f"{name}: {result['title']}" for name, result in workloads.items()]
    for name, result in workloads.items():
        for row in result["contestants"]:
            if "median_ms" not in row:
                said.append(f"{row['name']} on {name}: {row['status']} {row['detail']}".rstrip())
    return said
