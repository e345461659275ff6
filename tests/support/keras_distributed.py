"""Training on two logical CPUs, on the Keras backend that the environment names; run by test_layers_models.py.

A failed assertion ends it.
"""

import os
import pathlib
import re
import shutil
import tempfile

# All that XLA compiles is written to a folder, to be read.
os.environ["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count=2 --xla_dump_hlo_as_text --xla_dump_to={tempfile.mkdtemp()}"
)

import keras
import numpy as np

from konvolve import layers

X = np.random.default_rng(0).standard_normal((8, 24, 24, 3)).astype("float32")


def model_of(module, **extra):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            module.Conv2D(4, 9, padding="same", activation="relu", **extra),
            module.DepthwiseConv2D(9, padding="same", **extra),
            module.Conv2D(3, 1, **extra),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def losses(model):
    return model.fit(X, X, batch_size=4, epochs=3, shuffle=False, verbose=0).history["loss"]


def mirrored():
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    expected = losses(model_of(keras.layers))
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = model_of(layers, method="fft")
    np.testing.assert_allclose(losses(model), expected, rtol=1e-4)


def parallel():
    import jax

    expected = losses(model_of(keras.layers))
    assert len(jax.devices()) == 2
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    model = model_of(layers, method="fft")
    np.testing.assert_allclose(losses(model), expected, rtol=1e-4)
    y = model.predict(X, batch_size=4, verbose=0)
    programs = [text for text in compiled() if "num_partitions=2" in text]
    steps = [text for text in programs if re.search(r"\bfft\(", text)]
    learning = [text for text in steps if "all-reduce" in text]
    assert len(learning) >= 1  # the gradients are summed
    assert len(steps) > len(learning)  # and a prediction has nothing to sum
    assert not any("all-gather" in text or "all-to-all" in text for text in programs)
    again = model_of(keras.layers)
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(y, again.predict(X, batch_size=4, verbose=0), atol=1e-4)


def compiled():
    """Return the programs XLA has compiled, as they run, and remove them."""
    folder = pathlib.Path(os.environ["XLA_FLAGS"].rpartition("=")[2])
    texts = [path.read_text() for path in folder.glob("*after_optimizations.txt")]
    shutil.rmtree(folder)
    return texts


if __name__ == "__main__":
    {"tensorflow": mirrored, "jax": parallel}[keras.backend.backend()]()
    print("done on", keras.backend.backend())
