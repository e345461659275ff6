"""JAX on many devices, in a process that has them."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("jax")


@pytest.mark.parametrize(
    "cases", [pytest.param("few", marks=pytest.mark.unless_slow), pytest.param("all", marks=pytest.mark.slow)]
)
def test_a_batch_stays_on_its_devices(cases):
    """No operand of a transform is gathered, forward or backward; values, derivatives and all else are as on one."""
    script = pathlib.Path(__file__).parents[2] / "support" / "jax_sharded.py"
    done = subprocess.run([sys.executable, str(script), cases], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "done\n"
