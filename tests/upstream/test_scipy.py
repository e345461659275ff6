"""SciPy's own tests, read from the installed SciPy, asked of konvolve; see README.md in this folder."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MODULES = ("scipy.signal.tests.test_signaltools", "scipy.signal.tests.test_bsplines")

#: The libraries konvolve is asked on; "jax" is JAX as it comes, without 64-bit numbers.
LIBRARIES = ("numpy", "tensorflow", "jax", "jax-x64", "torch")

#: Those that compile a program for every new shape and dtype, a tenth of a second each: asked one in 24
#: of oaconvolve's thousand tests.
COMPILING = ("jax", "jax-x64")

#: Of the slow tests, more than ten thousand, one in so many is asked with --slow: all of NumPy. On JAX they would take
#: hours.
SLOW_LIBRARIES = {"numpy": 1, "tensorflow": 5}

#: How many of SciPy's tests there are at the least, in every SciPy from 1.13 to 1.17: fewer means that
#: something has been left out in silence. And how many of the fast ones ask about each function.
FAST, SLOW, QUICK = 1389, 10340, 370
FAST_BY_FUNCTION = {
    "fftconvolve": 100,
    "oaconvolve": 1000,
    "convolve": 15,
    "correlate": 80,
    "convolve2d": 15,
    "correlate2d": 3,
    "sepfir2d": 2,
    "choose_conv_method": 2,
    "correlation_lags": 20,
}

#: Warnings are errors, as in SciPy's own runs and in ours. The two that pass come from SciPy's test files:
#: marks that are registered only after their first use, and old helpers of NumPy in SciPy 1.16 and before.
INI = """[pytest]
filterwarnings =
    error
    ignore::pytest.PytestUnknownMarkWarning
    ignore:NumPy warning suppression and assertion:DeprecationWarning
"""

QUICK_BY_FUNCTION = {**FAST_BY_FUNCTION, "oaconvolve": 40, "convolve": 14}

Report = dict[str, Any]
Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run SciPy's tests in a process of its own, since `scipy.signal` has to be changed there."""

    def run_(*options: str) -> Report:
        # A configuration of its own: ours has options and warnings that are not meant for SciPy's tests.
        ini, report = tmp_path / "pytest.ini", tmp_path / "report.json"
        ini.write_text(INI)
        # SCIPY_ARRAY_API, even "0", makes SciPy test other libraries. PYTEST_*: options, and marks of xdist.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SCIPY_", "PYTEST_"))}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # quicker, and nobody else's plugin has a say
        environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        environment["OMP_NUM_THREADS"] = "1"  # PyTorch on tiny arrays: threads only wait for each other
        environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # a third off the time of compiling
        command = [sys.executable, "-m", "pytest", "-c", str(ini), "-p", "no:cacheprovider", "-q"]
        # SciPy's assertions say enough; pytest's own rewriting costs seconds, TensorFlow's modules included.
        command += ["--assert=plain", "--tb=short", "-p", "scipy_suite.plugin", f"--report-to={report}"]
        command += [*options, "--pyargs", *MODULES]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        # 0: all passed; 1: some failed, which the report tells better.
        if ran.returncode not in (0, 1) or not report.exists():
            pytest.fail(f"exit status {ran.returncode}\n{ran.stdout[-6000:]}\n{ran.stderr[-3000:]}")
        return json.loads(report.read_text())

    return run_


# Quick by themselves; the others take a minute together with these.
QUICK_LIBRARIES = ("numpy", "torch")


@pytest.mark.parametrize(
    "library", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK_LIBRARIES)) for name in LIBRARIES]
)
def test_konvolve_passes_scipys_fast_tests(run: Run, library: str) -> None:
    if importlib.util.find_spec(library.partition("-")[0]) is None:
        pytest.skip(f"{library} is not installed")
    if library in COMPILING:
        report = run("--library", library, "-m", "not slow", "--quick")
        assert_as_expected(report, at_least=QUICK)
        assert_every_function_asked(report, QUICK_BY_FUNCTION)
    else:
        report = run("--library", library, "-m", "not slow")
        assert_as_expected(report, at_least=FAST)
        assert_every_function_asked(report)


@pytest.mark.slow
@pytest.mark.parametrize("library", SLOW_LIBRARIES)
def test_konvolve_passes_scipys_slow_tests(run: Run, library: str) -> None:
    if importlib.util.find_spec(library.partition("-")[0]) is None:
        pytest.skip(f"{library} is not installed")
    one_in = SLOW_LIBRARIES[library]
    report = run("--library", library, "-m", "slow", f"--one-in={one_in}", "-p", "xdist", "-n", "2")
    assert_as_expected(report, at_least=SLOW if one_in == 1 else int(0.9 * SLOW / one_in))


@pytest.mark.slow
def test_scipy_passes_its_own_tests_this_way(run: Run) -> None:
    report = run("--implementation", "scipy", "-m", "not slow")
    assert_as_expected(report, at_least=FAST)
    assert_every_function_asked(report)


@pytest.mark.parametrize("fault", ["shift", pytest.param("scale", marks=pytest.mark.slow)])
def test_a_wrong_function_fails(run: Run, fault: str) -> None:
    # A part of oaconvolve's thousand tests will do.
    selection = ("-m", "not slow", "-k", "not (TestOAConvolve and axes)", "--tb=line")
    report = run("--implementation", "scipy", "--fault", fault, *selection)
    failed, ran = Counter[str](), Counter[str]()
    for test in report["tests"].values():
        ran.update(test["subjects"])
        failed.update(test["subjects"] if test["outcome"] == "failed" else ())
    assert set(failed) == set(FAST_BY_FUNCTION)
    # The rest look at errors for wrong arguments, or at one answer against another of the same function.
    assert failed.total() > 0.8 * ran.total()


def assert_as_expected(report: Report, at_least: int) -> None:
    """Check that every test passed or is listed, that the listed ones failed, and that none was empty."""
    tests: dict[str, Report] = report["tests"]
    failed = {k: t for k, t in tests.items() if t["outcome"] == "failed" and not t["known"]}
    if failed:
        pytest.fail(by_cause(failed), pytrace=False)
    stale = [k for k, t in tests.items() if t["outcome"] == "passed" and t["known"]]
    assert not stale, "listed in known.py, but they pass"
    assert not report["misspelt"], "listed in known.py, but there are no such tests"
    # A test that passes without a call of the function it is about says nothing about konvolve.
    uncalled = [k for k, t in tests.items() if t["outcome"] == "passed" and not t["calls"]]
    assert not uncalled
    # Nor does one in which konvolve asked SciPy's function for the answer.
    assert not [k for k, t in tests.items() if t["borrowed"]]
    answered = [t for t in tests.values() if t["outcome"] == "passed" or t["known"]]
    assert len(answered) >= at_least


def assert_every_function_asked(report: Report, least_by_function: dict[str, int] = FAST_BY_FUNCTION) -> None:
    """Check that each of the functions was really called, in about as many tests as SciPy has for it."""
    asked = Counter(name for t in report["tests"].values() for name in t["calls"])
    too_few = {k: asked[k] for k, least in least_by_function.items() if asked[k] < least}
    assert not too_few


def by_cause(failed: dict[str, Report]) -> str:
    """Group failing tests by what they said, the largest group first."""
    groups: dict[str, list[str]] = {}
    for name, test in failed.items():
        groups.setdefault(" ".join(test["message"].split())[:160], []).append(name)
    lines = [f"{len(failed)} of SciPy's tests fail:"]
    for message, names in sorted(groups.items(), key=lambda group: -len(group[1]))[:30]:
        lines.append(f"{len(names)} x {names[0]}: {message}")
    return "\n".join(lines)
