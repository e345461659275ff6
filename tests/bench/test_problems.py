"""Random problems: they are as spread as is said, the time is that of a call, and the sums are right."""

import itertools
import math

import numpy as np

from konvolve.bench import judge, problems
from konvolve.planning.operands import METHODS


def test_problems_cover_what_they_should():
    drawn = list(itertools.islice(problems.draw(1), 2000))
    assert drawn[:50] == list(itertools.islice(problems.draw(1), 50))
    points = [math.prod(question.signal) for question in drawn]
    assert min(points) < 300
    assert max(points) > 3e7
    assert {len(question.axes) for question in drawn} == {1, 2, 3}
    assert {question.mode for question in drawn} == {"full", "same", "valid"}
    assert {question.dtype for question in drawn} == {"float32", "float64", "complex64"}
    parts = [[math.log(question.kernel[a]) / math.log(question.signal[a]) for a in question.axes] for question in drawn]
    assert all(0 <= part <= 1 for each in parts for part in each)
    assert min(max(each) for each in parts) < 0.1
    assert any(min(each) == 1 for each in parts)
    assert {question.dtype for question in itertools.islice(problems.draw(1, double=False), 300)} == {
        "float32",
        "complex64",
    }


def test_every_problem_can_be_planned():
    for question in itertools.islice(problems.draw(2), 300):
        assert question.plan("numpy").method in METHODS


def record(chosen, **seconds):
    return {
        "signal": (9,), "kernel": (3,), "mode": "full", "axes": (0,), "dtype": "float32", "chosen": chosen,
        "measured_s": seconds, "predicted_s": {method: 2 * value for method, value in seconds.items()},
    }  # fmt: skip


def test_sums():
    found = judge.summed([record("fft", fft=1.0, direct=2.0), *[record("fft", fft=3.0, direct=2.0)] * 3])
    assert (found["problems"], found["wrong"], found["median"], found["worst"]) == (4, 3, 1.5, 1.5)
    assert (found["median_met"], found["p95_met"]) == (False, True)
    assert (found["chosen_s"], found["best_s"]) == (10.0, 7.0)
    assert found["measured_of_predicted"]["direct"] == {"count": 4, "p5": 0.5, "median": 0.5, "p95": 0.5}
    assert found["worst_problems"][0]["ratio"] == 1.5


def test_time_is_what_a_call_takes():
    slow, quick = np.zeros(2_000_000), np.zeros(2)
    found = problems.quickest({"quick": quick.sum, "slow": slow.sum}, compiles=False)
    assert 0 < found["quick"] < found["slow"]
