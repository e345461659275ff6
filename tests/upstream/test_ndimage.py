"""SciPy's own tests of its linear image filters, from the installed wheel, with konvolve's in their place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SELECTED = "gaussian or uniform or correlate or convolve or sobel or prewitt or laplace or gradient or filter"
ALL_TESTS, BY_FILTER = 1800, 15
"""How many of SciPy's tests call one of the filters at least (SciPy 1.17: 1827), and how many filters there are."""


def run(folder: Path, library: str, *options: str) -> dict:
    """Run SciPy's tests in a process of its own, since `scipy.ndimage` has to be changed there."""
    ini, report = folder / "pytest.ini", folder / "report.json"
    ini.write_text("[pytest]\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SCIPY_", "PYTEST_"))}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    environment |= {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "OMP_NUM_THREADS": "1",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-c", str(ini), "-p", "no:cacheprovider", "-q", "--assert=plain"]
    command += ["--tb=line", "-p", "ndimage_suite.plugin", f"--library={library}", f"--report-to={report}"]
    command += [*options, "-k", SELECTED, "--pyargs", "scipy.ndimage.tests.test_filters"]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if ran.returncode not in (0, 1) or not report.exists():
        pytest.fail(f"exit status {ran.returncode}\n{ran.stdout[-6000:]}\n{ran.stderr[-3000:]}")
    return json.loads(report.read_text())


@pytest.mark.parametrize(
    ("library", "one_in"),
    [
        ("numpy", 1),
        pytest.param("tensorflow", 10, marks=pytest.mark.unless_slow),
        *(pytest.param(library, 1, marks=pytest.mark.slow) for library in ("tensorflow", "torch")),
        pytest.param("jax-x64", 10, marks=pytest.mark.slow),
    ],
)
def test_konvolves_filters_pass_scipys_tests(library, one_in, tmp_path):
    report = run(tmp_path, library, f"--one-in={one_in}")
    failed = {k: t["message"] for k, t in report.items() if t["outcome"] == "failed" and not t["known"]}
    if failed:
        pytest.fail("\n".join(f"{k}: {' '.join(m.split())[-300:]}" for k, m in failed.items()), pytrace=False)
    assert not [k for k, t in report.items() if t["known"] and t["outcome"] == "passed"], "in known.py, but they pass"
    assert len(report) >= 0.8 * ALL_TESTS / one_in
    calls = Counter(name for test in report.values() for name in test["calls"])
    assert len(calls) == BY_FILTER or one_in > 1


def test_a_wrong_filter_fails(tmp_path):
    outcomes = Counter(test["outcome"] for test in run(tmp_path, "numpy", "--fault", "--one-in=5").values())
    # The others look at errors, or at one answer against another of the same filter.
    assert outcomes["failed"] > 0.7 * outcomes.total()
