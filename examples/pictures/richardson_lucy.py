"""
Undo a blur: Richardson and Lucy in ten lines
=============================================

The algorithm of Richardson (1972) and Lucy (1974) finds the picture that, blurred,
gives the picture at hand, if light is counted in photons. Each step takes two
convolutions with the same two kernels.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import konvolve

rng = np.random.default_rng(0)
moon = skimage.data.moon()[100:400, 100:400].astype("float32")
y, x = np.mgrid[-12:13, -12:13]
psf = np.exp(-(y**2 + x**2) / (2 * 3.0**2)).astype("float32")
psf /= psf.sum()
blurred = konvolve.convolve(moon, psf, "same", boundary="symmetric")
seen = rng.poisson(blurred.clip(0)).astype("float32")  # photons

# %%
# Ten lines
# ---------
#
# :class:`konvolve.Kernel` keeps the kernels' spectra from one step to the next.


def richardson_lucy(seen, psf, steps):
    """Return the picture that seen is the blurred picture of."""
    forward = konvolve.Kernel(psf)
    backward = konvolve.Kernel(psf[::-1, ::-1].copy())
    estimate = tf.fill(seen.shape, tf.reduce_mean(seen))
    for _ in range(steps):
        again = konvolve.convolve(estimate, forward, "same", boundary="symmetric")
        ratio = seen / tf.maximum(again, 1e-6)
        estimate *= konvolve.convolve(ratio, backward, "same", boundary="symmetric")
    return estimate


sharp = richardson_lucy(tf.constant(seen), psf, 40)

figure, places = plt.subplots(1, 3, figsize=(11, 3.9))
for place, image, title in zip(
    places,
    (moon, seen, sharp),
    ("the moon", "as it was seen", "after 40 steps"),
    strict=True,
):
    place.imshow(image, vmin=moon.min(), vmax=moon.max())
    place.set_title(title)
    place.axis("off")

# %%
# How much nearer
# ---------------


def error(image):
    """Return the root of the mean squared error, in grey levels."""
    return float(np.sqrt(np.mean((np.asarray(image) - moon)[15:-15, 15:-15] ** 2)))


print(f"off by {error(seen):.1f} grey levels before, by {error(sharp):.1f} after")
assert error(sharp) < 0.8 * error(seen)
