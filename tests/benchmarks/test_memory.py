"""How the prediction of memory is judged: the peak is that of the call, and the sums are right."""

import json

import pytest

from benchmarks.predictions import memory


def test_a_peak_is_measured_and_predicted():
    """The sum itself in NumPy: the padded signal and the result, which is as long here."""
    (record,) = memory.measured([("numpy", "short kernel", "direct")], lambda: None)
    held = 2 * 4 * 6_000_000
    assert record["predicted"] == pytest.approx(held, rel=0.01)
    (peak,) = record["peaks"]
    assert peak == pytest.approx(held, rel=0.1)
    json.dumps(record)


def test_every_case_has_a_plan():
    asked = memory.cases(("numpy", "tensorflow", "jax", "torch"), quick=False)
    assert {way for way, _, _ in asked} == set(memory.WAYS)
    assert {name for _, name, _ in asked} == set(memory.QUESTIONS)
    assert {method for _, _, method in asked} == set(memory.METHODS)
    for way, name, method in asked:
        question = memory.QUESTIONS[name]
        plan = question.plan(memory.profile(memory.WAYS[way][0]), method)
        assert plan.method == method
        limit = question.limit(memory.profile(memory.WAYS[way][0]), method)
        assert limit is None or plan.bytes <= limit
    assert ("tensorflow", "chunks", "fft") in asked
    assert memory.QUESTIONS["chunks"].plan("tensorflow", "fft").way.part.method == "fft"


def test_what_is_off_is_marked(tmp_path):
    pytest.importorskip("matplotlib", reason="the [cli] extra is not installed")
    mib = 2**20
    records = [
        {"way": way, "question": "q", "method": "fft", "predicted": 100 * mib, "peaks": [peak * mib for peak in peaks]}
        for way, peaks in {"numpy": [105], "torch": [50], "tensorflow": [90, 130, 125]}.items()
    ]
    records.append({"way": "jax", "question": "q", "method": "fft", "predicted": mib, "peaks": [], "failed": "killed"})
    head, body = memory.rows(records)
    assert [column.split(",")[0] for column in head] == ["question", "method", "numpy", "torch", "tensorflow", "jax"]
    assert body == [["q", "fft", "105 / 100 = 1.05", "50 / 100 = 0.50 !", "125 / 100 = 1.25 !!", "killed"]]
    assert memory.verdict(records) == "1 of 3 take 0.6 to 1.1 of what was predicted; 1 more (!!), 1 less (!)"
    memory.plot(records).savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000
