"""
Derivative filters
==================

Edges are where a picture changes. The derivative filters of ``scipy.ndimage``, on a
TensorFlow tensor, in the order of their reach.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

from konvolve import ndimage

picture = tf.constant(skimage.data.camera() / 255, tf.float32)

derivatives = {
    "sobel, down": ndimage.sobel(picture, axis=0),
    "sobel, across": ndimage.sobel(picture, axis=1),
    "laplace": ndimage.laplace(picture),
    "gaussian_laplace, sigma 3": ndimage.gaussian_laplace(picture, 3.0),
    "gaussian_gradient_magnitude, sigma 2": ndimage.gaussian_gradient_magnitude(
        picture, 2.0
    ),
    "gaussian_filter, sigma 4, order (0, 1)": ndimage.gaussian_filter(
        picture, 4.0, order=(0, 1)
    ),
}

figure, places = plt.subplots(2, 3, figsize=(10, 7))
for place, (title, image) in zip(places.flat, derivatives.items(), strict=True):
    top = float(np.percentile(np.abs(image), 99.5))
    place.imshow(
        image,
        cmap="RdBu_r" if np.min(image) < 0 else "magma",
        vmin=-top if np.min(image) < 0 else 0,
        vmax=top,
    )
    place.set_title(title, fontsize=9)
    place.axis("off")

# %%
# In a compiled function
# ----------------------
#
# The strength of an edge, whatever its direction, compiled once for pictures of any
# size:


@tf.function(input_signature=[tf.TensorSpec((None, None))])
def edges(picture):
    """Return the length of the gradient by Sobel's filters."""
    return tf.sqrt(
        ndimage.sobel(picture, axis=0) ** 2 + ndimage.sobel(picture, axis=1) ** 2
    )


figure, place = plt.subplots(figsize=(4.4, 4.6))
place.imshow(edges(picture), cmap="magma", vmax=2)
place.set_title("the length of Sobel's gradient")
place.axis("off")

# %%
# SciPy's numbers:

from scipy import ndimage as scipys

assert np.allclose(
    derivatives["gaussian_laplace, sigma 3"],
    scipys.gaussian_laplace(picture.numpy(), 3.0),
    atol=1e-5,
)
