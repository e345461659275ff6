"""The choice of method, judged on problems whose methods were timed: the time of the one chosen against the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The time of the chosen method as a part of the best one's, in the median and at the 95th percentile, at most.
MEDIAN_AIM, HIGH_AIM = 1.10, 1.5
JUDGED_BY = 271828  # the seed of the problems; calibration is fitted on others


def ratio(record: dict, method: str | None = None) -> float:
    """The time of the method that was chosen as a part of the best one's."""
    seconds = record["measured_s"]
    return seconds[method or record["chosen"]] / min(seconds.values())


def summed(records: Sequence[dict]) -> dict:
    """The quantiles of chosen against best, and how far predictions are off by method."""
    ratios = [ratio(record) for record in records]
    methods: dict[str, list[float]] = {}
    for record in records:
        for method, seconds in record["measured_s"].items():
            methods.setdefault(method, []).append(seconds / record["predicted_s"][method])
    low, middle, high = np.quantile(ratios, (0.5, 0.9, 0.95))
    worst = sorted(records, key=ratio, reverse=True)[:12]
    return {
        "problems": len(records),
        "median": float(low), "p90": float(middle), "p95": float(high), "worst": max(ratios),
        "mean_log": float(np.mean(np.log(ratios))),  # what calibration goes by: no single problem decides it
        "wrong": sum(r > 1 for r in ratios),
        "median_met": bool(low <= MEDIAN_AIM), "p95_met": bool(high <= HIGH_AIM),
        "chosen_s": sum(record["measured_s"][record["chosen"]] for record in records),
        "best_s": sum(min(record["measured_s"].values()) for record in records),
        "measured_of_predicted": {
            method: {"count": len(values), **dict(zip(("p5", "median", "p95"), quantiles(values), strict=True))}
            for method, values in sorted(methods.items())
        },
        "worst_problems": [{"ratio": ratio(record)} | record for record in worst],
    }  # fmt: skip


def quantiles(values: Sequence[float]) -> list[float]:
    """The 5th, 50th and 95th percentile."""
    return [float(value) for value in np.quantile(values, (0.05, 0.5, 0.95))]
