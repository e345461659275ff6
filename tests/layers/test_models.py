"""Whole models with large kernels, and training on two devices; minutes, so with --slow."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import konvolve

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15 asks arrays for their values as NumPy 1 did.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def replknet(size=64, channels=16, depth=2):
    """Return a small network in the manner of RepLKNet (Ding and others 2022), with depthwise kernels of 31x31."""
    entry = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(channels, 4, strides=4, activation="relu")(entry)
    for _ in range(depth):
        y = keras.layers.Conv2D(channels, 1, activation="relu")(keras.layers.BatchNormalization()(x))
        wide = keras.layers.DepthwiseConv2D(31, padding="same")(y)
        small = keras.layers.DepthwiseConv2D(5, padding="same")(y)
        x = keras.layers.Add()([x, keras.layers.Conv2D(channels, 1)(keras.layers.Add()([wide, small]))])
        y = keras.layers.Conv2D(4 * channels, 1, activation="gelu")(keras.layers.BatchNormalization()(x))
        x = keras.layers.Add()([x, keras.layers.Conv2D(channels, 1)(y)])
    return keras.Model(entry, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x)))


def convnext():
    return keras.applications.ConvNeXtTiny(weights=None, input_shape=(64, 64, 3), classes=10)


@pytest.mark.parametrize(("build", "convolutions"), [(replknet, 13), (convnext, 22)])
@pytest.mark.parametrize("method", ["auto", "fft"])
def test_a_real_model_predicts_and_learns_the_same(build, convolutions, method):
    keras.utils.set_random_seed(0)
    model = build()
    x = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    y = np.eye(10, dtype="float32")[:2]
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    converted, report = konvolve.to_konvolve(model, method=method, return_report=True)
    assert (len(report.converted), report.kept) == (convolutions, ())
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(converted.predict(x, verbose=0), expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(converted.train_on_batch(x, y), model.train_on_batch(x, y), rtol=1e-3)
    np.testing.assert_allclose(converted.train_on_batch(x, y), model.train_on_batch(x, y), rtol=1e-3)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_learn_what_one_does(backend):
    script = pathlib.Path(__file__).parents[1] / "support" / "keras_distributed.py"
    done = subprocess.run(
        [sys.executable, str(script)], env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"done on {backend}" in done.stdout
