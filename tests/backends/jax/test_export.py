"""Functions that JAX exports before it knows the length of the signal: "auto" takes a method that can be compiled."""

import os
import subprocess
import sys
import textwrap

import jax
import numpy as np
import pytest

import konvolve
import oracle
from konvolve import nn

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(5)


def exported(ask, *shapes, at_least=()):
    """Return the function, written and read again; a size that is a word is any, or any from a number on."""
    names = [jax.export.symbolic_shape(", ".join(map(str, shape)), constraints=at_least) for shape in shapes[:1]]
    specs = [jax.ShapeDtypeStruct(shape, "float64") for shape in (*names, *shapes[1:])]
    return jax.export.deserialize(jax.export.export(jax.jit(ask))(*specs).serialize()).call


def last(function, *arguments, **options):
    return lambda x, k, **more: function(x, k, *arguments, data_format="channels_last", **options, **more)


CHANNELS = {
    "causal": (last(nn.conv, padding="causal"), (2, 3)),
    "same": (last(nn.conv, padding="same"), (2, 3)),
    "strides": (last(nn.conv, 2, padding="same"), (2, 3)),
    "dilated": (last(nn.conv, padding="valid", dilation_rate=2), (2, 3)),
    "reflect": (last(nn.conv, padding="same", padding_mode="reflect"), (2, 3)),
    "depthwise": (last(nn.depthwise_conv, padding="same"), (2, 3)),
    "transposed": (last(nn.conv_transpose, 2, padding="same"), (3, 2)),
}


@pytest.mark.one_in(6)
@pytest.mark.parametrize("method", ["auto", "direct", "overlap"])
@pytest.mark.parametrize("taps", [3, 120])
@pytest.mark.parametrize("question", CHANNELS)
def test_channels(question, taps, method):
    ask, tail = CHANNELS[question]
    k = rng.standard_normal((taps, *tail))
    # Blocks of a "valid" result: JAX has to be told that there is one.
    at_least = ["n >= 239"] if question == "dilated" else []
    run = exported(lambda x, k: ask(x, k, method=method), (2, "n", 2), k.shape, at_least=at_least)
    for n in (240, 333, 1001):
        x = rng.standard_normal((2, n, 2))
        np.testing.assert_allclose(run(x, k), ask(x, k, method="direct"), rtol=0, atol=1e-9)


def test_pictures_on_channels():
    k = rng.standard_normal((20, 9, 2, 3))
    run = exported(last(nn.conv, padding="same"), (1, "h", "w", 2), k.shape)
    for size in ((40, 50), (64, 33)):
        x = rng.standard_normal((1, *size, 2))
        np.testing.assert_allclose(run(x, k), last(nn.conv, padding="same", method="direct")(x, k), rtol=0, atol=1e-9)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(
    ("shape", "kernel"), [(("n",), (90,)), ((3, "n"), (1, 200)), (("h", "w"), (11, 9)), ((40, "w"), (5, 9))]
)
def test_the_family(shape, kernel, mode):
    def ask(a, b):
        return konvolve.convolve(a, b, mode)

    b = rng.standard_normal(kernel)
    run = exported(ask, shape, kernel)
    for n in (300, 411):
        a = rng.standard_normal([n if isinstance(size, str) else size for size in shape])
        oracle.assert_close(run(a, b), oracle.convolve(a, b, mode), a, b, "float64")


@pytest.mark.parametrize(
    "ask",
    [
        lambda a, b: konvolve.convolve(a, b, "same", "fft"),
        lambda a, b: nn.conv(a[None, :, None], b[:, None, None], 2, "same", "channels_last", method="fft"),
    ],
)
def test_one_transform_of_everything_is_refused_and_the_way_out_named(ask):
    """At once: JAX takes minutes to compare lengths that strides have made."""
    with pytest.raises(ValueError, match=r"JAX has to know the sizes of .* method='direct' .* method='overlap' does"):
        exported(ask, ("n",), (512,))
    assert ask(np.ones(600), np.ones(512)).size > 0  # where it is known, that is what was asked for


@pytest.mark.slow
def test_a_layer_in_an_exported_model(tmp_path):
    """In processes of their own: Keras on JAX exports it, TensorFlow runs it at any length."""
    code = f"""
        import os
        os.environ["KERAS_BACKEND"] = "jax"
        import keras, numpy as np
        from konvolve import layers
        model = keras.Sequential([keras.Input((None, 2)), layers.Conv1D(3, 512, padding="causal")])
        model.export({str(tmp_path / "model")!r}, verbose=False)
        for n in (40, 700, 2000):
            x = np.random.default_rng(n).standard_normal((1, n, 2)).astype("float32")
            np.savez({str(tmp_path)!r} + f"/{{n}}.npz", x=x, y=np.asarray(model(x)))
        """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env=environment)
    code = f"""
        import numpy as np, tensorflow as tf
        model = tf.saved_model.load({str(tmp_path / "model")!r})
        for n in (40, 700, 2000):
            held = np.load({str(tmp_path)!r} + f"/{{n}}.npz")
            np.testing.assert_allclose(model.serve(tf.constant(held["x"])), held["y"], atol=1e-4)
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env=environment)
