"""
Is conv2d the same as fftconvolve?
==================================

No: ``tf.nn.conv2d`` does not turn the kernel, and it adds up the channels. For a
symmetric kernel and one channel neither shows, which is why the two are so often
taken for each other. Here both show.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import konvolve

picture = tf.constant(skimage.data.chelsea()[60:240, 120:320] / 255, tf.float32)
streak = np.zeros(
    (31, 31), "float32"
)  # bright at the upper left, fading towards the lower right
np.fill_diagonal(streak, np.linspace(1, 0, 31) ** 2)
streak /= streak.sum()

# %%
# The kernel is turned
# --------------------
#
# A convolution spreads each point of light into a copy of the kernel. ``conv2d``
# slides the kernel over the picture as it is, which is a correlation: each point
# becomes the kernel turned by 180 degrees.

points = np.zeros((120, 120), "float32")
points[[30, 60, 95], [30, 75, 40]] = 1
filters = streak[:, :, np.newaxis, np.newaxis]
slid = tf.nn.conv2d(points[np.newaxis, :, :, np.newaxis], filters, 1, "SAME")[
    0, :, :, 0
]
spread = konvolve.fftconvolve(tf.constant(points), streak, mode="same")

figure, places = plt.subplots(1, 4, figsize=(11, 3))
shown = {
    "points": points,
    "the kernel": streak,
    "tf.nn.conv2d": slid,
    "fftconvolve": spread,
}
for place, (title, image) in zip(places, shown.items(), strict=True):
    place.imshow(image, cmap="magma", vmax=0.5 * float(np.max(image)))
    place.set_title(title)
    place.axis("off")

# %%
# The channels are added up
# -------------------------
#
# With a kernel for three channels ``conv2d`` returns one: their sum. ``fftconvolve``
# with ``axes=`` keeps the colours apart.

summed = tf.nn.conv2d(
    picture[tf.newaxis], np.repeat(filters, 3, axis=2) / 3, 1, "SAME"
)[0]
apart = konvolve.fftconvolve(
    picture, streak[:, :, np.newaxis], mode="same", axes=(0, 1)
)
print("conv2d", summed.shape, "fftconvolve", apart.shape)

figure, places = plt.subplots(1, 3, figsize=(10, 3.2))
shown = {"the picture": picture, "tf.nn.conv2d": summed[..., 0], "fftconvolve": apart}
for place, (title, image) in zip(places, shown.items(), strict=True):
    place.imshow(image, vmin=0, vmax=1)
    place.set_title(title)
    place.axis("off")

# %%
# One as the other
# ----------------
#
# Turn the kernel, and keep the channels apart with a depthwise convolution.
# ``konvolve.correlate`` is what ``conv2d`` does with one channel.

turned = np.repeat(filters[::-1, ::-1], 3, axis=2)
same = tf.nn.depthwise_conv2d(picture[tf.newaxis], turned, (1, 1, 1, 1), "SAME")[0]
print(f"depthwise, turned: {np.abs(same - apart).max():.0e} from fftconvolve")
assert np.allclose(same, apart, atol=1e-5)
assert np.allclose(slid, konvolve.correlate(points, streak, mode="same"), atol=1e-6)
