"""konvolve's layers against Keras's own, on the Keras backend of this process; and once more on each of the others."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_gradients import gradients
from konvolve import layers
from konvolve.execution import plans

# Keras 3.15 asks arrays for their values as NumPy 1 did.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BACKEND = keras.backend.backend()
HERE = os.path.dirname(__file__)

#: JAX compiles for each new shape: it gets one layer of each class, the data formats taking turns.
DRAWS = range(0, 110, 11) if BACKEND == "jax" else range(60)
PLANS = 1 if BACKEND == "jax" else 6  # of each class

CLASSES = (
    *("Conv1D", "Conv2D", "Conv3D"),
    *("DepthwiseConv1D", "DepthwiseConv2D"),
    *("SeparableConv1D", "SeparableConv2D"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
)


def to_numpy(x):
    return np.asarray(keras.ops.convert_to_numpy(x))


def close(found, expected, tolerance=2e-5):
    assert found.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(np.asarray(found, "float64"), expected, rtol=0, atol=tolerance * scale)


def channels_first(x):
    return np.moveaxis(x, -1, 1)


def draw(seed):
    """Draw a layer: its class's name, Keras's arguments, konvolve's arguments, an input with the channels last."""
    rng = np.random.default_rng(seed)
    name = CLASSES[seed % len(CLASSES)]
    rank = int(next(letter for letter in name if letter.isdigit()))
    groups = int(rng.integers(1, 3)) if name in ("Conv1D", "Conv2D", "Conv3D") else 1
    channels = groups * int(rng.integers(1, 4))
    taps = [int(n) for n in rng.integers(1, {1: 40, 2: 8, 3: 4}[rank], rank)]
    options = {
        "kernel_size": taps,
        "padding": str(rng.choice(["valid", "same", "causal"] if name == "Conv1D" else ["valid", "same"])),
        "use_bias": bool(rng.integers(2)),
        "activation": [None, "tanh"][rng.integers(2)],
    }
    if name.startswith("Depthwise"):
        options["depth_multiplier"] = int(rng.integers(1, 3))
    else:
        options["filters"] = groups * int(rng.integers(1, 4))
    if groups > 1:
        options["groups"] = groups
    if rng.integers(2):  # a stride for each axis, but where Keras wants one for all
        stride = [int(n) for n in rng.integers(1, 4, rank)]
        options["strides"] = stride[0] if name in ("DepthwiseConv2D", "SeparableConv2D") else stride
        # TensorFlow's own aborts with some of these sizes in three dimensions (2.21).
        if name in ("Conv1DTranspose", "Conv2DTranspose") and rng.integers(2):
            options["output_padding"] = int(rng.integers(0, np.min(options["strides"])))
    elif not name.endswith("Transpose") and rank < 3:
        options["dilation_rate"] = int(rng.integers(1, 4))
    spans = [(n - 1) * options.get("dilation_rate", 1) + 1 for n in taps]
    sizes = [span + int(n) for span, n in zip(spans, rng.integers(0, 12, rank), strict=True)]
    ours = {"method": str(rng.choice(["auto", "direct", "fft", "overlap"]))}
    return name, options, ours, rng.standard_normal((int(rng.integers(1, 3)), *sizes, channels)).astype("float32")


@pytest.mark.parametrize("seed", DRAWS)
def test_random_layers_give_what_kerass_give(seed):
    """Outputs, gradients, output shapes and configuration; the data format with the channels first on odd seeds."""
    name, options, extra, x = draw(seed)
    theirs = getattr(keras.layers, name)(**options, data_format="channels_last", bias_initializer="normal")
    expected = to_numpy(theirs(x))
    first = seed // len(CLASSES) % 2 == 1
    form = "channels_first" if first else "channels_last"
    ours = getattr(layers, name)(**options, **extra, data_format=form, bias_initializer="normal")
    seen = channels_first(x) if first else x
    ours.build(seen.shape)
    assert [(w.name, w.shape) for w in ours.weights] == [(w.name, w.shape) for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    expected_seen = channels_first(expected) if first else expected
    close(to_numpy(ours(seen)), expected_seen)
    assert tuple(ours.compute_output_shape(seen.shape)) == expected_seen.shape

    again = type(ours).from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    assert theirs.get_config() | extra | {"padding_mode": "zeros"} == ours.get_config() | {
        "name": theirs.name,
        "data_format": "channels_last",
    }

    cotangent = np.random.default_rng(seed).standard_normal(expected.shape).astype("float32")
    try:
        wanted = gradients(theirs, x, cotangent)
    except RuntimeError as error:
        assert "contiguous" in str(error)  # noqa: PT017  PyTorch 2.13's own, of some kernels of one tap
        return
    found = gradients(ours, seen, channels_first(cotangent) if first else cotangent)
    close(found[0], channels_first(wanted[0]) if first else wanted[0], 5e-5)
    for one, two in zip(found[1:], wanted[1:], strict=True):
        close(one, two, 5e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_a_layer_tells_its_plan(name):
    for seed in range(CLASSES.index(name), PLANS * len(CLASSES), len(CLASSES)):
        _, options, extra, x = draw(seed)
        layer = getattr(layers, name)(**options, **extra)
        told = layer.plan(x.shape)
        plans.forget()
        layer(x)
        assert next(iter(plans._PLANS.values())) == told  # the first: a separable layer's pointwise comes next
    assert layer.plan((None, *x.shape[1:])).output_shape[0] is None


MODES = {"reflect": "reflect", "symmetric": "symmetric", "nearest": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["direct", "fft"])
def test_padding_modes_are_those_of_numpys_pad(mode, method):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 9, 10, 3)).astype("float32")
    ours = layers.Conv2D(2, (4, 3), padding="same", padding_mode=(mode, "zeros"), method=method)
    ours.build(x.shape)
    padded = np.pad(x, [(0, 0), (1, 2), (0, 0), (0, 0)], mode=MODES[mode])
    padded = np.pad(padded, [(0, 0), (0, 0), (1, 1), (0, 0)])
    theirs = keras.layers.Conv2D(2, (4, 3))
    theirs.build(padded.shape)
    theirs.set_weights(ours.get_weights())
    close(to_numpy(ours(x)), to_numpy(theirs(padded)))
    causal = layers.Conv1D(2, 4, padding="causal", padding_mode=mode, method=method)
    causal.build((None, None, 3))
    line = keras.layers.Conv1D(2, 4)
    line.build((None, None, 3))
    line.set_weights(causal.get_weights())
    close(to_numpy(causal(x[0])), to_numpy(line(np.pad(x[0], [(0, 0), (3, 0), (0, 0)], mode=MODES[mode]))))


WRONG = [
    ("Conv2D", {"filters": 0, "kernel_size": 3}),
    ("Conv2D", {"filters": 2, "kernel_size": (3, 0)}),
    ("Conv1D", {"filters": 2, "kernel_size": (3, 3)}),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2}),
    ("Conv3D", {"filters": 3, "kernel_size": 3, "groups": 2}),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "causal"}),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 0}),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "padding": "full"}),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 2}),
]


@pytest.mark.parametrize(("name", "options"), WRONG)
def test_errors_for_wrong_arguments_are_kerass(name, options):
    with pytest.raises(ValueError) as theirs:  # noqa: PT011  the words are compared below
        getattr(keras.layers, name)(**options)
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        getattr(layers, name)(**options)
    assert str(ours.value) == str(theirs.value)


def test_errors_for_wrong_inputs_are_kerass():
    for module in (keras.layers, layers):
        with pytest.raises(ValueError, match="evenly divisible"):
            module.Conv2D(4, 3, groups=2)(np.ones((1, 9, 9, 3), "float32"))
        with pytest.raises(ValueError, match="expected min_ndim=4, found ndim=3"):
            module.Conv2D(4, 3)(np.ones((9, 9, 3), "float32"))
        with pytest.raises(ValueError, match=r"0 or negative|Computed output size"):
            module.DepthwiseConv1D(30)(np.ones((1, 9, 3), "float32"))


def test_errors_for_konvolves_own_arguments():
    with pytest.raises(ValueError, match="method='spam'"):
        layers.Conv1D(2, 3, method="spam")
    with pytest.raises(ValueError, match="each of the 2 spatial axes, not padding_mode='spam'"):
        layers.Conv2D(2, 3, padding_mode="spam")
    with pytest.raises(ValueError, match="each of the 2 spatial axes"):
        layers.DepthwiseConv2D(3, padding_mode=("zeros", "reflect", "zeros"))
    with pytest.raises(ValueError, match="transposed convolution"):
        layers.Conv1DTranspose(2, 3, padding_mode="reflect")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_dtype_policies(policy):
    if BACKEND == "jax" and policy == "float64":
        pytest.skip("JAX as it comes has no float64")
    x = np.random.default_rng(0).standard_normal((2, 50, 3)).astype("float32")
    theirs = keras.layers.Conv1D(4, 31, padding="same")
    expected = to_numpy(theirs(x))
    ours = layers.Conv1D(4, 31, padding="same", dtype=policy, method="fft")
    y = ours(x)
    assert ours.kernel.dtype == ("float32" if policy.startswith("mixed") else policy)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    ours.set_weights(theirs.get_weights())
    found = to_numpy(keras.ops.cast(ours(x), "float32"))
    close(found, expected, {"mixed_bfloat16": 2e-2, "float64": 1e-5}.get(policy, 4e-3))


def model_of(module, **extra):
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            module.Conv2D(4, 7, padding="same", strides=2, activation="relu", name="one", **extra),
            module.DepthwiseConv2D(9, padding="same", name="two", **extra),
            module.SeparableConv2D(4, 5, padding="same", name="three", **extra),
            module.Conv2DTranspose(3, 6, strides=2, padding="same", name="four", **extra),
        ]
    )


PICTURES = np.random.default_rng(8).standard_normal((4, 16, 20, 3)).astype("float32")


def test_saving_and_weights_both_ways(tmp_path):
    ours, theirs = model_of(layers, method="fft"), model_of(keras.layers)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    expected = theirs.predict(PICTURES, verbose=0)
    close(ours.predict(PICTURES, verbose=0), expected)
    ours.save(tmp_path / "ours.keras")
    again = keras.models.load_model(tmp_path / "ours.keras")
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in ours.layers]
    assert again.get_layer("two").method == "fft"
    close(again.predict(PICTURES, verbose=0), expected)
    ours.save_weights(tmp_path / "ours.weights.h5")
    fresh = model_of(keras.layers)
    fresh.load_weights(tmp_path / "ours.weights.h5")
    close(fresh.predict(PICTURES, verbose=0), expected)


def test_sizes_known_only_at_run_time():
    ours, theirs = model_of(layers, method="fft"), model_of(keras.layers)
    ours.set_weights(theirs.get_weights())
    for height in (16, 12):
        close(ours.predict(PICTURES[:, :height], verbose=0), theirs.predict(PICTURES[:, :height], verbose=0))


@pytest.mark.parametrize("compiled", [False, True])
def test_training_goes_as_with_kerass_layers(compiled):
    if BACKEND == "torch" and compiled:
        pytest.skip("Keras's jit_compile on PyTorch is its own inductor: minutes of C++ compilation")
    ours, theirs = model_of(layers, method="fft"), model_of(keras.layers)
    ours.set_weights(theirs.get_weights())
    losses = []
    for model in (ours, theirs):
        model.compile(keras.optimizers.SGD(0.05), "mse", jit_compile=compiled)
        history = model.fit(PICTURES, PICTURES, batch_size=2, epochs=3, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0][2] < losses[0][0]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_lora_regularizers_and_constraints():
    options = {"kernel_regularizer": "l2", "bias_regularizer": "l1", "padding": "same"}
    x = PICTURES[..., 0]
    one, two = layers.Conv1D(4, 9, method="fft", **options), keras.layers.Conv1D(4, 9, **options)
    for layer in (one, two):
        layer.build(x.shape)
        layer.enable_lora(2)
    two.set_weights([np.random.default_rng(1).standard_normal(w.shape) * 0.1 for w in two.get_weights()])
    one.set_weights(two.get_weights())
    close(to_numpy(one(x)), to_numpy(two(x)))
    assert len(one.trainable_weights) == 3
    np.testing.assert_allclose([float(to_numpy(v)) for v in one.losses], [float(to_numpy(v)) for v in two.losses], 1e-5)
    layer = layers.DepthwiseConv1D(9, depthwise_constraint="non_neg", padding="same")
    model = keras.Sequential([keras.Input((None, 20)), layer])
    model.compile(keras.optimizers.SGD(10.0), "mse")
    model.fit(x, -x, verbose=0)
    assert layer.kernel.numpy().min() == 0


def test_names_are_kerass_and_a_subclass_keeps_its_hook():
    assert layers.Conv2D(2, 3).name.startswith("conv2d")
    assert layers.Convolution2D is layers.Conv2D

    class Twice(layers.Conv1D):
        def convolution_op(self, inputs, kernel):
            return 2 * super().convolution_op(inputs, kernel)

    x = PICTURES[..., 0]
    plain, twice = layers.Conv1D(2, 3, use_bias=False), Twice(2, 3, use_bias=False)
    twice.build(x.shape)
    plain.build(x.shape)
    twice.set_weights(plain.get_weights())
    close(to_numpy(twice(x)), 2 * to_numpy(plain(x)))


def test_signatures_show_kerass_arguments():
    import inspect

    for name in CLASSES:
        theirs = inspect.signature(getattr(keras.layers, name)).parameters
        ours = inspect.signature(getattr(layers, name)).parameters
        assert set(ours) - set(theirs) == {"method", "padding_mode"}
        assert {key: ours[key].default for key in theirs} == {key: theirs[key].default for key in theirs}


#: A few of each file; the rest on the other backends with --slow: JAX takes minutes to compile for each shape.
FEW = (
    *(f"test_layers.py::test_random_layers_give_what_kerass_give[{seed}]" for seed in (0, 11, 33, 55)),
    "test_layers.py::test_sizes_known_only_at_run_time",
    "test_layers.py::test_dtype_policies[mixed_bfloat16]",
    "../execution/test_weight.py::test_never_stale",
    "test_long_conv.py::test_any_length_of_kernel_and_sequence[fft-9-8-True]",
    "test_long_conv.py::test_nothing_of_the_future_is_seen",
    "test_filters.py::test_a_blur_is_scipys[auto-reflect]",
    "test_filters.py::test_in_a_pipeline_tensorflow_does_it_whatever_the_backend",
)
#: Not the other tests of conversions, which ask nothing of the library that Keras computes with.
ALL = (
    *("test_layers.py", "../execution/test_weight.py", "test_long_conv.py", "test_filters.py"),
    "test_convert.py::test_every_convolution_is_swapped_and_everything_else_kept",
    "test_convert.py::test_there_and_back_in_place",
    "test_convert.py::test_a_compiled_step_is_compiled_anew",
)


@pytest.mark.parametrize(
    "tests",
    [pytest.param(FEW, id="few", marks=pytest.mark.unless_slow), pytest.param(ALL, id="all", marks=pytest.mark.slow)],
)
@pytest.mark.one_in(2)
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_on_the_other_backends(backend, tests):
    """The tests of these files, on Keras's other backends, each in a process of its own."""
    if backend == BACKEND or os.environ.get("KONVOLVE_NESTED"):
        pytest.skip("this process is the one")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    nested = {"KERAS_BACKEND": backend, "KONVOLVE_NESTED": "1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(os.path.join(HERE, test) for test in tests)],
        env=os.environ | nested,
        capture_output=True,
        text=True,
        cwd=os.path.dirname(os.path.dirname(HERE)),
    )
    assert done.returncode == 0, done.stdout[-5000:]
