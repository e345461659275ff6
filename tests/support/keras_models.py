"""Functional models of konvolve's functions, on the Keras backend that the environment names.

Run by test_symbolic.py, once per backend, in a process of its own, and a second time in a fresh one to reload:
``python keras_models.py make FOLDER`` and ``python keras_models.py reload FOLDER``. A failed assertion ends it.
"""

import pathlib
import sys

import keras
import numpy as np
import pytest

import konvolve
import konvolve.layers
from konvolve import nn

rng = np.random.default_rng(5)


def normal(*shape, dtype="float32"):
    return rng.standard_normal(shape).astype(dtype)


def normal_at(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


WEIGHTS = normal_at(0, 5, 3, 2)


# name: inputs of the model (without the batch), a function of them, arrays for them
KERNEL, TAPS = normal(1, 5, 6, 1), normal(1, 9)
MODELS = {
    "fftconvolve": (
        [(None, None, 3)],
        lambda x: konvolve.fftconvolve(x, KERNEL, "same", axes=(1, 2)),
        [(2, 12, 13, 3)],
    ),
    "oaconvolve": ([(None,)], lambda x: konvolve.oaconvolve(x, TAPS, axes=[1]), [(3, 4000)]),
    "convolve": ([(40,)], lambda x: konvolve.convolve(TAPS, x, "full", "direct", axes=-1), [(3, 40)]),
    "correlate": ([(None,), (7,)], lambda x, y: konvolve.correlate(x, y, "valid", axes=1), [(3, 40), (3, 7)]),
    "convolve2d": ([(None,)], lambda x: konvolve.convolve2d(x, TAPS, "same", "wrap"), [(6, 20)]),
    "correlate2d": ([(9,)], lambda x: konvolve.correlate2d(x, KERNEL[0, :, :, 0], "full", "fill", 2), [(6, 9)]),
    "complex": (
        [(9,)],
        lambda x: konvolve.convolve2d(x, KERNEL[0, :, :, 0].astype("complex64"), fillvalue=1j),
        [(6, 9)],
    ),
    "coefficient": (
        [(40,)],
        lambda x: konvolve.correlate(x, TAPS, "valid", axes=1, normalize=True, mask2=TAPS > -0.5),
        [(3, 40)],
    ),
    "overlap of a third": (
        [(40,)],
        lambda x: konvolve.correlate(x, TAPS, axes=1, normalize=True, min_overlap=0.3, undefined=np.nan),
        [(3, 40)],
    ),
    "conv, valid": (
        [(None, 3)],
        lambda x: nn.conv(x, WEIGHTS, 2, "valid", "channels_last", 1, padding_mode="zeros"),
        [(2, 30, 3)],
    ),
    "conv": (
        [(None, 3)],
        lambda x: nn.conv(x, WEIGHTS, 2, "causal", "channels_last", padding_mode="reflect", bidirectional=WEIGHTS[:4]),
        [(2, 30, 3)],
    ),
    "separable_conv": (
        [(2, 12, 11)],
        lambda x: nn.separable_conv(
            x, normal_at(1, 3, 4, 2, 2), normal_at(2, 1, 1, 4, 5), (1, 2), "same", "channels_first"
        ),
        [(3, 2, 12, 11)],
    ),
    "conv_transpose": (
        [(9, 3), (5, 2, 3)],
        lambda x, k: nn.conv_transpose(x, k, 3, "same", 1, method="fft", data_format="channels_last"),
        [(4, 9, 3), (4, 5, 2, 3)],
    ),
    "sepfir2d": ([(None,)], lambda x: konvolve.sepfir2d(x, TAPS[0], TAPS[0, :3]), [(30, 20)]),
}


def close(found, expected):
    assert found.shape == expected.shape, (found.shape, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * max(1, np.nanmax(np.abs(expected))))


def make(folder):
    for name, (shapes, build, sizes) in MODELS.items():
        inputs = [keras.Input(shape) for shape in shapes]
        output = build(*inputs)
        assert isinstance(output, keras.KerasTensor)
        model = keras.Model(inputs, output)
        arrays = [normal(*size) for size in sizes]
        expected = np.asarray(build(*arrays))  # the same function, on NumPy arrays
        found = keras.ops.convert_to_numpy(model(arrays if len(arrays) > 1 else arrays[0]))
        close(found, expected)
        for said, n in zip(output.shape, expected.shape, strict=True):
            assert said in (None, n), (name, output.shape, expected.shape)
        assert keras.backend.standardize_dtype(output.dtype) == expected.dtype.name
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", *arrays, expected=expected)
    unknown_sizes()
    trained(folder)
    refused()


def reload(folder):
    for name in MODELS:
        model = keras.models.load_model(folder / f"{name}.keras")
        with np.load(folder / f"{name}.npz") as held:
            arrays = [held[f"arr_{i}"] for i in range(len(held.files) - 1)]
            close(keras.ops.convert_to_numpy(model(arrays if len(arrays) > 1 else arrays[0])), held["expected"])
    model = keras.models.load_model(folder / "trained.keras")
    with np.load(folder / "trained.npz") as held:
        assert len(model.trainable_weights) == 1
        close(model.predict(held["x"], verbose=0), held["y"])


def unknown_sizes():
    x = keras.Input((None, 50))
    assert konvolve.fftconvolve(x, normal(1, 4, 4), axes=(1, 2)).shape == (None, None, 53)
    assert konvolve.convolve(keras.Input((None,), dtype="int32"), np.ones((1, 3), "int32"), axes=1).dtype == "int32"


def trained(folder):
    """A variable given as the kernel is the model's own weight: fit finds the kernel that made the targets."""
    x, truth = normal(64, 30), normal(1, 3)
    kernel = keras.Variable(np.zeros((1, 3), "float32"), name="kernel")
    entry = keras.Input((None,))
    model = keras.Model(entry, konvolve.convolve(entry, kernel, "same", axes=1))
    assert [weight.path for weight in model.trainable_weights] == [kernel.path]
    model.compile(keras.optimizers.SGD(0.3), "mse")
    model.fit(x, konvolve.convolve(x, truth, "same", axes=1), epochs=40, batch_size=16, verbose=0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(kernel), truth, atol=1e-3)
    model.save(folder / "trained.keras")
    np.savez(folder / "trained.npz", x=x, y=model.predict(x, verbose=0))


def refused():
    """Wrong arguments are refused when the model is built, in the words of the function."""
    with pytest.raises(ValueError, match="pads nothing, so padding_mode='reflect' has no effect"):
        nn.conv(keras.Input((9, 3)), WEIGHTS, padding="valid", padding_mode="reflect")
    for wrong, words in (({"mode": "spam"}, "'valid', 'same', or 'full'"), ({"axes": 7}, "exceeds")):
        with pytest.raises(ValueError, match=words):
            konvolve.fftconvolve(keras.Input((9,)), TAPS, **wrong)


if __name__ == "__main__":
    {"make": make, "reload": reload}[sys.argv[1]](pathlib.Path(sys.argv[2]))
    print("done on", keras.backend.backend())
