"""A method is one record in planning and two functions in methods, and nothing else has to know of it."""

import os
import pathlib
import shutil
import subprocess
import sys

import konvolve

SOURCE = pathlib.Path(konvolve.__file__).parent

RECORD = '''
"""The method "toy": a shifted copy of the signal for each tap, along one axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from konvolve.planning.cost import Estimate
from konvolve.planning.profile import Profile
from konvolve.planning.signal import candidate
from konvolve.planning.signal.candidate import Bits, SignalWay, Windows
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate


@dataclass(frozen=True, kw_only=True)
class Toy(SignalWay):
    """So many ``taps``."""

    name: ClassVar[str] = "toy"

    taps: int

    @classmethod
    def propose(cls, problem: Problem, profile: Profile, windows: Windows, bits: Bits) -> Candidate | None:
        """Take one axis of known sizes, in floating point."""
        if not problem.known or len(windows) > 1 or not problem.compute.startswith("float"):
            return None
        taps = problem.shape2[problem.axes[0]]
        outputs = problem.rows[2] * math.prod(kept.size for kept in windows)
        size = 3 * outputs * candidate.item_size(problem.compute, profile.has_float64)
        return Candidate(cls(taps=taps), Estimate(cls.name, profile.tap * candidate.products(problem, windows), size))

    @classmethod
    def refusal(cls, problem: Problem) -> str:
        """Tell what it is for."""
        return "method='toy' is for one axis of floating-point numbers"

    @property
    def preparation(self) -> tuple | None:
        """The kernel as it is."""
        return (self.name,)

    @property
    def words(self) -> str:
        """The taps."""
        return f"{self.taps} shifted copies"
'''

FUNCTIONS = '''
"""A shifted copy of the signal for each tap."""

from __future__ import annotations

from konvolve.backends.interface import Array, Backend
from konvolve.methods.signal.sizes import Sizes
from konvolve.planning.signal.toy import Toy


def prepare(xp: Backend, way: Toy, sizes: Sizes, b: Array) -> Array:
    """Return the kernel as it is."""
    return b


def run(xp: Backend, way: Toy, sizes: Sizes, a: Array, b: Array) -> Array:
    """Add them up."""
    (kept,) = sizes.windows
    y = 0
    for tap in range(way.taps):
        y = y + xp.window(a, [kept.start - tap], [kept.size]) * xp.window(b, [tap], [1])
    return y
'''

# What CONTRIBUTING names: the method's name, its record, its functions.
LINES = {
    "planning/operands.py": ('"matrix", "separable")', '"matrix", "toy", "separable")'),
    "planning/signal/planner.py": ("for each in (Direct,", "for each in (toy.Toy, Direct,"),
    "methods/signal/run.py": ('"matrix": matrix}', '"matrix": matrix, "toy": toy}'),
}
FIRST = "from __future__ import annotations\n"

QUESTIONS = """
import numpy as np, konvolve
rng = np.random.default_rng(0)
for mode in ("full", "same", "valid"):
    for dtype in ("float32", "float64"):
        a, b = rng.standard_normal((3, 40)).astype(dtype), rng.standard_normal((1, 7)).astype(dtype)
        wanted = np.stack([np.convolve(row, b[0], mode) for row in a])
        for kernel in (b, konvolve.Kernel(b)):
            y = konvolve.convolve(a, kernel, mode, method="toy", axes=1)
            assert y.dtype == dtype
            np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-4)
        columns = konvolve.correlate(a.T, b.T, mode, method="toy", axes=0)
        np.testing.assert_allclose(columns.T, [np.correlate(row, b[0], mode) for row in a], rtol=1e-4, atol=1e-4)
plan = konvolve.plan((4000,), (5,), boundary="reflect", mode="same", library="numpy", explain=True)
assert "5 shifted copies" in str(plan), str(plan)
assert konvolve.plan((4000,), (5,), method="toy", max_memory=10**6).method == "toy"
for wrong in ((np.ones((9, 9)), np.ones((3, 3))), (np.arange(9), np.arange(3))):
    try:
        konvolve.convolve(*wrong, method="toy")
    except ValueError as error:
        assert "'toy' is for one axis" in str(error)
    else:
        raise AssertionError(wrong)
print("right")
"""


def test_a_method_is_two_files_and_a_line_in_each_of_three_tables(tmp_path):
    """Added to a copy of konvolve and asked there: in every mode, with a prepared kernel, in plans and in errors."""
    package = tmp_path / "konvolve"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "planning" / "signal" / "toy.py").write_text(RECORD)
    (package / "methods" / "signal" / "toy.py").write_text(FUNCTIONS)
    for name, (before, after) in LINES.items():
        path = package / name
        text = path.read_text()
        assert text.count(before) == 1, name
        text = text.replace(before, after)
        if "operands" not in name:
            folder = name.rpartition("/")[0].replace("/", ".")
            text = text.replace(FIRST, f"{FIRST}from konvolve.{folder} import toy\n")
        path.write_text(text)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", QUESTIONS], env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("right", 0), done.stderr
