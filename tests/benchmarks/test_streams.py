"""The race of streams: every contestant's blocks are those of konvolve's stream, and what is said of it is a ratio."""

import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")

from benchmarks import report, streams

LIBRARIES = ("numpy", "tensorflow", "jax", "torch")


@pytest.mark.parametrize(("channels", "matrix"), [(1, None), (3, None), (1, (2, 4))])
def test_every_stream_is_right(channels, matrix):
    case = streams.Case(32, 0.01, channels, matrix)
    found = streams.timed(case, LIBRARIES, 1)
    assert [row["contestant"] for row in found if row["wrong"]] == []
    names = {row["contestant"] for row in found}
    assert {"konvolve.Stream, NumPy", "Stream.step, tf.function", "Stream.step, jax.jit", "Stream.step, torch"} <= names
    assert all(0 < row["median"] <= row["percentile"] <= row["worst"] for row in found)


def test_what_is_said_of_it():
    row = {"median": 2.0, "percentile": 6.0, "worst": 9.0, "real": 100.0, "wrong": False}
    ours = row | {"contestant": "konvolve.Stream, NumPy", "median": 1.0, "percentile": 3.0}
    result = [{"case": "blocks of 256, 2 s, 1 channel", "rows": [ours, row | {"contestant": "pedalboard"}]}]
    assert streams.verdict(result) == "0.50 of pedalboard in the median (aim 0.45); 0.50 at 99 % (aim 0.7)"
    machine = {"system": "", "cpu": "", "cores": 2, "versions": {}}
    (_, _, (head, body), _), *_ = report.sections({"streams": result, "machine": machine})
    assert len(head) == len(body[0])
