"""Causal layers block by block: the outputs are those of the layer on the whole sequence, on this process's backend."""

import keras
import numpy as np
import pytest

from konvolve import layers

LAYERS = {
    "Conv1D": lambda **more: layers.Conv1D(3, 5, padding="causal", activation="relu", **more),
    "dilated": lambda **more: layers.Conv1D(4, 3, padding="causal", dilation_rate=4, groups=2, **more),
    "long": lambda **more: layers.Conv1D(2, 200, padding="causal", use_bias=False, **more),
    "LongConv1D": lambda **more: layers.LongConv1D(40, activation="tanh", **more),
}


def numpy(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", ["channels_last", "channels_first"])
def test_blocks_of_any_size_are_the_whole(name, form):
    cpu = keras.backend.backend() == "tensorflow" and name != "LongConv1D"
    if form == "channels_first" and (cpu or name == "dilated"):
        return  # TensorFlow's own has no such layer on CPU
    layer, axis = LAYERS[name](data_format=form), 1 if form == "channels_last" else 2
    x = np.random.default_rng(0).standard_normal((2, 90, 4) if axis == 1 else (2, 4, 90)).astype("float32")
    whole = numpy(layer(x))
    stream, found, start = layer.stream(), [], 0
    for size in (1, 1, 7, 0, 30, 2, 49):
        found.append(numpy(stream(x.take(range(start, start + size), axis))))
        start += size
    np.testing.assert_allclose(np.concatenate(found, axis), whole, atol=2e-5)
    stream.reset()
    np.testing.assert_allclose(numpy(stream(x)), whole, atol=2e-5)


def test_the_weights_are_the_layers_own_as_they_are():
    layer = layers.Conv1D(1, 2, padding="causal", use_bias=False)
    layer.build((None, None, 1))
    stream = layer.stream()
    layer.kernel.assign(np.array([[[0.0]], [[2.0]]]))
    assert numpy(stream(np.ones((1, 2, 1)))).ravel().tolist() == [2, 2]
    layer.kernel.assign(np.array([[[1.0]], [[0.0]]]))
    assert numpy(stream(np.full((1, 2, 1), 5.0))).ravel().tolist() == [1, 5]


def test_a_model_generates_step_by_step():
    """Two layers and their states: each output is the next input, as the whole model gives it."""
    nets = [
        layers.Conv1D(8, 3, padding="causal", activation="tanh"),
        layers.LongConv1D(20),
        layers.Conv1D(1, 1, padding="causal"),
    ]
    model = keras.Sequential([keras.Input((None, 1)), *nets])
    streams = [net.stream() for net in nets]
    x, found = np.ones((1, 1, 1), "float32"), []
    for _ in range(30):
        found.append(x)
        for stream in streams:
            x = stream(x)
        x = numpy(x)
    whole = numpy(model(np.concatenate(found, 1)))
    np.testing.assert_allclose(whole[:, :-1], np.concatenate(found[1:], 1), atol=1e-5)


def test_compiled_and_differentiated_in_a_step():
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    layer = layers.Conv1D(2, 4, padding="causal")
    x = tf.random.stateless_normal((1, 12, 3), (0, 1))
    whole = layer(x)
    stream = layer.stream()
    step = tf.function(stream.step)
    with tf.GradientTape() as tape:
        state, found = stream.initial_state((1, 4, 3)), []
        for start in range(0, 12, 4):
            y, state = step(x[:, start : start + 4], state)
            found.append(y)
        loss = tf.reduce_sum(tf.concat(found, 1) ** 2)
    gradient = tape.gradient(loss, layer.kernel)
    np.testing.assert_allclose(tf.concat(found, 1), whole, atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    np.testing.assert_allclose(gradient, tape.gradient(loss, layer.kernel), rtol=1e-4, atol=1e-4)


def test_what_does_not_run_block_by_block():
    x = np.ones((1, 9, 2), "float32")
    for layer in (
        layers.Conv1D(2, 3),
        layers.Conv1D(2, 3, padding="causal", strides=2),
        layers.LongConv1D(3, bidirectional=True),
    ):
        layer(x)
        with pytest.raises(ValueError, match="only a causal layer runs block by block"):
            layer.stream()
    with pytest.raises(ValueError, match="no weights yet"):
        layers.Conv1D(2, 3, padding="causal").stream()
    layer = layers.Conv1D(2, 3, padding="causal")
    layer(x)
    stream = layer.stream()
    stream(x)
    with pytest.raises(ValueError, match="inputs must be as the blocks before"):
        stream(np.ones((2, 9, 2), "float32"))
