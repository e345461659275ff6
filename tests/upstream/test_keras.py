"""Keras's own tests of its convolution layers, read from the installed Keras, asked of konvolve's; see README.md."""

from __future__ import annotations

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
FOLDER = "keras.src.layers.convolutional"
MODULES = [f"{FOLDER}.{name}_test" for name in ("conv", "conv_transpose", "depthwise_conv", "separable_conv")]

#: How many of Keras's tests run on each backend, in Keras 3.15 (the others are for GPUs); and the least for any Keras.
RUN = {"tensorflow": 254, "jax": 255, "torch": 255}

#: How many of them make a layer of each class.
MADE = {
    "Conv1D": 13,
    "Conv2D": 18,
    "Conv3D": 11,
    "DepthwiseConv1D": 10,
    "DepthwiseConv2D": 8,
    "SeparableConv1D": 8,
    "SeparableConv2D": 8,
    "Conv1DTranspose": 88,
    "Conv2DTranspose": 89,
    "Conv3DTranspose": 8,
}

#: What asks for values; the rest look at errors, shapes and configurations.
CORRECTNESS = "CorrectnessTest and not shape_inference and not constraints and not exception"

Report = dict[str, dict[str, Any]]
Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run Keras's tests in a process of its own, since Keras has to be changed there."""

    def run_(backend: str, *options: str) -> Report:
        # A configuration of its own: Keras's tests warn, which ours must not.
        ini, report = tmp_path / "pytest.ini", tmp_path / "report.json"
        ini.write_text("[pytest]\n")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS_", "PYTEST_"))}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        environment["KERAS_BACKEND"] = backend
        environment["KERAS_HOME"] = str(tmp_path)  # nobody's own settings
        environment["OMP_NUM_THREADS"] = "1"  # PyTorch on tiny arrays: threads only wait for each other
        environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # a third off the time of compiling
        environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        command = [sys.executable, "-m", "pytest", "-c", str(ini), "-p", "no:cacheprovider", "-q", "--assert=plain"]
        command += ["--tb=short", "-p", "keras_suite.plugin", f"--report-to={report}", *options, "--pyargs", *MODULES]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        # 0: all passed; 1: some failed, which the report tells better.
        if ran.returncode not in (0, 1) or not report.exists():
            pytest.fail(f"exit status {ran.returncode}\n{ran.stdout[-6000:]}\n{ran.stderr[-3000:]}")
        return json.loads(report.read_text())

    return run_


slow = pytest.mark.slow
# The backend, the method, and one in how many tests is asked. By "auto" these small layers are the library's own
# convolutions, which Keras's tests are about in any case; by "fft" they are konvolve's.
METHODS = [
    pytest.param("tensorflow", "auto", 1, marks=slow),
    pytest.param("tensorflow", "fft", 3, marks=slow),
    pytest.param("torch", "auto", 3, marks=slow),
    pytest.param("torch", "fft", 1, marks=slow),
    pytest.param("jax", "auto", 4, marks=slow),
    pytest.param("jax", "fft", 2, marks=slow),
]


@pytest.mark.parametrize(("backend", "method", "one_in"), METHODS)
def test_konvolves_layers_pass_kerass_tests(run: Run, backend: str, method: str, one_in: int) -> None:
    report = run(backend, f"--method={method}", f"--one-in={one_in}")
    if one_in == 1:
        assert_as_expected(report, RUN[backend])
    else:
        assert_as_expected(report, int(0.7 * RUN[backend] / one_in), {})


@pytest.mark.unless_slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_some_of_kerass_tests(run: Run, backend: str) -> None:
    """More of them, and all of them, with --slow."""
    assert_as_expected(run(backend, "--method=fft", "--one-in=8"), 20, {})


@pytest.mark.slow
def test_kerass_layers_pass_their_tests_this_way(run: Run) -> None:
    report = run("torch", "--implementation=keras")
    assert Counter(test["outcome"] for test in report.values())["passed"] == RUN["torch"]


@pytest.mark.parametrize("fault", ["scale", pytest.param("shift", marks=slow)])
def test_a_wrong_layer_fails(run: Run, fault: str) -> None:
    report = run("torch", f"--fault={fault}", "--tb=line", "-k", CORRECTNESS)
    failed, made = Counter[str](), Counter[str]()
    for test in report.values():
        made.update(set(test["made"]))
        failed.update(set(test["made"]) if test["outcome"] == "failed" else ())
    assert set(failed) == set(MADE)
    # A shift along one axis leaves a kernel of one tap on constant inputs as it was.
    assert failed.total() > 0.8 * made.total()


def assert_as_expected(report: Report, at_least: int, made_at_least: dict[str, int] = MADE) -> None:
    """Check that every test passed or is listed, that the listed ones failed, and that konvolve was asked."""
    failed = {k: t["message"] for k, t in report.items() if t["outcome"] == "failed" and not t["known"]}
    if failed:
        pytest.fail("\n".join(f"{k}: {' '.join(m.split())[:300]}" for k, m in failed.items()), pytrace=False)
    passed = {k: t for k, t in report.items() if t["outcome"] == "passed"}
    assert not [k for k, t in passed.items() if t["known"]], "listed in known.py, but they pass"
    assert not [k for k, t in passed.items() if not t["made"]], "no layer of konvolve's was made"
    assert not [k for k, t in passed.items() if t["borrowed"]], "Keras's own convolution was called"
    # A test that asks for values has to have got them from konvolve.
    silent = [k for k, t in passed.items() if ("basic" in k or "correctness" in k) and not t["computed"]]
    assert not silent
    assert sum(sum(t["computed"].values()) for t in passed.values()) >= at_least
    assert len(passed) + len([t for t in report.values() if t["known"]]) >= at_least
    made = Counter(name for t in passed.values() for name in t["made"])
    assert not {k: made[k] for k, least in made_at_least.items() if made[k] < least}
