"""Whole models to konvolve's layers and back, on the Keras backend of this process."""

import keras
import numpy as np
import pytest

import konvolve
import konvolve.layers.convert
from konvolve import layers

BACKEND = keras.backend.backend()

# Keras 3.15 asks arrays for their values as NumPy 1 did, and gives jax2tf an argument of old.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The `native_serialization` parameter:DeprecationWarning"),
]


@keras.saving.register_keras_serializable(package="konvolve_tests")
class Block(keras.layers.Layer):
    """A subclassed layer that makes its convolutions itself, one of them in a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Conv2D(4, 9, padding="same")
        self.rest = [keras.layers.Conv2D(4, 9, padding="same", groups=2), keras.layers.Conv2D(4, 1)]

    def build(self, shape):
        for layer in (self.first, *self.rest):
            layer.build(shape)

    def call(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(x)
        return x

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable(package="konvolve_tests")
class Mine(keras.layers.Conv2D):
    """What it does is its own affair."""


PICTURES = np.random.default_rng(2).standard_normal((2, 2, 12, 12, 4)).astype("float32")
TARGETS = np.ones((2, 4), "float32")


def model_of():
    """Return a compiled model with convolutions nested, shared, wrapped and in a subclassed layer.

    No depthwise ones among those wrapped: TensorFlow 2.21 aborts while it optimizes such a graph of Keras's own layers.
    """
    entry = keras.Input((12, 12, 4))
    x = keras.layers.Conv2D(4, 3, padding="same", name="inner")(entry)
    x = keras.layers.Conv2DTranspose(4, 3, padding="same", name="back")(x)
    nested = keras.Model(entry, keras.layers.Conv2D(4, 3, padding="same")(x), name="nested")
    wrapped = keras.layers.TimeDistributed(keras.layers.Conv2D(4, 3, padding="same", name="shared"))
    movie = keras.Input((2, 12, 12, 4))
    x = wrapped(wrapped(keras.layers.TimeDistributed(nested)(movie)))
    x = keras.layers.TimeDistributed(Block())(x)
    model = keras.Model(movie, keras.layers.GlobalAveragePooling3D()(x))
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def model():
    made = model_of()
    made.fit(PICTURES, TARGETS, verbose=0)
    return made


def modules(model):
    return [type(layer).__module__.partition(".")[0] for layer in model._flatten_layers()]


def test_every_convolution_is_swapped_and_everything_else_kept(model):
    before, predicted = modules(model), model.predict(PICTURES, verbose=0)
    converted, report = konvolve.to_konvolve(model, return_report=True)
    assert modules(model) == before
    kinds = sorted(entry.kind for entry in report.converted)
    assert kinds == ["Conv2D"] * 6 + ["Conv2DTranspose"]
    assert not report.kept
    assert modules(converted).count("konvolve") == 7
    assert "7 of 7 convolutions are now konvolve's" in str(report)

    assert [layer.name for layer in converted._flatten_layers()] == [layer.name for layer in model._flatten_layers()]
    assert [weight.path for weight in converted.weights] == [weight.path for weight in model.weights]
    for one, two in zip(converted.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(converted.predict(PICTURES, verbose=0), predicted, atol=1e-5)

    assert converted.compiled
    assert int(converted.optimizer.iterations.numpy()) == 1
    assert converted.get_compile_config() == model.get_compile_config()
    for one, two in zip(converted.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    step, expected = (made.train_on_batch(PICTURES, TARGETS) for made in (converted, model))
    np.testing.assert_allclose(step, expected, rtol=1e-4)


def test_what_is_left_as_it_was_is_said():
    movie = keras.Input((2, 12, 12, 4))
    x = keras.layers.ConvLSTM2D(4, 3)(movie)
    x = keras.ops.conv(x, np.ones((3, 3, 4, 4), "float32"))
    made = keras.Model(movie, Mine(4, 1)(layers.Conv2D(4, 1)(x)))
    text = str(konvolve.to_konvolve(made, return_report=True)[1])
    for words in ("0 of 3 convolutions", "a subclass of Conv2D", "recurrent", "a call of keras.ops"):
        assert words in text


@pytest.mark.parametrize("name", [kind.__name__ for kind in konvolve.layers.convert.OURS])
def test_every_class(name):
    rank = int(next(letter for letter in name if letter.isdigit()))
    options = {"kernel_size": 3} if name.startswith("Depth") else {"kernel_size": 3, "filters": 2}
    made = keras.Sequential([keras.Input((*(7, 8, 9)[:rank], 2)), getattr(keras.layers, name)(**options, name="it")])
    converted = konvolve.to_konvolve(made)
    assert type(converted.get_layer("it")) is getattr(layers, name)
    back = konvolve.to_keras(converted)
    assert type(back.get_layer("it")) is getattr(keras.layers, name)
    x = np.random.default_rng(0).standard_normal((2, *(7, 8, 9)[:rank], 2)).astype("float32")
    for other in (converted, back):
        np.testing.assert_allclose(other.predict(x, verbose=0), made.predict(x, verbose=0), atol=1e-5)


def test_there_and_back_in_place(model):
    predicted, before = model.predict(PICTURES, verbose=0), modules(model)
    identities = [id(layer) for layer in model._flatten_layers()]
    assert konvolve.to_konvolve(model, method="fft", inplace=True) is model
    assert modules(model).count("konvolve") == 7
    assert model.layers[2].layer.method == "fft"
    np.testing.assert_allclose(model.predict(PICTURES, verbose=0), predicted, atol=1e-5)
    assert konvolve.to_keras(model, inplace=True) is model
    assert (modules(model), [id(layer) for layer in model._flatten_layers()]) == (before, identities)
    np.testing.assert_allclose(model.predict(PICTURES, verbose=0), predicted, atol=1e-6)
    assert "method" not in model.layers[2].layer.get_config()


def test_a_compiled_step_is_compiled_anew():
    """What was compiled before computes with the layers as they were."""
    made = keras.Sequential([keras.Input((40, 1)), keras.layers.Conv1D(1, 9)])
    made.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.ones((2, 40, 1), "float32")
    made.predict(x, verbose=0)
    made.train_on_batch(x, x[:, :32])
    konvolve.to_konvolve(made, inplace=True)
    asked = []
    made.layers[0].convolution_op = lambda inputs, kernel: asked.append(1) or inputs[:, :32] + 0 * keras.ops.sum(kernel)
    np.testing.assert_array_equal(made.predict(x, verbose=0) - made.layers[0].bias.numpy(), x[:, :32])
    made.train_on_batch(x, x[:, :32])
    assert len(asked) >= 2


def test_lora_stays_apart():
    made = keras.Sequential([keras.Input((40, 2)), keras.layers.Conv1D(3, 9)])
    made.layers[0].enable_lora(2)
    made.set_weights([np.random.default_rng(0).standard_normal(w.shape) for w in made.get_weights()])
    converted = konvolve.to_konvolve(made)
    for one, two in zip(converted.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_saved_with_konvolves_layers_a_model_loads_with_them(tmp_path):
    made = keras.Sequential([keras.Input((None, 2)), keras.layers.Conv1D(3, 9, padding="causal", name="one")])
    konvolve.to_konvolve(made).save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.get_layer("one")) is layers.Conv1D


def test_what_keras_has_no_counterpart_of_is_said():
    made = keras.Sequential(
        [
            keras.Input((30, 30, 2)),
            layers.GaussianBlur(1.0),
            layers.Conv2D(2, 3, padding="same", padding_mode="reflect", name="mirrored"),
            layers.Conv2D(2, 3, name="valid"),
            keras.layers.Reshape((-1, 2)),
            layers.LongConv1D(5, name="long"),
        ]
    )
    back, report = konvolve.to_keras(made, return_report=True)
    assert [(entry.path, bool(entry.reason)) for entry in report.entries if entry.path != "gaussian_blur"] == [
        ("mirrored", True),
        ("valid", False),
        ("long", True),
    ] or sorted(entry.kind for entry in report.kept) == ["Conv2D", "GaussianBlur", "LongConv1D"]
    assert "Keras has no padding_mode='reflect'" in str(report)
    assert "Keras has no such layer" in str(report)
    assert type(back.get_layer("valid")) is keras.layers.Conv2D


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"keras\.Model or another layer, not list"):
        konvolve.to_konvolve([])
    with pytest.raises(ValueError, match="method='spam'"):
        konvolve.to_konvolve(keras.layers.Conv1D(1, 3), method="spam")


def test_a_model_that_keras_cannot_copy_is_converted_in_place():
    shared = keras.layers.Conv1D(2, 3, padding="same")
    entry = keras.Input((4, 9, 2))
    x = keras.layers.TimeDistributed(shared)(keras.layers.TimeDistributed(shared)(entry))
    made = keras.Model(entry, x)  # two wrappers of one layer: two layers, one of them empty, when loaded (Keras 3.15)
    with pytest.raises(ValueError, match="inplace=True"):
        konvolve.to_konvolve(made)
    konvolve.to_konvolve(made, inplace=True)
    assert type(shared) is layers.Conv1D


def exported():
    made = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            layers.Conv2D(4, 9, padding="same", activation="relu", method="fft"),
            layers.DepthwiseConv2D(9, padding="same", method="fft"),
            layers.Conv2DTranspose(2, 4, strides=2, padding="same", method="fft"),
        ]
    )
    x = np.random.default_rng(0).standard_normal((1, 24, 24, 3)).astype("float32")
    back = konvolve.to_keras(made)
    back.predict(x, verbose=0)  # PyTorch's exporter asks for a model that has been called
    return made, back, x, made.predict(x, verbose=0)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras exports no SavedModel from PyTorch")
def test_a_saved_model_is_exported_with_konvolves_layers(tmp_path):
    tf = pytest.importorskip("tensorflow")
    made, _, x, expected = exported()
    made.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))  # whose variables last as long as it
    served = saved.serve
    np.testing.assert_allclose(served(x).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(served(np.concatenate([x, x])).numpy()[1:], expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.skipif(BACKEND == "torch", reason="Keras exports no SavedModel from PyTorch")
def test_converted_back_it_runs_in_tflites_interpreter(tmp_path):
    tf = pytest.importorskip("tensorflow")
    _, back, x, expected = exported()
    back.export(tmp_path / "saved", verbose=False)
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved")).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, expected, atol=1e-5)


# Keras's ONNX exporters: tf2onnx on TensorFlow, torch.onnx on PyTorch. Their warnings are their own.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(
    BACKEND == "jax", reason="Keras exports ONNX from JAX by way of jax2onnx, which is not among the tests'"
)
def test_converted_back_it_runs_in_onnxruntime(tmp_path):
    for needed in ("onnx", "onnxruntime", {"tensorflow": "tf2onnx", "torch": "onnxscript"}[BACKEND]):
        pytest.importorskip(needed)
    import onnxruntime

    _, back, x, expected = exported()
    back.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found, expected, atol=1e-5)
