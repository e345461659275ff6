"""`konvolve bench`: what it measures is right, what it writes can be read again, what it sums up adds up."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")

from benchmarks.contest import chart, layers, sweeps, verdicts

from benchmarks import command, screen
from konvolve.bench import machine, measure
from konvolve.bench.contestants import KONVOLVE, PEER, Contestant, to_library, to_numpy
from konvolve.bench.workloads import WORKLOADS, Workload, _scipy_answer
from konvolve.command import main as cli

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


def test_verdicts_compare_rounds_with_the_best():
    ours = entry("ours", [1.0, 2.0, 3.0], role=KONVOLVE, judged=True)
    others = [entry("good", [4.0, 4.0, 4.0], role=PEER), entry("bad", [8.0, 8.0, 8.0], role=PEER)]
    w = Workload("w", "", (9,), (3,), "full", (0,), noise, _scipy_answer, aim=0.4)
    result = verdicts.summary(w, [ours, *others])
    (said,) = result["verdicts"]
    assert (said["other"], said["ratio"], said["met"]) == ("good", 0.5, False)
    assert said["quartiles"] == [0.375, 0.625]


def test_a_ratio_lies_between_its_quartiles():
    """Where the machine is slow in some rounds, the ratio of the medians lies outside: 2 here, with quartiles of 1."""
    compared = verdicts.against(entry("ours", [1.0, 2.0, 9.0]), entry("theirs", [1.0, 1.0, 9.0]))
    assert compared == {"ratio": 1.0, "quartiles": [1.0, 1.5]}
    rng = np.random.default_rng(0)
    for rounds in range(1, 30):
        one, other = (entry(name, list(rng.lognormal(size=rounds))) for name in ("one", "other"))
        compared = verdicts.against(one, other)
        assert compared["quartiles"][0] <= compared["ratio"] <= compared["quartiles"][1]
    assert verdicts.against(entry("once", [4.0]), entry("often", [2.0, 8.0])) == {"ratio": 2.0, "quartiles": [2.0, 2.0]}
    assert verdicts.against(entry("first", [4.0, None]), entry("last", [None, 2.0]))["ratio"] == 2.0


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
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    assert cli.main(["bench", "--report", str(out)]) == 0
    assert shown.startswith(capsys.readouterr().out)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("name", ["cpu", "cpu-choice", "cpu-sweep"])
def test_a_report_fits_the_terminal(name, columns, capsys, monkeypatch):
    """Of 80 columns, too, and there with the contestants' names in one line each."""
    monkeypatch.setenv("COLUMNS", str(columns))
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    assert cli.main(["bench", "--report", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    names = {row["name"] for result in json.loads(path.read_text()).get("workloads", {}).values()
             for row in result["contestants"]}  # fmt: skip
    assert {each for each in names if not any(line.startswith(f"{each} ") for line in lines)} == set()
    assert ("│ error" in "\n".join(lines).replace("┃", "│")) == (columns == 200 and name == "cpu")


def test_names_fit_a_narrow_table():
    assert [one.name for one in everyone if len(one.name) > 33] == []


def test_why_a_contestant_has_no_time_is_said_below_a_narrow_table(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    failed = measure.Entry(Contestant("theirs", "numpy", lambda *_: None), "failed", "ValueError: of no use [here]")
    w = Workload("w", "", (9,), (3,), "full", (0,), noise, _scipy_answer)
    result = verdicts.summary(w, [entry("ours, of a long name that fills", [1.0], role=KONVOLVE, judged=True), failed])
    results = {"machine": machine.describe() | {"revision": None}, "workloads": {"w": result}, "not_installed": []}
    screen.show(results)
    shown = capsys.readouterr().out
    assert "ValueError: of no use [here]" in shown
    assert "None" not in shown
    assert "commit" not in shown


def test_the_legend_names_what_is_drawn_and_fits():
    pytest.importorskip("matplotlib")
    results = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    names = list(results["workloads"])
    for count in (1, 2, len(names)):
        part = {name: results["workloads"][name] for name in names[:count]}
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
        (["--only", "fase"], "--only 'fase': unknown; allowed: face, reverb"),
        (["--only", ""], "--only '': no name in it; allowed: face, reverb"),
        (["--only", " , "], "--only ' , ': no name in it"),
        (["--library", ""], "--library '': no name in it; allowed: numpy"),
        (["--library", "mxnet"], "--library 'mxnet': unknown; allowed: numpy, tensorflow, jax, torch, cupy"),
        (["--library", "cupy", "--memory"], "--library cupy: not installed; allowed: numpy, tensorflow, jax, torch"),
        (["--report", "nothing.json"], "--report nothing.json: not a results file: no such file; allowed"),
        (["--report", "list.txt"], "--report list.txt: not a results file"),
        (["--report", "other.txt"], "--report other.txt: not a results file: 'machine' is not in it; allowed"),
        (["--report", "list.txt", "--quick"], "--quick has no meaning with --report; see konvolve"),
        (["--report", "list.txt", "--json", "a.json"], "--json has no meaning with --report"),
        (["--sweep", "--memory"], "--sweep and --memory: allowed: one of --report, --calibrate"),
        (["--sweep", "--only", "face"], "--only has no meaning with --sweep"),
        (["--channels"], "--channels has no meaning without --validate"),
        (["--json", "no/where.json"], "there is no folder no"),
        (["--json", "list.txt/out.json"], "there is no folder list.txt"),
        (["--json", ""], "--json .: a folder; allowed: a file"),
        (["--json", "found.md"], "--json found.md: the name of the tables or the chart"),
        (["--json", "taken.json"], "taken.png: the output is a directory"),
        (["--json", "a" * 252 + ".json"], "File name too long"),
        (["--json", "/dev/null"], "/dev/null: the output is a device or pipe"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_measured(options, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("[1, 2]")
    (tmp_path / "other.txt").write_text('{"a": 1}')
    (tmp_path / "taken.png").mkdir()
    before = sorted(tmp_path.iterdir())
    assert cli.main(["bench", *options]) == 2
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
    assert cli.main(["bench", *kind]) == 2
    assert "can't write in .: Permission denied; allowed: a folder that is there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_constants_that_can_not_be_kept_are_refused_before_measuring(capsys, monkeypatch, tmp_path):
    """A file stands where the folder's parent should be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setenv("KONVOLVE_CACHE", str(tmp_path / "file" / "below" / "cache"))
    assert cli.main(["bench", "--calibrate"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("konvolve: --calibrate: the constants can't be kept: ")
    assert "allowed: another folder, named by the environment variable KONVOLVE_CACHE" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


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
    sweeps.plot({"picture": found}).savefig(tmp_path / "plot.png")
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
