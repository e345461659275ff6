"""astropy's own tests of convolve and convolve_fft, from the installed wheel, with konvolve.compat's in their place."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = ("astropy.convolution.tests.test_convolve", "astropy.convolution.tests.test_convolve_fft")
ALL_TESTS = 1150
"""How many of astropy's tests call one of the two at least (astropy 8.0)."""

needs_astropy = pytest.mark.skipif(importlib.util.find_spec("astropy") is None, reason="astropy is not installed")


def run(folder: Path, library: str, *options: str) -> dict:
    """Run astropy's tests in a process of its own, since its module has to be changed there."""
    ini, report = folder / "pytest.ini", folder / "report.json"
    ini.write_text("[pytest]\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-c", str(ini), "-p", "no:cacheprovider", "-q", "--assert=plain"]
    command += ["--tb=short", "-p", "astropy_suite.plugin", f"--library={library}", f"--report-to={report}"]
    command += [*options, "--pyargs", *MODULES]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if ran.returncode not in (0, 1) or not report.exists():
        pytest.fail(f"exit status {ran.returncode}\n{ran.stdout[-6000:]}\n{ran.stderr[-3000:]}")
    return json.loads(report.read_text())


@needs_astropy
@pytest.mark.parametrize(
    ("library", "one_in"),
    [
        ("numpy", 1),
        pytest.param("torch", 10, marks=pytest.mark.unless_slow),
        *(pytest.param(library, 1, marks=pytest.mark.slow) for library in ("tensorflow", "torch")),
        pytest.param("jax-x64", 10, marks=pytest.mark.slow),
    ],
)
def test_konvolve_passes_astropys_tests(library, one_in, tmp_path):
    report = run(tmp_path, library, f"--one-in={one_in}")
    failed = {k: t["message"] for k, t in report.items() if t["outcome"] == "failed" and not t["known"]}
    if failed:
        pytest.fail("\n".join(f"{k}: {' '.join(m.split())[-300:]}" for k, m in failed.items()), pytrace=False)
    assert not [k for k, t in report.items() if t["known"] and t["outcome"] == "passed"], "in known.py, but they pass"
    assert len(report) >= 0.8 * ALL_TESTS / one_in


@needs_astropy
def test_a_wrong_function_fails(tmp_path):
    outcomes = Counter(test["outcome"] for test in run(tmp_path, "numpy", "--fault", "--one-in=10").values())
    # The others ask about dtypes, errors, and whether the input is left alone.
    assert outcomes["failed"] > 0.4 * outcomes.total()
