"""Whether planning's constants fit the machine, in a fraction of a second."""

import pytest

from konvolve.bench import check
from konvolve.bench.problems import Question


def test_a_sentence_says_what_was_lost_and_what_to_do():
    fine = {"chosen": "fft", "measured_s": {"fft": 2e-3, "direct": 4e-3}, "predicted_s": {"fft": 1e-3, "direct": 2e-3}}
    said = check.sentence("numpy", [fine])
    assert said == "the methods chosen take 1.00 of the best's time; all take 2 of what is predicted"
    lost = fine | {"chosen": "direct"}
    assert check.sentence("numpy", [fine, fine, fine, fine, lost]).count("calibrate") == 0
    said = check.sentence("torch", [fine, lost])
    assert said.startswith("the methods chosen take 1.41 of the best's time")
    assert said.endswith("konvolve bench --calibrate --library torch fits the constants to this machine")


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_every_question_has_several_answers(library):
    for question in check.QUESTIONS:
        chosen, estimates = question.weighed(library)
        assert len(estimates) > 1
        assert chosen in {each.method for each in estimates}


def test_the_methods_are_timed():
    records = check.measured("numpy", [Question((2000,), (31,), "same", (0,), "float32")])
    assert set(records[0]["measured_s"]) <= set(records[0]["predicted_s"])
    assert all(seconds > 0 for seconds in records[0]["measured_s"].values())
    assert "of the best's time" in check.sentence("numpy", records)
