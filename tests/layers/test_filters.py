"""Filter and GaussianBlur against SciPy, on the Keras backend of this process, and in tf.data whatever that is."""

import keras
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from konvolve import layers
from konvolve.layers.filters import factors

# Keras 3.15 asks arrays for their values as NumPy 1 did.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCIPYS = {"zeros": "constant", "reflect": "mirror", "symmetric": "reflect", "nearest": "nearest", "circular": "wrap"}


def to_numpy(x):
    return np.asarray(keras.ops.convert_to_numpy(x))


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(5,), (4,), (3, 5), (4, 6), (3, 2, 4)])
def test_a_kernel_is_convolved_as_scipy_does(shape, padding):
    kernel = normal(*shape)
    x = normal(2, *(9 + n for n in range(len(shape))), 3)
    for form in ("channels_last", "channels_first"):
        layer = layers.Filter(kernel, padding, "zeros", data_format=form)
        seen = x if form == "channels_last" else np.moveaxis(x, -1, 1)
        y = to_numpy(layer(seen))
        assert layer.compute_output_shape(seen.shape) == y.shape
        y = y if form == "channels_last" else np.moveaxis(y, 1, -1)
        for sample in range(2):
            for channel in range(3):
                expected = scipy.signal.convolve(x[sample, ..., channel], kernel, padding, "direct")
                np.testing.assert_allclose(y[sample, ..., channel], expected, atol=2e-5)


@pytest.mark.parametrize("mode", SCIPYS)
@pytest.mark.parametrize("method", ["auto", "fft"])
def test_a_blur_is_scipys(mode, method):
    x = normal(20, 25, 3)
    layer = layers.GaussianBlur((1.5, 2.5), padding_mode=mode, method=method)
    expected = scipy.ndimage.gaussian_filter(x.astype("float64"), (1.5, 2.5, 0), mode=SCIPYS[mode])
    np.testing.assert_allclose(to_numpy(layer(x)), expected, atol=1e-5)
    np.testing.assert_allclose(to_numpy(layer(x[None]))[0], expected, atol=1e-5)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_allclose(to_numpy(again(x)), expected, atol=1e-5)


def test_a_product_is_applied_along_each_axis():
    row, column = normal(7), normal(5)
    assert [f.shape for f in factors(np.outer(column, row))] == [(5, 1), (1, 7)]
    assert [f.shape for f in factors(np.multiply.outer(np.outer(column, row), row[:2]))] == [
        (5, 1, 1),
        (1, 7, 1),
        (1, 1, 2),
    ]
    assert [f.shape for f in factors(np.outer(column, row) + np.eye(5, 7))] == [(5, 7)]
    product = np.outer(column, row)
    separated = np.multiply(*factors(product))
    np.testing.assert_allclose(separated, product, atol=1e-6)
    assert factors(np.zeros((3, 3)))[0].shape == (3, 3)  # nothing to gain
    assert len(layers.Filter(product)._factors) == 2
    x = normal(2, 20, 21, 2)
    expected = scipy.ndimage.convolve(x[0, ..., 1].astype("float64"), product, mode="reflect")
    np.testing.assert_allclose(to_numpy(layers.Filter(product)(x))[0, ..., 1], expected, atol=2e-5)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_in_a_pipeline_tensorflow_does_it_whatever_the_backend(dtype):
    tf = pytest.importorskip("tensorflow")
    x = (np.abs(normal(6, 16, 18, 3)) * 50).astype(dtype)
    expected = scipy.ndimage.gaussian_filter(x.astype("float64"), (0, 2, 2, 0), mode="reflect")
    blur = layers.GaussianBlur(2.0)
    found = [y.numpy() for y in tf.data.Dataset.from_tensor_slices(x).map(blur)]
    np.testing.assert_allclose(np.stack(found), expected, atol=1e-3)
    batches = tf.data.Dataset.from_tensor_slices({"images": x, "labels": np.arange(6)}).batch(3).map(blur)
    for number, batch in enumerate(batches):
        np.testing.assert_allclose(batch["images"], expected[3 * number : 3 * number + 3], atol=1e-3)
        np.testing.assert_array_equal(batch["labels"], np.arange(3) + 3 * number)


def test_in_a_model_of_any_size():
    entry = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(entry, layers.Filter(np.ones((3, 3)) / 9, "valid")(entry))
    assert model.output_shape == (None, None, None, 3)
    x = (np.abs(normal(2, 9, 10, 3)) * 50).astype("uint8")
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y[0, 0, 0], x[0, :3, :3].mean((0, 1)), rtol=1e-5)
    assert y.shape == (2, 7, 8, 3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="one to three axes"):
        layers.Filter(1.0)
    with pytest.raises(ValueError, match="padding='causal'"):
        layers.Filter(np.ones(3), "causal")
    with pytest.raises(ValueError, match="padding_mode='spam'"):
        layers.Filter(np.ones(3), padding_mode="spam")
    with pytest.raises(ValueError, match="sigma=-1"):
        layers.GaussianBlur(-1)
    with pytest.raises(ValueError, match="truncate=0"):
        layers.GaussianBlur(1, truncate=0)
    with pytest.raises(ValueError, match="not of shape"):
        layers.Filter(np.ones((3, 3)))(np.ones((9, 9), "float32"))
    with pytest.raises(ValueError, match="smaller than the kernel"):
        layers.Filter(np.ones((3, 3)), "valid")(keras.Input((2, 9, 1)))


def test_a_fixed_kernel_is_transformed_once_for_each_size():
    layer = layers.Filter(np.random.default_rng(1).standard_normal((4, 5)), method="fft")
    x = np.random.default_rng(2).standard_normal((2, 10, 6, 3)).astype("float32")
    first = np.asarray(layer(x))
    (kernel,) = layer._kernels.values()
    spectra = dict(kernel._spectra)
    assert len(spectra) == 1
    np.testing.assert_array_equal(layer(x), first)
    assert dict(kernel._spectra) == spectra
    layer(np.concatenate([x, x], 1))
    assert list(layer._kernels.values()) == [kernel]
