"""
Learn the kernel that blurred a picture
=======================================

A picture and its blurred copy are given; the 31x31 kernel that turns one into the
other is learned, as the weight of a depthwise convolution that is kept positive by a
constraint. The camera was shaken: the true kernel is a crooked line, which no
Gaussian is near.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import skimage.transform

from konvolve import layers

keras.utils.set_random_seed(0)
size, steps = 31, 300

time = np.linspace(0, 1, 400)
y = size // 2 + 12 * np.sin(2.6 * time - 1.3)
x = size // 2 + 12 * np.sin(7.0 * time) * (0.3 + 0.7 * time)
truth, _, _ = np.histogram2d(y, x, bins=size, range=[[-0.5, size - 0.5]] * 2)
truth = (truth / truth.sum()).astype("float32")

picture = skimage.transform.resize(
    skimage.data.camera(), (256, 256), anti_aliasing=True
)
sharp = picture.astype("float32")[None, ..., None]
blurred = keras.ops.convert_to_numpy(layers.Filter(truth)(sharp))
blurred = blurred + np.random.default_rng(0).normal(0, 0.002, blurred.shape).astype(
    "float32"
)

# %%
# One layer, trained
# ------------------

layer = layers.DepthwiseConv2D(
    size,
    padding="same",
    padding_mode="symmetric",
    use_bias=False,
    depthwise_initializer=keras.initializers.Constant(1 / size**2),
    depthwise_constraint="non_neg",
)
model = keras.Sequential([keras.Input((None, None, 1)), layer])
model.compile(
    keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)), "mse"
)

# Edges tell the taps apart, smooth areas do not: what is learned from is the slopes,
# along both diagonals.
slopes = (
    layers.Filter([[0.0, 1.0], [-1.0, 0.0]], "valid"),
    layers.Filter([[1.0, 0.0], [0.0, -1.0]], "valid"),
)
given, wanted = (
    np.concatenate([keras.ops.convert_to_numpy(f(z)) for f in slopes])
    for z in (sharp, blurred)
)
scale = given.std()
losses = model.fit(
    given / scale, wanted / scale, batch_size=2, epochs=steps, verbose=0
).history["loss"]

found = np.flip(
    layer.kernel.numpy()[:, :, 0, 0]
)  # a layer correlates, a blur convolves
difference = float(np.abs(found - truth).sum() / np.abs(truth).sum())
print(
    f"{steps} steps; loss {losses[-1]:.1e} after {losses[0]:.1e}; "
    f"kernel off by {100 * difference:.0f} %"
)
assert difference < 0.5  # a flat kernel is off by more than 100 %

# %%

figure, places = plt.subplots(1, 4, figsize=(11, 3))
shown = {
    "the picture": picture,
    "blurred": blurred[0, ..., 0],
    "the true kernel": truth,
    "the learned kernel": found,
}
for place, (title, image) in zip(places, shown.items(), strict=True):
    kernel = "kernel" in title
    place.imshow(
        image,
        cmap="magma" if kernel else "gray",
        vmin=0,
        vmax=truth.max() if kernel else 1,
    )
    place.set_title(title)
    place.axis("off")
