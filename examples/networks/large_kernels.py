"""
A model with large kernels, converted and timed
===============================================

ConvNeXt (Liu and others, 2022) convolves each channel with 7x7 taps; RepLKNet (Ding and
others, 2022) with 31x31. One line converts a Keras model: same weights, same results.
First ConvNeXt as Keras brings it, then blocks like those of both, with larger kernels.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import konvolve

keras.utils.set_random_seed(0)


def timed(model, pictures):
    """Return the median time of a compiled call in milliseconds, and its result."""
    call = tf.function(lambda x: model(x, training=False))
    call(pictures)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        result = call(pictures).numpy()
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times)), result


# %%
# ConvNeXt-Tiny
# -------------
#
# Its 18 depthwise layers are convolutions in as many groups as channels in Keras, and
# TensorFlow is slow at these. The weights are random here; with trained ones the line
# that converts is the same.

tiny = keras.applications.ConvNeXtTiny(
    weights=None, include_top=False, input_shape=(160, 160, 3)
)
fast, report = konvolve.to_konvolve(tiny, return_report=True)
photo = keras.random.uniform((1, 160, 160, 3), maxval=255.0)
before, wanted = timed(tiny, photo)
after, found = timed(fast, photo)
off = float(np.abs(found - wanted).max())
print(f"Keras    {before:4.0f} ms")
print(f"konvolve {after:4.0f} ms, difference {off:.0e}")
assert off < 1e-3

# %%
# What was converted:

print(report)

# %%
# Kernels of 7 to 95 taps
# -----------------------


def network(size, channels=16, blocks=3):
    """Return blocks of a depthwise convolution and two dense layers, as in both."""
    entry = keras.Input((160, 160, channels))
    x = entry
    for _ in range(blocks):
        y = keras.layers.DepthwiseConv2D(size, padding="same")(x)
        y = keras.layers.LayerNormalization()(y)
        y = keras.layers.Dense(2 * channels, activation="gelu")(y)
        x = keras.layers.Add()([x, keras.layers.Dense(channels)(y)])
    return keras.Model(entry, x)


pictures = keras.random.normal((1, 160, 160, 16))
sizes = (7, 15, 31, 63, 95)
rows = []
for size in sizes:
    model = network(size)
    fast = konvolve.to_konvolve(model)
    before, wanted = timed(model, pictures)
    after, found = timed(fast, pictures)
    off = float(np.abs(found - wanted).max())
    rows.append((before, after))
    print(
        f"{size:2} x {size:<2} Keras {before:4.0f} ms, "
        f"konvolve {after:4.0f} ms, difference {off:.0e}"
    )
    assert off < 1e-3

# %%

figure, place = plt.subplots(figsize=(7, 3.8))
for column, name in enumerate(("Keras", "konvolve")):
    values = [row[column] for row in rows]
    place.loglog(sizes, values, "o-")
    place.text(sizes[-1] * 1.06, values[-1], name, color=f"C{column}", va="center")
place.set(xticks=sizes, xticklabels=[f"{size}x{size}" for size in sizes], xlim=(6, 150))
place.set(yticks=(20, 50, 100, 200), yticklabels=(20, 50, 100, 200))
place.minorticks_off()
place.set(
    xlabel="kernel",
    ylabel="ms a picture",
    title="three blocks on 160x160 pixels, 16 channels",
)
