"""`konvolve bench`: what it measures is right, what it sums up adds up, and what it shows fits the terminal."""

import errno
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")

from konvolve.bench import machine, measure, results
from konvolve.bench.contestants import KONVOLVE, PEER, Contestant
from konvolve.bench.everyone import everyone
from konvolve.bench.libraries import to_library, to_numpy
from konvolve.bench.workloads import WORKLOADS, Workload, answer
from konvolve.command import bench as command
from konvolve.command import main as cli
from konvolve.command.bench_options import MOVED

SMALL = Workload("small", "a question", (3, 40, 50), (1, 6, 7), "same", (1, 2))
PICTURE = Workload("picture", "a question", (40, 50, 3), (6, 7, 1), "same", (0, 1))
TEMPLATE = Workload("template", "a question", (40, 50), (6, 7), "valid", (0, 1), operation="correlate")


def entry(name, seconds, **more):
    made = measure.Entry(Contestant(name, "tensorflow", lambda *_: None, **more))
    made.samples = seconds
    return made


@pytest.mark.parametrize("w", [SMALL, PICTURE, TEMPLATE], ids=["batch", "colours", "correlation"])
def test_every_contestant_is_right_or_has_no_answer(w):
    """A workload's own sizes take too long here."""
    entries = measure.race(w, everyone(), 1, lambda: None)
    assert {made.contestant.name: made.detail for made in entries if made.status != "ok"} == {}
    names = {made.contestant.name for made in entries}
    assert {f"konvolve.{w.operation}, {how}" for how in ("NumPy", "tf.function", "jax.jit", "torch")} <= names
    # OpenCV, which filters and matches pictures, need not be installed.
    assert len(names) >= 9 + (w is not SMALL and importlib.util.find_spec("cv2") is not None)
    assert all(len(made.times) == 1 for made in entries)


def test_a_wrong_contestant_is_not_timed():
    wrong = Contestant("off by one", "numpy", lambda w, x, k: lambda: np.roll(answer(w, x, k)[0], 1, 1))
    (made,) = measure.race(SMALL, [wrong], 2, lambda: None)
    assert made.status == "WRONG"
    assert made.times == []


def test_a_ratio_lies_between_its_quartiles():
    """Where the machine is slow in some rounds, the ratio of the medians lies outside: 2 here, with quartiles of 1."""
    compared = results.against(entry("ours", [1.0, 2.0, 9.0]), entry("theirs", [1.0, 1.0, 9.0]))
    assert compared == {"ratio": 1.0, "quartiles": [1.0, 1.5]}
    rng = np.random.default_rng(0)
    for rounds in range(1, 30):
        one, other = (entry(name, list(rng.lognormal(size=rounds))) for name in ("one", "other"))
        compared = results.against(one, other)
        assert compared["quartiles"][0] <= compared["ratio"] <= compared["quartiles"][1]
    assert results.against(entry("once", [4.0]), entry("often", [2.0, 8.0])) == {"ratio": 2.0, "quartiles": [2.0, 2.0]}
    assert results.against(entry("first", [4.0, None]), entry("last", [None, 2.0]))["ratio"] == 2.0


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax", "torch"])
def test_arrays_go_to_a_library_and_come_back(library):
    pytest.importorskip(library)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(to_numpy(to_library(library, x)), x)


def test_one_table_has_everyone_and_the_ratio_of_the_fastest():
    failed = measure.Entry(Contestant("theirs", "numpy", lambda *_: None), "failed", "ValueError: of no use [here]")
    entries = [
        entry("konvolve.convolve, NumPy", [2.0, 2.0], role=KONVOLVE),
        entry("konvolve.convolve, torch", [1.0, 3.0, 1.0], role=KONVOLVE),
        entry("good", [4.0, 4.0, 4.0], role=PEER),
        failed,
    ]
    found = {"w": results.summary(SMALL, entries)}
    assert found["w"]["best"] == "good"
    found["v"] = results.summary(SMALL, [entry("konvolve.correlate, torch", [1.0], role=KONVOLVE)])
    head, body = results.table(found)
    assert head == ["median ms", "w", "v"]
    assert body == [
        ["konvolve, NumPy", "2000", ""],
        ["konvolve, torch", "1000", "1000"],
        ["good", "4000", ""],
        ["theirs", "failed", ""],
        ["konvolve's best / others' best", "0.25", ""],
    ]
    assert results.remarks(found)[-1] == "theirs on w: failed ValueError: of no use [here]"


def test_the_command_shows_a_table_and_writes_every_sample(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(WORKLOADS, "fir", SMALL)
    monkeypatch.chdir(tmp_path)
    options = ["--only", "fir", "--library", "numpy", "--repeats", "2"]
    assert cli.main(["bench", *options]) == 0
    assert list(tmp_path.iterdir()) == []
    assert cli.main(["bench", *options, "--json", "found.json"]) == 0
    shown = capsys.readouterr().out
    assert "konvolve, NumPy" in shown
    assert shown.endswith("written: found.json\n")
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]
    written = json.loads((tmp_path / "found.json").read_text())
    assert set(written["workloads"]) == {"fir"}
    for row in written["workloads"]["fir"]["contestants"]:
        assert row["status"] == "ok", row
        assert len(row["samples_ms"]) == 2


def test_the_table_fits_80_columns(capsys, monkeypatch):
    """With every workload, and with every contestant that is installed, in one line each."""
    monkeypatch.setenv("COLUMNS", "80")
    names = [one.name for one in everyone()]
    found = {}
    for w in WORKLOADS.values():
        found[w.name] = results.summary(w, [entry(n, [1.234], role=KONVOLVE if "konv" in n else PEER) for n in names])
    command.show_race({"machine": machine.describe(), "workloads": found, "not_installed": []})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    shown = {"konvolve" + name[name.index(",") :] if name.startswith("konvolve") else name for name in names}
    assert {name for name in shown if not any(line.startswith(f"{name} ") for line in lines)} == set()


@pytest.mark.parametrize("option", MOVED)
def test_an_option_that_has_moved_says_where(option, capsys):
    value = {"--report": ["found.json"], "--validate": ["300"]}.get(option, [])
    assert cli.main(["bench", option, *value]) == 2
    assert capsys.readouterr() == ("", f"konvolve: {option} has moved: python -m benchmarks in a checkout has it\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "fase"], "--only 'fase': unknown; allowed: face, reverb"),
        (["--only", "gradient_2d"], "short_signals, template; others by python -m benchmarks in a checkout"),
        (["--only", ""], "--only '': no name in it; allowed: face, reverb"),
        (["--only", " , "], "--only ' , ': no name in it"),
        (["--library", ""], "--library '': no name in it; allowed: numpy"),
        (["--library", "mxnet"], "--library 'mxnet': unknown; allowed: numpy, tensorflow, jax, torch, cupy"),
        (["--library", "cupy", "--calibrate"], "--library cupy: not installed; allowed: numpy, tensorflow, jax, torch"),
        (["--calibrate", "--only", "face"], "--only has no meaning with --calibrate; see --help"),
        (["--calibrate", "--repeats", "3"], "--repeats has no meaning with --calibrate"),
        (["--json", "no/where.json"], "there is no folder no"),
        (["--json", "list.txt/out.json"], "there is no folder list.txt"),
        (["--json", ""], "--json .: a folder; allowed: a file"),
        (["--json", "taken.json"], "--json taken.json: a folder; allowed: a file"),
        (["--json", "a" * 252 + ".json"], "File name too long"),
        (["--json", "/dev/null"], "/dev/null: the output is a device or pipe"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_measured(options, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("[1, 2]")
    (tmp_path / "taken.json").mkdir()
    before = sorted(tmp_path.iterdir())
    assert cli.main(["bench", *options]) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert words in line
    assert out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", [[], ["--calibrate"]])
def test_a_folder_that_may_not_be_written_is_refused_before_measuring(kind, capsys, monkeypatch, tmp_path):
    """Root, who runs the tests in a container, may write anywhere: the refusal is played."""

    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "touch", refuse)
    assert cli.main(["bench", *kind, "--json", "found.json"]) == 2
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


def test_it_runs_away_from_a_checkout(tmp_path):
    """In a process that finds no folder of benchmarks."""
    options = ["--only", "template", "--library", "numpy", "--repeats", "1"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "konvolve", "bench", *options],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "konvolve, NumPy" in done.stdout
    assert list(tmp_path.iterdir()) == []
