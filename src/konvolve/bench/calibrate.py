"""Planning's constants, fitted to this machine: what ``konvolve bench --calibrate`` does.

Every method is timed on random problems. The cost model then predicts the same times from trial constants, and those
are kept with which the logarithms of the two differ least. Other problems judge the result.
"""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from konvolve.bench import judge, problems
from konvolve.bench.libraries import to_library
from konvolve.planning.profile import Profile
from konvolve.planning.signal import problem
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.planner import make_plan
from konvolve.profiles import measured

FITTED_ON = 314159  # the seed of the problems; judge.JUDGED_BY judges
FEWEST = 10
# How much a constant that the problems say nothing about is held at its shipped value, beside one timed method.
_HELD = 0.2


def planned(record: dict, constants: Profile) -> Plan:
    """The plan for a timed problem, with trial constants."""
    one, two = (tuple(record["signal"]), record["dtype"]), (tuple(record["kernel"]), record["dtype"])
    asked = problem.convolve("convolve", one, two, record["mode"], "auto", tuple(record["axes"]))
    return make_plan(asked, constants)


def _flat(constants: Profile) -> tuple[list[tuple[str, Any]], np.ndarray]:
    """The constants to be fitted, by name (and key), and their values; one that is zero stays so."""
    names, values = [], []
    for name, value in measured.measurable(constants).items():
        for key, one in value.items() if isinstance(value, dict) else ((None, value),):
            if one > 0:
                names.append((name, key))
                values.append(one)
    return names, np.array(values)


def _with(constants: Profile, names: Sequence[tuple[str, Any]], values: np.ndarray) -> Profile:
    changed: dict[str, Any] = {}
    for (name, key), value in zip(names, values, strict=True):
        if key is None:
            changed[name] = float(value)
        else:
            changed.setdefault(name, dict(getattr(constants, name)))[key] = float(value)
    return constants._replace(**changed)


def fitted(shipped: Profile, records: Sequence[dict]) -> Profile:
    """The constants that predict the measured times best."""
    from scipy.optimize import least_squares

    names, start = _flat(shipped)
    where = [(number, method) for number, record in enumerate(records) for method in record["measured_s"]]
    measured = np.log([records[number]["measured_s"][method] for number, method in where])

    def misses(change: np.ndarray) -> np.ndarray:
        trial = _with(shipped, names, start * np.exp(change))
        estimates = [{each.method: each.seconds for each in planned(record, trial).estimates} for record in records]
        predicted = np.log([max(estimates[number].get(method, 1e-9), 1e-9) for number, method in where])
        return np.concatenate([predicted - measured, _HELD * change])

    # Soft: one time that was disturbed shall not pull. A step of a thousandth is large enough for the model's corners.
    found = least_squares(
        misses, np.zeros(len(names)), bounds=(-7, 7), loss="soft_l1", f_scale=0.3, diff_step=1e-3, max_nfev=40
    )
    return _with(shipped, names, start * np.exp(found.x))


def judged(records: Sequence[dict], constants: Profile) -> dict:
    """Sum up what these constants would choose on timed problems, and how their predictions fit."""
    again = []
    for record in records:
        plan = planned(record, constants)
        predicted = {each.method: each.seconds for each in plan.estimates}
        if plan.method in record["measured_s"] and set(record["measured_s"]) <= set(predicted):
            again.append(record | {"chosen": plan.method, "predicted_s": predicted})
    return judge.summed(again) | {"records": again}


def calibrated(library: str, count: int, advance: Callable[[], None]) -> dict:
    """Fit a library's constants on `count` problems, judge them on as many others, and store them if they are better.

    "Better" is by the mean of the logarithm of chosen against best, with a hundredth of tolerance for the same choices.
    """
    importlib.import_module(library)  # so that its device is known
    to_library(library, np.zeros(1, np.float32))
    profile = problems.profile(library)
    shipped = Profile(**measured.CONSTANTS[profile])
    fit_on = problems.measured(library, count, FITTED_ON, advance)
    judge_on = problems.measured(library, count, judge.JUDGED_BY, advance)
    new = fitted(shipped, fit_on)
    before, after = judged(judge_on, shipped), judged(judge_on, new)
    better = after["mean_log"] <= before["mean_log"] + 0.01
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")
    summary = {"date": now, "problems": count, "before": _brief(before), "after": _brief(after)}
    stored = str(measured.store(profile, new, summary)) if better else None
    return summary | {
        "profile": profile,
        "shipped": measured.measurable(shipped),
        "measured": measured.measurable(new),
        "stored": stored,
        "judged": after,
    }


def rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of a table: a line for each library."""
    body = []
    for library, found in results.items():
        changes = []
        for name, old in found["shipped"].items():
            new = found["measured"][name]
            pairs = (
                [(f"{name} {key}", old[key], new[key]) for key in old] if isinstance(old, dict) else [(name, old, new)]
            )
            changes += [f"{what} {b / a:.2g}" for what, a, b in pairs if a]
        quality = [f"{found[when]['median']:.2f}, {found[when]['p95']:.2f}" for when in ("before", "after")]
        kept = "yes" if found["stored"] else "no: no better than the shipped ones"
        body.append([library, ", ".join(changes), *quality, kept])
    head = ["library", "constants, as parts of the shipped ones", "chosen of best: median, 95 %, shipped", "fitted"]
    return [*head, "kept"], body


def _brief(found: dict) -> dict:
    return {name: found[name] for name in ("median", "p95", "worst", "mean_log", "measured_of_predicted")}
