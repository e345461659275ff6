"""What layers keep of their kernels between calls: computed once, never stale, carried nowhere."""

import contextlib
import copy
import gc
import pickle

import keras
import numpy as np
import pytest

from keras_gradients import gradients
from konvolve import layers, nn
from konvolve.execution import weight

# Keras 3.15 asks arrays for their values as NumPy 1 did.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BACKEND = keras.backend.backend()
X = np.random.default_rng(0).standard_normal((2, 60, 3)).astype("float32")


@contextlib.contextmanager
def inference():
    """Where a derivative to the weights cannot be asked for."""
    if BACKEND != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield


def called(layer, x=X):
    with inference():
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(layer(x), "float32")))


def keeping(layer, x=X):
    """Return the kernel that is kept for a layer after a call, and of how many spectra."""
    called(layer, x)
    held = weight._KEPT[layer].kernel
    return held, len(held._spectra)


def as_keras(layer):
    """Return what Keras's own layer makes of X with the same weights, its kernel being what the layer says it is."""
    theirs = keras.layers.Conv1D(3, 31, padding="same")
    theirs.build(X.shape)
    theirs.set_weights([keras.ops.convert_to_numpy(layer.kernel), keras.ops.convert_to_numpy(layer.bias)])
    return called(theirs)


def new_layer():
    layer = layers.Conv1D(3, 31, padding="same", method="fft")
    layer.build(X.shape)
    return layer


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


KINDS = {
    "Conv1D": ((3, 31), {}, X),
    "Conv2D": ((3, 5), {}, X.reshape(2, 10, 6, 3)),
    "Conv3D": ((3, 3), {"method": "overlap"}, X.reshape(2, 5, 4, 3, 3)),
    "DepthwiseConv1D": ((31,), {}, X),
    "DepthwiseConv2D": ((5,), {}, X.reshape(2, 10, 6, 3)),
    "SeparableConv1D": ((3, 31), {}, X),
    "Conv1DTranspose": ((3, 31), {"strides": 2}, X),
    "LongConv1D": ((), {"padding": None}, X),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_spectrum_is_computed_once_for_each_size(name):
    arguments, options, x = KINDS[name]
    options = {key: word for key, word in ({"method": "fft", "padding": "same"} | options).items() if word}
    layer = getattr(layers, name)(*arguments, **options)
    first = called(layer, x)
    held = weight._KEPT[layer].kernel
    spectra = dict(held._spectra)
    assert len(spectra) == 1
    np.testing.assert_array_equal(called(layer, x), first)
    assert weight._KEPT[layer].kernel is held
    assert all(held._spectra[key] is spectrum for key, spectrum in spectra.items())
    assert len(held._spectra) == 1
    plain = called(layer, np.concatenate([x, x], 1))  # another size: another spectrum, of the same kernel
    assert weight._KEPT[layer].kernel is held or name == "LongConv1D"
    weight._KEPT.pop(layer)
    np.testing.assert_array_equal(called(layer, np.concatenate([x, x], 1)), plain)


def assigned(layer, _):
    layer.kernel.assign(layer.kernel * 2)


def added_to(layer, _):
    layer.kernel.assign_add(np.ones(layer.kernel.shape, "float32"))


def weights_set(layer, _):
    layer.set_weights([w + 1 for w in layer.get_weights()])


def one_sample(layer, _):
    """The least change there is, in place where the library has that."""
    kernel = layer.kernel.value
    if BACKEND == "torch":
        kernel.data[3, 1, 1] += 1  # which its autograd does not count
    elif BACKEND == "tensorflow":
        kernel.scatter_nd_add([[3, 1, 1]], [1.0])
    else:
        layer.kernel.assign(kernel.at[3, 1, 1].add(1))


def loaded(layer, folder):
    layer.save_own_variables(store := {})
    store["0"] = np.asarray(keras.ops.convert_to_numpy(store["0"])) - 1
    layer.load_own_variables(store)


def files_loaded(layer, folder):
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    other = keras.Sequential([keras.Input(X.shape[1:]), new_layer()])
    other.save_weights(folder / "other.weights.h5")
    model.load_weights(folder / "other.weights.h5")


def fitted(layer, _):
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    model.fit(X, X, verbose=0)


def adapted(layer, _):
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape, "float32"))


def narrowed(layer, _):
    layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")


def initialised(layer, _):
    layer.kernel.assign(keras.initializers.RandomNormal(seed=5)(layer.kernel.shape))


CHANGES = (
    *(assigned, added_to, weights_set, one_sample, loaded, files_loaded),
    *(fitted, adapted, narrowed, initialised),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_never_stale(change, tmp_path):
    layer = new_layer()
    before = called(layer)
    held, count = keeping(layer)
    assert count == 1
    close(before, as_keras(layer))
    for _ in range(2):
        change(layer, tmp_path)
        after = called(layer)
        close(after, as_keras(layer), 3e-2 if change is narrowed else 1e-5)
        if change in (narrowed, adapted):
            break
    if change is not narrowed:
        assert np.abs(after - before).max() > 1e-3 * np.abs(before).max()
        assert keeping(layer)[0] is not held


def test_nothing_is_kept_where_a_gradient_or_a_graph_is_made():
    layer = new_layer()
    wanted = gradients(keras_twin(layer), X, X)
    for one, two in zip(gradients(layer, X, X), wanted, strict=True):
        close(one, two)
    assert layer not in weight._KEPT
    called(layer)
    assert layer in weight._KEPT
    for one, two in zip(gradients(layer, X, X), wanted, strict=True):  # and what is kept hides none
        close(one, two)


def keras_twin(layer):
    theirs = keras.layers.Conv1D(3, 31, padding="same")
    theirs.build(X.shape)
    theirs.set_weights(layer.get_weights())
    return theirs


def test_a_compiled_prediction_follows_the_weights():
    layer = new_layer()
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    for _ in range(3):
        eager = called(model)
        close(model.predict(X, verbose=0), as_keras(layer))
        close(eager, as_keras(layer))
        assigned(layer, None)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    for _ in range(3):
        model.train_on_batch(X, X)
        close(model.predict_on_batch(X), as_keras(layer))


@pytest.mark.skipif(BACKEND != "torch", reason="no other has such a mode")
def test_what_the_inference_mode_kept_can_be_differentiated_through():
    import torch

    layer = new_layer()
    layer.trainable = False
    with torch.inference_mode():
        layer(torch.from_numpy(X))
    assert layer in weight._KEPT
    x = torch.tensor(X, requires_grad=True)
    (layer(x) * x.detach()).sum().backward()
    close(x.grad.numpy(), gradients(keras_twin(layer), X, X)[0])


def test_copies_and_files_carry_nothing(tmp_path):
    layer = new_layer()
    size = len(pickle.dumps(layer))
    held, _ = keeping(layer)
    assert len(pickle.dumps(layer)) <= size + 100
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), type(layer).from_config(layer.get_config())):
        assert other not in weight._KEPT
    other = copy.deepcopy(layer)
    assigned(other, None)
    close(called(other), as_keras(other))
    close(called(layer), as_keras(layer))
    assert weight._KEPT[layer].kernel is held


def test_what_is_kept_has_a_bound_and_ends_with_its_layer(monkeypatch):
    layer = new_layer()
    keeping(layer)
    size = sum(weight._KEPT[layer].sizes.values())
    (spectrum,) = weight._KEPT[layer].kernel._spectra.values()
    assert size == np.asarray(keras.ops.convert_to_numpy(spectrum)).nbytes
    del layer
    gc.collect()
    assert not weight._KEPT
    monkeypatch.setattr(weight, "MOST_BYTES", size)
    one, two = new_layer(), new_layer()
    for layer in (one, two):
        close(called(layer), as_keras(layer))
    assert one in weight._KEPT
    assert two not in weight._KEPT
    monkeypatch.setattr(weight, "MOST_BYTES", 100 * size)
    for steps in (30, 20, 40, 50, 10):  # of one layer the spectra of four sizes
        close(called(one, X[:, :steps]), called(keras_twin(one), X[:, :steps]))
        assert 1 <= len(weight._KEPT[one].sizes) <= 4
    assert set(map(len, (weight._KEPT[one].sizes, weight._KEPT[one].kernel._spectra))) == {2}


def test_functional_models_of_functions_keep_too():
    entry = keras.Input((60, 3))
    kernel = keras.Variable(np.random.default_rng(2).standard_normal((31, 3, 3)).astype("float32"), trainable=False)
    model = keras.Model(entry, nn.conv(entry, kernel, padding="same", method="fft"))
    for _ in range(2):
        theirs = keras.ops.conv(X, kernel, padding="same")
        close(called(model), keras.ops.convert_to_numpy(theirs))
        assert model.layers[-1] in weight._KEPT
        kernel.assign(kernel * 2)


def test_a_filter_in_a_graph_holds_the_spectrum():
    """One transform of the pictures and one back, none of the kernel; also where the batch is not known."""
    tf = pytest.importorskip("tensorflow")
    taps = np.random.default_rng(3).standard_normal((5, 6))
    blur = layers.Filter(taps, method="fft")
    x = np.random.default_rng(4).standard_normal((4, 20, 24, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(x).batch(2).map(blur)
    expected = called(blur, x)
    np.testing.assert_allclose(np.concatenate(list(data)), expected, atol=1e-4)
    if BACKEND != "tensorflow":
        return
    graph = tf.function(blur).get_concrete_function(tf.TensorSpec([None, 20, 24, 3])).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert (kinds.count("RFFT2D"), kinds.count("IRFFT2D")) == (1, 1)
    with tf.Graph().as_default():  # as TensorFlow 1 had them: nothing of it may be kept
        blur(tf.zeros((1, 30, 30, 3)))
    x = np.random.default_rng(4).standard_normal((1, 30, 30, 3)).astype("float32")
    close(called(blur, x), called(layers.Filter(taps, method="direct"), x))


def test_a_large_spectrum_is_no_constant_of_a_graph(monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(weight, "MOST_CONSTANT", 1000)
    x = np.random.default_rng(4).standard_normal((4, 20, 24, 3)).astype("float32")
    blur = layers.Filter(np.random.default_rng(3).standard_normal((5, 6)), method="fft")
    data = tf.data.Dataset.from_tensor_slices(x).batch(2).map(blur)
    np.testing.assert_allclose(np.concatenate(list(data)), called(blur, x), atol=1e-4)
