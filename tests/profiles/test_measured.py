"""Constants measured on the user's machine: used where they fit, and never in the way."""

import itertools
import json
import os
import subprocess
import sys

import pytest

import konvolve
from konvolve.bench import calibrate, problems
from konvolve.execution import plans
from konvolve.planning.profile import Profile
from konvolve.profiles import in_use, measured
from konvolve.profiles.shipped import CONSTANTS

SHIPPED = Profile(**CONSTANTS["numpy"])


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, and no plans from before or for later."""
    monkeypatch.setenv(measured.FOLDER, str(tmp_path / "cache"))
    plans.forget()
    yield tmp_path / "cache"
    plans.forget()


def store(**changes):
    return measured.store("numpy", SHIPPED._replace(**changes), {"date": "today"})


def test_the_suite_never_reads_the_users_cache(monkeypatch, tmp_path):
    """The folder that conftest.py names is not there."""
    monkeypatch.undo()
    assert "konvolve-tests" in str(measured.path())
    assert not measured.folder().exists()


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/given"}, "/given/konvolve"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/of/.cache/konvolve"),
        ("linux", {}, "/home/of/.cache/konvolve"),
        ("darwin", {}, "/home/of/Library/Caches/konvolve"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/konvolve"),
        ("linux", {"KONVOLVE_CACHE": "/own"}, "/own"),
    ],
)
def test_the_folder_is_where_the_system_has_it(monkeypatch, system, environment, expected):
    for name in ("KONVOLVE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/of"} | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    assert str(measured.folder()) == expected


def test_what_is_stored_is_used():
    before = konvolve.plan((10_000,), (500,), library="numpy", method="fft").estimates
    store(fft=10 * SHIPPED.fft, call=SHIPPED.call / 10)
    plans.forget()
    after = konvolve.plan((10_000,), (500,), library="numpy", method="fft").estimates
    assert after[0].seconds > 2 * before[0].seconds
    assert in_use.profile("numpy")._asdict() == SHIPPED._replace(fft=10 * SHIPPED.fft, call=SHIPPED.call / 10)._asdict()
    assert in_use.profile("torch") == Profile(**CONSTANTS["torch"])


def test_a_new_measurement_replaces_the_old_one_and_no_other():
    store(fft=1.0)
    measured.store("torch", Profile(**CONSTANTS["torch"])._replace(fft=3.0), {})
    file = store(fft=2.0)
    assert in_use.profile("numpy").fft == 2.0
    assert in_use.profile("torch").fft == 3.0
    assert len(json.loads(file.read_text())["constants"]) == 2
    assert [path.name for path in file.parent.iterdir()] == ["constants.json"]


@pytest.mark.parametrize("name", ["versions", "processor", "cores", "shipped", "konvolve"])
def test_elsewhere_it_does_not_count(name):
    file = store(fft=1.0)
    content = json.loads(file.read_text())
    content["constants"][0][name] = "another"
    file.write_text(json.dumps(content))
    assert in_use.profile("numpy") == SHIPPED


def test_on_another_device_it_does_not_count():
    file = store(fft=1.0)
    file.write_text(file.read_text().replace('"device": "cpu"', '"device": "gpu"'))
    assert in_use.profile("numpy") == SHIPPED


BROKEN = ["", "{", "[]", '{"constants": 1}', '{"constants": [1]}', "\0\xff", "[" * 200_000, " " * 2**21]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_named_and_ignored(cache, content):
    cache.mkdir()
    file = cache / "constants.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.warns(UserWarning, match=r"constants\.json cannot be read .* shipped ones are used"):
        assert in_use.profile("numpy") == SHIPPED
    assert in_use.profile("numpy") == SHIPPED  # and said once
    store(fft=1.0)
    plans.forget()
    assert in_use.profile("numpy").fft == 1.0


@pytest.mark.parametrize(
    "value", ['"fast"', "-1.0", "NaN", "Infinity", "true", "null", "{}", "0.0", "1e308", "9" * 400]
)
def test_what_is_no_time_is_ignored(value):
    file = store(fft=1.0)
    file.write_text(file.read_text().replace('"fft": 1.0', f'"fft": {value}'))
    with pytest.warns(UserWarning, match="for numpy in .*constants.json are not usable"):
        assert in_use.profile("numpy") == SHIPPED


def test_a_pipe_is_not_waited_for(cache):
    cache.mkdir()
    os.mkfifo(cache / "constants.json")
    with pytest.warns(UserWarning, match="it is not a regular file"):
        assert in_use.profile("numpy") == SHIPPED


def test_importing_reads_nothing(cache):
    cache.mkdir()
    (cache / "constants.json").write_text("broken")
    code = "import konvolve, sys; print('konvolve.profiles.measured' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_doctor_says_which_are_in_use(cache):
    doctor = pytest.importorskip("konvolve.command.doctor")
    assert doctor.constants("numpy") == "planning constants: shipped"
    store(fft=1.0)
    assert doctor.constants("numpy") == "planning constants: measured here, today"
    (cache / "constants.json").write_text("broken")
    assert "shipped, as " in doctor.constants("numpy")


def made_up(truth, count, seed):
    """Records of problems on a machine that takes exactly what the model says with these constants."""
    for question in itertools.islice(problems.draw(seed, double=False), count):
        record = {"measured_s": {}, **question.__dict__}
        plan = calibrate.planned(record, truth)
        if not plan.estimates:
            continue
        seconds = {each.method: each.seconds for each in plan.estimates}
        yield record | {"chosen": plan.method, "measured_s": seconds, "predicted_s": seconds}


def test_the_fit_finds_the_constants_a_machine_has():
    direct = {rank: 5 * value for rank, value in SHIPPED.direct.items()}
    truth = SHIPPED._replace(fft=3 * SHIPPED.fft, call=2 * SHIPPED.call, tap=SHIPPED.tap / 2, direct=direct)
    found = calibrate.fitted(SHIPPED, list(made_up(truth, 40, 1)))
    judged = list(made_up(truth, 60, 2))
    before, after = calibrate.judged(judged, SHIPPED), calibrate.judged(judged, found)
    assert found.fft == pytest.approx(truth.fft, rel=0.2)
    assert after["mean_log"] < before["mean_log"] / 3
    assert (found.band, found.native_exact) == (SHIPPED.band, SHIPPED.native_exact)


def test_calibration_times_fits_judges_and_stores(monkeypatch):
    steps = []
    monkeypatch.setattr(calibrate, "fitted", lambda shipped, records: shipped._replace(fft=7.0))
    monkeypatch.setattr(calibrate, "judged", lambda records, constants: calibrate.judge.summed(records))
    found = calibrate.calibrated("numpy", 3, lambda: steps.append(1))
    assert len(steps) == 6
    assert found["stored"] == str(measured.path())
    assert in_use.profile("numpy").fft == 7.0
    json.dumps(found)
    assert calibrate.rows({"numpy": found})[1][0][-1] == "yes"
