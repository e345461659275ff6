"""What is measured in processes of its own, which no import shows."""

from benchmarks.contest import fresh
from benchmarks.predictions import validate
from konvolve.planning.operands import CHANNEL_METHODS


def test_the_peak_of_a_call_is_measured_beside_its_prediction(monkeypatch):
    monkeypatch.setattr(fresh, "PEAKS", [("face", "fftconvolve", "konvolve-numpy")])
    (row,) = fresh.peak_memory(lambda: None)
    assert row["status"] == "ok"
    assert row["answer_mib"] == 4 * 768 * 1024 * 3 / 2**20
    assert row["answer_mib"] < row["peak_mib"] < 2 * row["predicted_mib"]


def test_the_import_is_timed_and_brings_no_library():
    found = fresh.import_time(1, lambda: None)
    assert set(found["medians_s"]) == {"konvolve", "numpy", "scipy.fft"}
    assert all(seconds > 0 for seconds in found["medians_s"].values())
    assert found["array_libraries_imported"] == []
    assert any(row["module"].startswith("konvolve") for row in found["slowest_modules"])


def test_layers_are_timed_in_a_process_of_their_own():
    found = validate.validated("numpy", 1, lambda: None, seed=58, kind="channels")
    (record,) = found["records"]
    assert set(record["measured_s"]) <= set(CHANNEL_METHODS)
    assert "strides" in record["mode"]
