"""How the choice of the method is judged: on layers as spread as is said, on every library, and drawn."""

import contextlib
import itertools
import json
import math

import numpy as np
import pytest

from benchmarks.predictions import channels, kernels, validate
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


def test_kernels_cover_what_people_have():
    drawn = list(itertools.islice(kernels.draw(1), 1000))
    assert drawn[:50] == list(itertools.islice(kernels.draw(1), 50))
    assert {question.boundary for question in drawn} == set(kernels.BOUNDARIES)
    assert {question.terms for question in drawn} == {0, 1, 2, 3}
    assert {question.wrapped for question in drawn} == {True, False}
    assert any(question.lags for question in drawn)
    assert any(question.terms and question.axes[0] > 0 for question in drawn)
    assert any(question.terms and question.axes[-1] < len(question.signal) - 1 for question in drawn)
    taken = [question.weighed("numpy")[0] for question in drawn[:300]]
    assert {"direct", "fft", "overlap", "matrix", "separable"} == set(taken)


@pytest.mark.parametrize("terms", [0, 1, 2])
@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_a_kernel_of_terms_gives_the_sum_by_every_method(library, terms):
    pytest.importorskip(library)
    question = kernels.Question((40, 50), (7, 6), "same", (0, 1), "float32", "reflect", terms, terms > 1, None)
    x, k = question.arrays(library)
    chosen, estimates = question.weighed(problems.profile(library))
    methods = [each.method for each in estimates]
    assert chosen in methods
    assert ("separable" in methods) == (terms > 0)
    answers = [np.asarray(question.compiled(library, method, x, k)()) for method in methods]
    for answer in answers:
        np.testing.assert_allclose(answer, answers[0], atol=2e-5 * np.abs(answers[0]).max())


def test_the_other_program_ends_with_the_measurement():
    with contextlib.suppress(KeyboardInterrupt), validate.one_core_taken() as other:
        assert other.poll() is None
        raise KeyboardInterrupt
    assert other.poll() is not None
