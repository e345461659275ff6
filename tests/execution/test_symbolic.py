"""Keras's symbolic tensors, on each Keras backend in a process of its own: no environment variable is needed."""

import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "support" / "keras_models.py"


def run(backend, *arguments):
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"done on {backend}" in done.stdout


@pytest.mark.parametrize(
    "backend", ["tensorflow", *(pytest.param(name, marks=pytest.mark.slow) for name in ("jax", "torch"))]
)
def test_functional_models_compute_train_and_reload(backend, tmp_path):
    run(backend, "make", tmp_path)
    run(backend, "reload", tmp_path)


def test_a_symbolic_question_to_choose_conv_method_is_refused():
    import keras

    import konvolve

    with pytest.raises(TypeError, match="symbolic"):
        konvolve.choose_conv_method(keras.Input((9,)), [1.0])
