"""`konvolve bench`: what it measures is right, what it writes can be read again, what it sums up adds up."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")

from konvolve import cli
from konvolve.bench import command, layers, measure, sweeps, verdicts
from konvolve.bench.contestants import KONVOLVE, PEER, Contestant, to_library, to_numpy
from konvolve.bench.workloads import WORKLOADS, Workload, _scipy_answer

everyone = command.everyone()


def noise(w):
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal(shape, dtype=np.float32) for shape in (w.signal, w.kernel))


SMALL = Workload("small", "a question", (3, 40, 50), (1, 6, 7), "same", (1, 2), noise, _scipy_answer)


def entry(name, seconds, **more):
    made = measure.Entry(Contestant(name, "tensorflow", lambda *_: None, **more))
    made.samples = seconds
    return made


def test_every_contestant_is_right_or_has_no_answer():
    """On a small question with a batch; a workload's own sizes take too long here."""
    inputs = noise(SMALL)
    reference = _scipy_answer(SMALL, *inputs)
    arrays = {"numpy": inputs}
    entries = [measure.prepare(SMALL, one, arrays, reference) for one in everyone if not one.missing]
    found = {made.contestant.name: made for made in entries if made is not None}
    assert {name: made.detail for name, made in found.items() if made.status != "ok"} == {}
    assert "konvolve.convolve, NumPy" in found


def test_a_wrong_contestant_is_not_timed():
    wrong = Contestant("off by one", "numpy", lambda w, x, k: lambda: np.roll(_scipy_answer(w, x, k)[0], 1, 1))
    inputs = noise(SMALL)
    made = measure.prepare(SMALL, wrong, {"numpy": inputs}, _scipy_answer(SMALL, *inputs))
    measure.take_turns(SMALL, [made], 2, lambda: None)
    assert made.status == "WRONG"
    assert made.times == []


def test_verdicts_compare_medians_with_the_best():
    ours = entry("ours", [1.0, 2.0, 3.0], role=KONVOLVE, judged=True)
    others = [entry("good", [4.0, 4.0, 4.0], role=PEER), entry("bad", [8.0, 8.0, 8.0], role=PEER)]
    w = Workload("w", "", (9,), (3,), "full", (0,), noise, _scipy_answer, aim=0.4)
    result = verdicts.summary(w, [ours, *others])
    (said,) = result["verdicts"]
    assert (said["other"], said["ratio"], said["met"]) == ("good", 0.5, False)
    assert said["quartiles"] == [0.375, 0.625]


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_arrays_go_to_a_library_and_come_back(library):
    pytest.importorskip(library)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(to_numpy(to_library(library, x)), x)


def test_the_command_writes_what_it_can_show_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(WORKLOADS, "fir", SMALL)
    out = tmp_path / "found.json"
    options = ["--only", "fir", "--library", "numpy", "--repeats", "2", "--json", str(out)]
    assert cli.main(["bench", *options]) == 0
    shown = capsys.readouterr().out
    assert "konvolve.convolve, NumPy" in shown
    results = json.loads(out.read_text())
    assert set(results["workloads"]) == {"fir"}
    for row in results["workloads"]["fir"]["contestants"]:
        assert row["status"] == "ok", row
        assert len(row["samples_ms"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.json", "found.md", "found.png"]
    assert cli.main(["bench", "--report", str(out)]) == 0
    assert shown.startswith(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "fase"], "--only 'fase': allowed are face, reverb"),
        (["--library", "mxnet"], "--library 'mxnet': allowed are numpy, tensorflow, jax, torch, cupy"),
        (["--report", "nothing.json"], "nothing.json is not a results file"),
        (["--json", "no/where.json"], "there is no folder no"),
    ],
)
def test_mistakes_are_one_line(options, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["bench", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_is_right_at_every_size_and_drawn(monkeypatch, tmp_path):
    sizes = (1, 4, 30)
    short = sweeps.Sweep("a question", "taps", sizes, lambda k: ((50, 60), (k, k)), "same")
    monkeypatch.setitem(sweeps.SWEEPS, "picture", short)
    steps = []
    found = sweeps.swept("picture", everyone, ("numpy", "tensorflow", "jax", "torch"), False, lambda: steps.append(1))
    assert len(steps) == 3
    assert found["wrong"] == {}
    assert {"konvolve.convolve, NumPy", "SciPy oaconvolve", "SciPy convolve, auto"} <= set(found["lines"])
    assert all(time > 0 for line in found["lines"].values() for time in line)
    head, body = sweeps.rows(found)
    assert [row[0] for row in body] == ["1", "4", "30"]
    assert {len(row) for row in body} == {len(head)}
    sweeps.plot({"picture": found}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_a_sweep_asks_the_slow_no_further(monkeypatch):
    monkeypatch.setattr(sweeps, "TOO_LONG", 0.0)
    monkeypatch.setitem(sweeps.SWEEPS, "signal", sweeps.Sweep("", "", (9, 10, 11), lambda n: ((n,), (3,)), "full"))
    found = sweeps.swept("signal", everyone, ("numpy",), False, lambda: None)
    assert all(line[0] and line[1:] == [None, None] for line in found["lines"].values())


@pytest.mark.parametrize(
    ("name", "signal", "kernel"),
    [
        ("conv2d_7", (2, 9, 10, 3), (4, 3, 3, 5)),
        ("conv2d_31", (1, 12, 9, 2), (3, 5, 2, 2)),
        ("depthwise_31", (2, 9, 10, 3), (3, 4, 3, 1)),
        ("conv1d_step", (2, 30, 3), (6, 3, 4)),
    ],
)
def test_every_layer_is_right(name, signal, kernel):
    w = replace(layers.LAYERS[name], signal=signal, kernel=kernel)
    inputs = w.inputs(w)
    reference = w.reference(w, *inputs)
    arrays = {"numpy": inputs}
    made = [measure.prepare(w, one, arrays, reference) for one in everyone if not one.missing]
    found = {entry.contestant.name: entry for entry in made if entry is not None}
    assert {name: entry.detail or entry.error for name, entry in found.items() if entry.status != "ok"} == {}
    assert {"konvolve.nn, tf.function", "konvolve.nn, jax.jit", "konvolve.nn, torch"} <= set(found)
