"""What was measured of a workload, summed up: ratios, and whether the aims are met."""

from __future__ import annotations

import statistics

import numpy as np

from konvolve.bench.contestants import BY_HAND, PART, PEER, TRANSFORMS
from konvolve.bench.measure import Entry
from konvolve.bench.workloads import BACKWARD, CALL, Workload

# Above the bare transforms of its own plan konvolve may take this much, and for the forward pass with both gradients
# this many times the forward pass alone.
TRANSFORMS_AIM, PART_AIM = 1.4, 2.5
# Layers on PyTorch, against those that use transforms as well.
THIRD_AIM = 1 / 3


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


def _fastest(entries: list[Entry], *roles: str, library: str | None = None) -> Entry | None:
    fit = (e for e in entries if e.contestant.role in roles and library in (None, e.contestant.library))
    return min(fit, key=median, default=None)


def _verdicts(w: Workload, timed: list[Entry]) -> list[dict]:
    """Each of konvolve's judged entries against what its aims name.

    On TensorFlow that is the best of everything, and the best function that a library brings; on another library what
    that library brings, or for a gradient and a small call what can be put together in it.
    """
    found = []
    for judged in (entry for entry in timed if entry.contestant.judged):
        library = judged.contestant.library
        own = (PEER, BY_HAND) if w.group in (BACKWARD, CALL) else (PEER,)
        named = {entry.contestant.name: entry for entry in timed}
        rivals: list[tuple[Entry | None, float | None, str]]
        if w.rivals and library == "tensorflow":
            rivals = [(named.get(name), aim, "the library's own") for name, aim in w.rivals.items()]
        elif library != "tensorflow":
            rivals = [(_fastest(timed, *own, library=library), w.own.get(library), f"the best on {library}")]
        else:
            everything = _fastest(timed, PEER, BY_HAND, library="tensorflow" if w.group == CALL else None)
            rivals = [(everything, w.aim, "the best of all")]
            if w.group != CALL:
                rivals.append((_fastest(timed, PEER), w.aim, "the best ready-made function"))
        if w.rivals and library == "torch":
            rivals += [(named.get(name), THIRD_AIM, "by transforms") for name in ("torch-fftconv", "fft-conv-pytorch")]
        rivals.append((_fastest(timed, TRANSFORMS, library=library), TRANSFORMS_AIM, "its own transforms"))
        rivals.append((_fastest(timed, PART, library=library), PART_AIM, "the forward pass alone"))
        said: set[str] = set()
        for other, aim, what in rivals:
            if other is None or other.contestant.name in said:
                continue
            said.add(other.contestant.name)
            compared = against(judged, other)
            met = None if aim is None else compared["ratio"] <= aim
            names = {"judged": judged.contestant.name, "library": library, "other": other.contestant.name, "as": what}
            found.append(names | compared | {"aim": aim, "met": met})
    return found


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


def summary(w: Workload, entries: list[Entry]) -> dict:
    """What goes into the results file for one workload; times are in milliseconds.

    "best" is the fastest contestant that answers the same question, whoever wrote it, other than konvolve.
    """
    timed = [entry for entry in entries if entry.times]
    best = _fastest(timed, PEER, BY_HAND)
    result = {
        "title": w.title, "signal": w.signal, "kernel": w.kernel, "mode": w.mode, "axes": w.axes, "dtype": w.dtype,
        "tolerance": w.tolerance(), "aim": w.aim, "best": best and best.contestant.name,
    }  # fmt: skip
    return result | {"verdicts": _verdicts(w, timed), "contestants": [_row(entry, best) for entry in entries]}
