"""konvolve.nn beside keras.ops, on each Keras backend in a process of its own, so no environment variable is needed."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parents[1] / "support"


def done(script, backend):
    # Without oneDNN, which TensorFlow turns off on some processors, it has no convolution with the channels first.
    settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    environment = os.environ | settings
    ran = subprocess.run([sys.executable, str(HERE / script)], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return f"done on {backend}" in ran.stdout


@pytest.mark.parametrize(
    "backend", ["tensorflow", *(pytest.param(name, marks=pytest.mark.slow) for name in ("jax", "torch"))]
)
def test_values_shapes_and_symbolic_shapes_are_those_of_keras(backend):
    assert done("keras_channels.py", backend)


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_direct_layers_run_the_operations_of_kerass_layers(backend):
    assert done("keras_graphs.py", backend)
