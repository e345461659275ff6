"""konvolve.nn beside keras.ops, on each Keras backend in a process of its own, so no environment variable is needed."""

import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("keras_channels.py")


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_values_shapes_and_symbolic_shapes_are_those_of_keras(backend):
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"done on {backend}" in done.stdout
