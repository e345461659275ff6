"""Another project's tests in a process of its own, since its functions have to be replaced there; and their report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run(folder: Path, plugin: str, library: str, *options: str) -> dict:
    """Return the report of the tests that the options name, run with a plugin on a library's arrays."""
    # A configuration of its own: ours has options and warnings that are not meant for others' tests.
    ini, report = folder / "pytest.ini", folder / "report.json"
    ini.write_text("[pytest]\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SCIPY_", "PYTEST_"))}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    command = [sys.executable, "-m", "pytest", "-c", str(ini), "-p", "no:cacheprovider", "-q", "--assert=plain"]
    # Where a fault is put in nearly all tests fail, and to write down where takes ten times as long as they do.
    traces = "no" if any(option.startswith("--fault") for option in options) else "short"
    command += [f"--tb={traces}", "-p", plugin, f"--library={library}", f"--report-to={report}", *options]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    # 0: all passed; 1: some failed, which the report tells better.
    if ran.returncode not in (0, 1) or not report.exists():
        pytest.fail(f"exit status {ran.returncode}\n{ran.stdout[-6000:]}\n{ran.stderr[-3000:]}")
    return json.loads(report.read_text())


def assert_as_expected(report: dict, at_least: float) -> None:
    """Check that every test passed or is known to fail, that the known ones failed, and that enough were asked."""
    failed = {k: t["message"] for k, t in report.items() if t["outcome"] == "failed" and not t["known"]}
    if failed:
        pytest.fail("\n".join(f"{k}: {' '.join(m.split())[-300:]}" for k, m in failed.items()), pytrace=False)
    assert not [k for k, t in report.items() if t["known"] and t["outcome"] == "passed"], "in known.py, but they pass"
    assert len(report) >= at_least


def failing(report: dict) -> float:
    """Return the share of tests that failed."""
    outcomes = Counter(test["outcome"] for test in report.values())
    return outcomes["failed"] / outcomes.total()


def libraries(first: str, little: str) -> list:
    """Return what is asked of whom, as (library, one test in how many): always, and with --slow."""
    return [
        (first, 1),
        pytest.param(little, 10, marks=pytest.mark.unless_slow),
        *(pytest.param(library, 1, marks=pytest.mark.slow) for library in ("tensorflow", "torch")),
        pytest.param("jax-x64", 10, marks=pytest.mark.slow),
    ]
