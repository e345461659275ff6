"""
Blur a colour picture
=====================

SciPy's documentation of ``fftconvolve`` blurs a picture with a 60x60 Gaussian. Here
the picture is a TensorFlow tensor, and so is the result; the function has the same
name and the same arguments.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf
from scipy.signal.windows import gaussian

import konvolve

picture = tf.constant(
    skimage.data.astronaut() / 255, tf.float32
)  # height x width x colours
line = gaussian(60, std=10)
window = np.outer(line, line).astype("float32")
window /= window.sum()

# %%
# One kernel for all colours
# --------------------------
#
# ``axes=(0, 1)`` says that height and width are convolved. The third axis of the
# kernel has length one, so the same kernel is used for each of the three colours.

blurred = konvolve.fftconvolve(
    picture, window[:, :, np.newaxis], mode="same", axes=(0, 1)
)
print(type(blurred).__name__, blurred.shape, blurred.dtype.name)

figure, places = plt.subplots(
    1, 3, figsize=(10, 3.6), width_ratios=(1, 1, 60 / 512 * 4)
)
for place, image, title in zip(
    places,
    (picture, blurred, window),
    ("before", "after", "the kernel, 4 times"),
    strict=True,
):
    place.imshow(image, vmin=0)
    place.set_title(title)
    place.axis("off")

# %%
# The frame is darker, since beyond the edges there are zeros. ``convolve`` has the
# same method and other edges, too:

mirrored = konvolve.convolve(
    picture, window[:, :, np.newaxis], mode="same", axes=(0, 1), boundary="symmetric"
)
figure, places = plt.subplots(1, 2, figsize=(6, 3.3))
for place, image, title in zip(
    places,
    (blurred, mirrored),
    ("zeros beyond the edges", "mirrored edges"),
    strict=True,
):
    place.imshow(image[:200, :200])
    place.set_title(title)
    place.axis("off")

# %%
# SciPy gives the same numbers, on NumPy arrays:

from scipy import signal

expected = signal.fftconvolve(
    picture.numpy(), window[:, :, np.newaxis], mode="same", axes=(0, 1)
)
print(f"largest difference {np.abs(blurred.numpy() - expected).max():.0e}")
assert np.allclose(blurred, expected, atol=1e-5)
