"""
SSIM as a loss
==============

The structural similarity index (Wang and others, 2004) compares means, variances and
covariances of two pictures under a Gaussian window: five Gaussian filters. Since
these are differentiated, it can be a loss, and it looks at structure where the
squared error looks at grey levels.
"""

import matplotlib.pyplot as plt
import skimage.data
import tensorflow as tf
from skimage.metrics import structural_similarity

from konvolve import ndimage


def ssim(x, y, sigma=1.5, top=1.0):
    """Return the mean structural similarity of two pictures, as a tensor."""

    def mean(z):
        return ndimage.gaussian_filter(z, sigma, radius=5)

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y, cov = (
        mean(x * x) - mean_x**2,
        mean(y * y) - mean_y**2,
        mean(x * y) - mean_x * mean_y,
    )
    c1, c2 = (0.01 * top) ** 2, (0.03 * top) ** 2
    values = (
        (2 * mean_x * mean_y + c1)
        * (2 * cov + c2)
        / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    )
    return tf.reduce_mean(values[5:-5, 5:-5])


picture = tf.constant(skimage.data.camera()[50:306, 100:356] / 255, tf.float32)
noise = tf.random.stateless_normal(picture.shape, (0, 1), stddev=0.1)
options = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1.0}
ours, skimages = (
    float(ssim(picture, picture + noise)),
    structural_similarity(picture.numpy(), (picture + noise).numpy(), **options),
)
print(f"here {ours:.5f}, scikit-image {skimages:.5f}")
assert abs(ours - skimages) < 1e-4

# %%
# Up the slope of similarity
# --------------------------
#
# From noise towards the picture: each pixel is a parameter, and the loss is 1 - SSIM.

found = tf.Variable(tf.random.stateless_uniform(picture.shape, (0, 2)))
optimizer = tf.keras.optimizers.Adam(0.03)


@tf.function
def step():
    """Take one step of gradient descent; the similarity before it."""
    with tf.GradientTape() as tape:
        loss = 1 - ssim(picture, found)
    optimizer.apply_gradients([(tape.gradient(loss, found), found)])
    return 1 - loss


history, stages = [], [found.numpy()]
for _ in range(150):
    history.append(float(step()))
    if len(history) in (15, 150):
        stages.append(found.numpy())

figure, places = plt.subplots(1, 4, figsize=(12, 3.2))
for place, image, title in zip(
    places, stages, ("noise", "after 15 steps", "after 150 steps"), strict=False
):
    place.imshow(image, vmin=0, vmax=1)
    place.set_title(title)
    place.axis("off")
places[3].plot(history)
places[3].set(title="similarity", xlabel="step", ylim=(0, 1))
assert history[-1] > 0.9
