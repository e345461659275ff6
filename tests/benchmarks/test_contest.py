"""`python -m benchmarks`: every contestant is right, what is written can be read again, what is summed up adds up."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")

from benchmarks import chosen, command, screen
from benchmarks.contest import aims, chart, contestants, filters, layers, sweeps, verdicts
from benchmarks.contest.workloads import BACKWARD, CALL, WORKLOADS
from konvolve.bench import everyone as race
from konvolve.bench import machine, measure
from konvolve.bench.contestants import KONVOLVE, PEER, Contestant
from konvolve.bench.workloads import Workload

EVERYONE = contestants.everyone()
SMALL = Workload("small", "a question", (3, 40, 50), (1, 6, 7), "same", (1, 2))


def entry(name, seconds, **more):
    made = measure.Entry(Contestant(name, "tensorflow", lambda *_: None, **more))
    made.samples = seconds
    return made


@pytest.mark.parametrize(
    ("w", "names"),
    [
        (SMALL, {"konvolve.fftconvolve, NumPy", "konvolve.Kernel, tf.function", "forty-line recipe, fast lengths"}),
        (replace(WORKLOADS["eager_small"], calls=1), {"konvolve.fftconvolve, JAX eager", "the bare kernels"}),
        (
            replace(WORKLOADS["gradient_2d"], signal=(2, 3, 10, 12), kernel=(1, 3, 3, 5)),
            {"konvolve.convolve, tf.function", "konvolve.convolve, jax.grad", "forward alone, torch"},
        ),
    ],
    ids=["forward", CALL, BACKWARD],
)
def test_every_contestant_is_right_or_has_no_answer(w, names):
    """On small questions, with a batch; a workload's own sizes take too long here. The race's have their own test."""
    others = [one for one in EVERYONE if one not in race.everyone()]
    entries = measure.race(w, others, 1, lambda: None)
    found = {made.contestant.name: made for made in entries}
    assert {name: made.detail or made.error for name, made in found.items() if made.status != "ok"} == {}
    assert {name for name, made in found.items() if made.error is None} == {
        name for name in found if name.startswith("bare transforms")
    }
    assert names <= set(found)


def test_verdicts_compare_rounds_with_the_best():
    ours = entry("ours", [1.0, 2.0, 3.0], role=KONVOLVE, judged=True)
    others = [entry("good", [4.0, 4.0, 4.0], role=PEER), entry("bad", [8.0, 8.0, 8.0], role=PEER)]
    result = verdicts.summary(Workload("w", "", (9,), (3,), "full", (0,)), [ours, *others], aims.Aim(0.4))
    (said,) = result["verdicts"]
    assert (said["other"], said["ratio"], said["met"]) == ("good", 0.5, False)
    assert said["quartiles"] == [0.375, 0.625]


def test_the_command_writes_what_it_can_show_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(WORKLOADS, "fir", replace(SMALL, name="fir"))
    out = tmp_path / "found.json"
    options = ["--only", "fir", "--library", "numpy", "--repeats", "2", "--json", str(out)]
    assert command.main(options) == 0
    shown = capsys.readouterr().out
    assert "konvolve.convolve, NumPy" in shown
    results = json.loads(out.read_text())
    assert set(results["workloads"]) == {"fir"}
    for row in results["workloads"]["fir"]["contestants"]:
        assert row["status"] == "ok", row
        assert len(row["samples_ms"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.json", "found.md", "found.png"]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    assert command.main(["--report", str(out)]) == 0
    assert shown.startswith(capsys.readouterr().out)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("name", ["cpu", "cpu-choice", "cpu-sweep"])
def test_a_report_fits_the_terminal(name, columns, capsys, monkeypatch):
    """Of 80 columns, too, and there with the contestants' names in one line each."""
    monkeypatch.setenv("COLUMNS", str(columns))
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    assert command.main(["--report", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    names = {row["name"] for result in json.loads(path.read_text()).get("workloads", {}).values()
             for row in result["contestants"]}  # fmt: skip
    assert {each for each in names if not any(line.startswith(f"{each} ") for line in lines)} == set()
    assert ("│ error" in "\n".join(lines).replace("┃", "│")) == (columns == 200 and name == "cpu")


def test_names_fit_a_narrow_table():
    assert [one.name for one in EVERYONE if len(one.name) > 33] == []


def test_why_a_contestant_has_no_time_is_said_below_a_narrow_table(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    failed = measure.Entry(Contestant("theirs", "numpy", lambda *_: None), "failed", "ValueError: of no use [here]")
    w = Workload("w", "", (9,), (3,), "full", (0,))
    result = verdicts.summary(w, [entry("ours, of a long name that fills", [1.0], role=KONVOLVE, judged=True), failed])
    results = {"machine": machine.describe() | {"revision": None}, "workloads": {"w": result}, "not_installed": []}
    screen.show(results)
    shown = capsys.readouterr().out
    assert "ValueError: of no use [here]" in shown
    assert "None" not in shown
    assert "commit" not in shown
    del results["machine"]["revision"]  # the short race's files have none, and no verdicts
    del result["verdicts"]
    screen.show(results)
    assert "commit" not in capsys.readouterr().out


def test_the_legend_names_what_is_drawn_and_fits():
    pytest.importorskip("matplotlib")
    results = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    for names in (["face"], ["face", "reverb"], ["face", "template", "eager_small", "gradient_2d"]):
        part = {name: results["workloads"][name] for name in names}
        figure = chart.chart({"workloads": part})
        figure.draw_without_rendering()
        (legend,) = figure.legends
        box, page = legend.get_window_extent(), figure.bbox
        assert box.x0 >= page.x0
        assert box.x1 <= page.x1
        roles = {row["role"] for result in part.values() for row in result["contestants"] if "median_ms" in row}
        assert {text.get_text() for text in legend.get_texts()} == {chart.LABELS[role] for role in roles}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "fase"], "eager_small, gradient_2d, conv2d_7, conv2d_15, conv2d_31, depthwise_31"),
        (["--library", "cupy", "--memory"], "--library cupy: not installed; allowed: numpy, tensorflow, jax, torch"),
        (["--report", "nothing.json"], "--report nothing.json: not a results file: no such file; allowed"),
        (["--report", "list.txt"], "--report list.txt: not a results file"),
        (["--report", "other.txt"], "--report other.txt: not a results file: 'machine' is not in it; allowed"),
        (["--report", "list.txt", "--quick"], "--quick has no meaning with --report; see --help"),
        (["--report", "list.txt", "--json", "a.json"], "--json has no meaning with --report"),
        (["--sweep", "--memory"], "--sweep and --memory: allowed: one of --report, --calibrate"),
        (["--sweep", "--only", "face"], "--only has no meaning with --sweep"),
        (["--channels"], "--channels has no meaning without --validate"),
        (["--busy"], "--busy has no meaning without --validate"),
        (["--validate", "3", "--channels", "--kernels"], "--channels and --kernels: allowed: one of"),
        (["--json", ""], "--json .: a folder; allowed: a file"),
        (["--json", "found.md"], "--json found.md: the name of the tables or the chart"),
        (["--json", "taken.json"], "taken.png: the output is a directory"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_measured(options, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("[1, 2]")
    (tmp_path / "other.txt").write_text('{"a": 1}')
    (tmp_path / "taken.png").mkdir()
    before = sorted(tmp_path.iterdir())
    assert command.main(options) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert words in line
    assert out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", [[], ["--sweep"], ["--memory"], ["--validate", "3"], ["--calibrate"]])
def test_a_folder_that_may_not_be_written_is_refused_before_measuring(kind, capsys, monkeypatch, tmp_path):
    """Root, who runs the tests in a container, may write anywhere: the refusal is played."""

    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "touch", refuse)
    assert command.main(kind) == 2
    assert "can't write in .: Permission denied; allowed: a folder that is there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_sweep_is_right_at_every_size_and_drawn(monkeypatch, tmp_path):
    """With one call in a sample, for the times do not matter here."""
    short = sweeps.Sweep("a question", "taps", (1, 30), lambda k: ((50, 60), (k, k)), "same")
    monkeypatch.setattr(sweeps, "CALLS", 1)
    monkeypatch.setitem(sweeps.SWEEPS, "picture", short)
    steps = []
    found = sweeps.swept("picture", EVERYONE, ("numpy", "tensorflow", "jax", "torch"), False, lambda: steps.append(1))
    assert len(steps) == 2
    assert found["wrong"] == {}
    assert {"konvolve.convolve, NumPy", "SciPy oaconvolve", "SciPy convolve, auto"} <= set(found["lines"])
    assert all(time > 0 for line in found["lines"].values() for time in line)
    head, body = sweeps.rows(found)
    assert [row[0] for row in body] == ["1", "30"]
    assert {len(row) for row in body} == {len(head)}
    sweeps.plot({"picture": found}).savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_a_sweep_asks_the_slow_no_further(monkeypatch):
    monkeypatch.setattr(sweeps, "TOO_LONG", 0.0)
    monkeypatch.setitem(sweeps.SWEEPS, "signal", sweeps.Sweep("", "", (9, 10, 11), lambda n: ((n,), (3,)), "full"))
    found = sweeps.swept("signal", EVERYONE, ("numpy",), False, lambda: None)
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
    found = {entry.contestant.name: entry for entry in measure.race(w, EVERYONE, 1, lambda: None)}
    assert {name: entry.detail or entry.error for name, entry in found.items() if entry.status != "ok"} == {}
    assert {"konvolve.nn, tf.function", "konvolve.nn, jax.jit", "konvolve.nn, torch"} <= set(found)


@pytest.mark.parametrize(("name", "taps"), [("blur_2", 17), ("gaps", 9)])
def test_every_filter_is_right(name, taps):
    w = replace(filters.FILTERS[name], signal=(40, 50), kernel=(taps, taps))
    entries = measure.race(w, EVERYONE, 1, lambda: None)
    found = {one.contestant.name: one for one in entries if one.detail != "no answer"}
    installed = {name: one for name, one in found.items() if not one.contestant.missing}
    assert {name: one.detail or one.error for name, one in installed.items() if one.status != "ok"} == {}
    assert any(name.endswith("tf.function") for name in installed)


def test_of_a_whole_race_the_chosen_workloads_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    results = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    rows = chosen.pairs(results)
    assert len(rows) == len(chosen.CHOSEN)
    contestants = {row["name"]: row for row in results["workloads"]["template"]["contestants"]}
    ready = [row["median_ms"] for row in contestants.values() if row["role"] == "ready-made" and "median_ms" in row]
    line, ours, other, theirs = rows[list(chosen.CHOSEN).index("template")]
    assert (theirs, ours) == (min(ready), contestants["konvolve.correlate, tf.function"]["median_ms"])
    words = [text.get_text() for text in chosen.draw(results).axes[0].texts]
    assert f"{ours / theirs:.2f} of {other}: {ours:.0f} of {theirs:.0f} ms" in words
    assert line in [label.get_text() for label in chosen.draw(results).axes[0].get_yticklabels()]
