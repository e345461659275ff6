"""LongConv1D against the sum it stands for, on the Keras backend of this process."""

import keras
import numpy as np
import pytest

from keras_gradients import gradients
from konvolve import layers

# Keras 3.15 asks arrays for their values as NumPy 1 did.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def summed(x, kernel, skip, bidirectional):
    """Return kernel and skip term as the sum they stand for, in float64, of x: (batch, steps, channels)."""
    taps = (len(kernel) + 1) // 2 if bidirectional else len(kernel)
    y = x.astype("float64") * skip
    for t in range(x.shape[1]):
        for s in range(1 - taps if bidirectional else 0, taps):
            if 0 <= t - s < x.shape[1]:
                y[:, t] += kernel[s + (taps - 1 if bidirectional else 0)] * x[:, t - s]
    return y


def to_numpy(x):
    return np.asarray(keras.ops.convert_to_numpy(x))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("taps", "steps"), [(1, 1), (1, 8), (8, 8), (9, 9), (9, 8), (8, 9), (5, 31), (31, 5), (30, 1)])
@pytest.mark.parametrize("method", ["auto", "fft"])
def test_any_length_of_kernel_and_sequence(taps, steps, bidirectional, method):
    rng = np.random.default_rng(taps * 100 + steps)
    x = rng.standard_normal((2, steps, 3)).astype("float32")
    layer = layers.LongConv1D(taps, bidirectional, method=method, skip_initializer="normal")
    y = to_numpy(layer(x))
    assert layer.kernel.shape == (2 * taps - 1 if bidirectional else taps, 3)
    np.testing.assert_allclose(y, summed(x, layer.kernel.numpy(), layer.skip.numpy(), bidirectional), atol=2e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_as_long_as_the_sequence_and_then_shorter_and_longer(bidirectional):
    rng = np.random.default_rng(0)
    layer = layers.LongConv1D(bidirectional=bidirectional, data_format="channels_first", activation="tanh")
    for steps in (21, 20, 50):
        x = rng.standard_normal((2, 3, steps)).astype("float32")
        y = to_numpy(layer(x))
        assert layer.kernel.shape[0] == (41 if bidirectional else 21)
        expected = summed(x.transpose(0, 2, 1), layer.kernel.numpy(), layer.skip.numpy(), bidirectional)
        np.testing.assert_allclose(y, np.tanh(expected).transpose(0, 2, 1), atol=2e-5)


def test_nothing_of_the_future_is_seen():
    layer = layers.LongConv1D(64)
    x = np.random.default_rng(0).standard_normal((1, 64, 2)).astype("float32")
    y = to_numpy(layer(x))
    x[:, 40:] = 1e3
    np.testing.assert_allclose(to_numpy(layer(x))[:, :40], y[:, :40], atol=1e-3)
    assert np.abs(to_numpy(layer(x))[:, 40:] - y[:, 40:]).min() > 1


@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients(bidirectional):
    """Of the sum in closed form: with respect to kernel[s] it is the sum over t of x[t - s] times the cotangent."""
    rng = np.random.default_rng(1)
    x, c = (rng.standard_normal((2, 12, 3)).astype("float32") for _ in range(2))
    layer = layers.LongConv1D(15, bidirectional, method="fft")
    layer.build(x.shape)
    by_x, by_kernel, by_skip = gradients(layer, x, c)
    np.testing.assert_allclose(by_skip, (x * c).sum((0, 1)), rtol=1e-4, atol=1e-5)
    kernel, skip = layer.kernel.numpy(), layer.skip.numpy()
    for place in [(0, 0), (14, 1), (3, 2)]:
        one = np.zeros_like(kernel)
        one[place] = 1
        expected = (summed(x, one, np.zeros(3), bidirectional) * c).sum()
        np.testing.assert_allclose(by_kernel[place], expected, rtol=1e-4, atol=2e-5)
    one = np.zeros_like(x)
    one[1, 4, 2] = 1
    np.testing.assert_allclose(by_x[1, 4, 2], (summed(one, kernel, skip, bidirectional) * c).sum(), rtol=1e-4)


def test_configuration_and_saving(tmp_path):
    options = {"kernel_regularizer": "l2", "skip_constraint": "non_neg", "use_skip": True, "bidirectional": True}
    model = keras.Sequential([keras.Input((40, 3)), layers.LongConv1D(None, **options), layers.LongConv1D(7)])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).standard_normal((2, 40, 3)).astype("float32")
    np.testing.assert_allclose(to_numpy(again(x)), to_numpy(model(x)), atol=1e-6)
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert layers.LongConv1D(3, use_skip=False)(x).shape == (2, 40, 3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="kernel_size=0"):
        layers.LongConv1D(0)
    with pytest.raises(ValueError, match="data_format='last'"):
        layers.LongConv1D(3, data_format="last")
    with pytest.raises(ValueError, match="method='spam'"):
        layers.LongConv1D(3, method="spam")
    with pytest.raises(ValueError, match="kernel_size=None takes the length"):
        layers.LongConv1D()(keras.Input((None, 3)))
    with pytest.raises(ValueError, match="number of channels"):
        layers.LongConv1D(3)(keras.Input((9, None)))
