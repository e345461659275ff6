"""How the choice of the method is judged: the problems are as spread as is said, and the sums are right."""

import itertools
import json
import math

import numpy as np
import pytest
from benchmarks.predictions import channels, validate

from konvolve.bench import problems
from konvolve.planning.operands import CHANNEL_METHODS, METHODS


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


def test_layers_cover_what_they_should():
    drawn = list(itertools.islice(channels.draw(1), 1000))
    assert drawn[:50] == list(itertools.islice(channels.draw(1), 50))
    assert {question.function for question in drawn} == {"conv", "depthwise_conv", "conv_transpose"}
    assert {question.mode for question in drawn} == {"valid", "same", "causal"}
    assert {(len(question.axes), question.strides, question.backward) for question in drawn} == set(
        itertools.product((1, 2), (1, 2), (True, False))
    )
    taps = [math.prod(question.kernel[:-2]) for question in drawn]
    assert min(taps) == 1
    assert max(taps) > 700
    assert max(question.signal[-1] for question in drawn) > 200
    plans = [question.plan("tensorflow") for question in drawn[:200]]
    assert {plan.method for plan in plans} <= set(CHANNEL_METHODS)
    assert any(1 < plan.problem.groups < plan.problem.channels for plan in plans)
    assert any(plan.problem.groups == plan.problem.channels > 1 for plan in plans)


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_a_layer_is_timed_both_ways(library):
    pytest.importorskip(library)
    for question in (
        channels.Layer((2, 300, 4), (9, 4, 6), "causal", (1,), "float32", "conv", 1, True),
        channels.Layer((2, 20, 20, 4), (3, 3, 6, 4), "same", (1, 2), "float32", "conv_transpose", 2, False),
    ):
        found = problems.timed(library, question, question.plan(problems.profile(library)))
        assert {"direct"} < set(found) <= {"direct", "fft", "overlap"}
        assert all(seconds > 0 for seconds in found.values())
        json.dumps(question.told() | {"measured_s": found})


def record(chosen, **seconds):
    return {
        "signal": (9,), "kernel": (3,), "mode": "full", "axes": (0,), "dtype": "float32", "chosen": chosen,
        "measured_s": seconds, "predicted_s": {method: 2 * value for method, value in seconds.items()},
    }  # fmt: skip


def test_sums():
    found = validate.summed([record("fft", fft=1.0, direct=2.0), *[record("fft", fft=3.0, direct=2.0)] * 3])
    assert (found["problems"], found["wrong"], found["median"], found["worst"]) == (4, 3, 1.5, 1.5)
    assert (found["median_met"], found["p95_met"]) == (False, True)
    assert (found["chosen_s"], found["best_s"]) == (10.0, 7.0)
    assert found["measured_of_predicted"]["direct"] == {"count": 4, "p5": 0.5, "median": 0.5, "p95": 0.5}
    assert found["worst_problems"][0]["ratio"] == 1.5


def test_time_is_what_a_call_takes():
    slow, quick = np.zeros(2_000_000), np.zeros(2)
    found = problems.quickest({"quick": quick.sum, "slow": slow.sum}, compiles=False)
    assert 0 < found["quick"] < found["slow"]


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_a_library_is_timed_and_drawn(library, tmp_path):
    pytest.importorskip(library)
    pytest.importorskip("matplotlib", reason="the [cli] extra is not installed")
    steps = []
    found = validate.validated(library, 2, lambda: steps.append(1), seed=5)
    assert len(found["records"]) == len(steps) == 2
    for each in found["records"]:
        assert each["chosen"] in each["measured_s"]
        assert all(seconds > 0 for seconds in each["measured_s"].values())
        assert set(each["measured_s"]) <= set(each["predicted_s"])
    json.dumps(found)
    validate.plot({library: found}).savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000
