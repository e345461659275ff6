"""How the choice of the method is judged: on layers as spread as is said, on every library, and drawn."""

import itertools
import json
import math

import pytest

from benchmarks.predictions import channels, validate
from konvolve.bench import problems
from konvolve.planning.operands import CHANNEL_METHODS


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
        found = problems.timed(library, question, *question.weighed(problems.profile(library)))
        assert {"direct"} < set(found) <= {"direct", "fft", "overlap"}
        assert all(seconds > 0 for seconds in found.values())
        json.dumps(question.told() | {"measured_s": found})


@pytest.mark.one_in(3)
@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_a_library_is_timed_and_drawn(library, tmp_path):
    pytest.importorskip(library)
    pytest.importorskip("matplotlib", reason="the [cli] extra is not installed")
    steps, count = [], 2 if library == "numpy" else 1
    found = validate.validated(library, count, lambda: steps.append(1), seed=5)
    assert len(found["records"]) == len(steps) == count
    for each in found["records"]:
        assert each["chosen"] in each["measured_s"]
        assert all(seconds > 0 for seconds in each["measured_s"].values())
        assert set(each["measured_s"]) <= set(each["predicted_s"])
    json.dumps(found)
    validate.plot({library: found}).savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000
