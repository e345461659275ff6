"""
Scale space, and a sigma that is learned
========================================

A picture blurred by Gaussians of growing width is its scale space. ``sigma`` may be a
tensor: one width for each picture of a batch, and it is differentiated, so that the
width can be found by gradient descent.
"""

import matplotlib.pyplot as plt
import skimage.data
import tensorflow as tf

from konvolve import ndimage

picture = tf.constant(skimage.data.camera()[::2, ::2] / 255, tf.float32)

# %%
# One call, eight widths
# ----------------------
#
# A batch of eight copies, each with its own sigma. ``radius=`` says how far the
# Gaussians reach, since a tensor's value cannot set a shape.

sigmas = tf.constant([[0.5], [1.0], [2.0], [3.0], [4.0], [6.0], [8.0], [12.0]])
space = ndimage.gaussian_filter(
    tf.repeat(picture[tf.newaxis], 8, axis=0), sigmas, axes=(1, 2), radius=48
)

figure, places = plt.subplots(2, 4, figsize=(10, 5.3))
for place, image, sigma in zip(places.flat, space, sigmas[:, 0].numpy(), strict=True):
    place.imshow(image, vmin=0, vmax=1)
    place.set_title(f"sigma {sigma:g}")
    place.axis("off")

# %%
# Which sigma was it?
# -------------------
#
# A blurred picture is given, and its sigma, 5, is to be found. The gradient of the
# squared difference with respect to sigma comes from the same tape as any other.

target = ndimage.gaussian_filter(picture, 5.0, radius=20)
sigma = tf.Variable(1.5)
optimizer = tf.keras.optimizers.Adam(0.15)
history = []
for _ in range(150):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            (ndimage.gaussian_filter(picture, sigma, radius=20) - target) ** 2
        )
    history.append((float(sigma), float(loss)))
    optimizer.apply_gradients([(tape.gradient(loss, sigma), sigma)])

figure, place = plt.subplots(figsize=(6, 3.2))
place.plot([value for value, _ in history])
place.axhline(5, color="0.5", linestyle="--")
place.text(0, 5.08, "the true sigma", color="0.4")
place.set(xlabel="step", ylabel="sigma", title="Sigma on its way to 5")

print(f"found {float(sigma):.3f}")
assert abs(float(sigma) - 5) < 0.05
