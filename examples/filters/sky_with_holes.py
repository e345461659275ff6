"""
A sky picture with holes
========================

Dead pixels, saturated stars, stripes that were not read out: a filter that meets them
spreads them. ``nan="omit"`` leaves out what is missing and brings the rest to the
kernel's scale.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data

import konvolve

rng = np.random.default_rng(3)
sky = skimage.data.hubble_deep_field()[200:500, 300:700].mean(axis=2).astype("float32")
holes = rng.random(sky.shape) < 0.04  # dead pixels
holes[:, 130:134] = True  # a column that was not read out
holes[170:215, 240:300] = True  # a region that another telescope's shadow covers
seen = np.where(holes, np.nan, sky)

y, x = np.mgrid[-10:11, -10:11]
kernel = np.exp(-(y**2 + x**2) / (2 * 3.0**2)).astype("float32")
kernel /= kernel.sum()

# %%
# What becomes of the holes
# -------------------------

ways = {
    "as they are seen": seen,
    'nan="propagate"': konvolve.convolve(
        seen, kernel, "same", boundary="symmetric", nan="propagate"
    ),
    'nan="fill": zeros': konvolve.convolve(
        seen, kernel, "same", boundary="symmetric", nan="fill"
    ),
    'nan="omit"': konvolve.convolve(
        seen, kernel, "same", boundary="symmetric", nan="omit"
    ),
    "omit, min_weight=0.5": konvolve.convolve(
        seen, kernel, "same", boundary="symmetric", nan="omit", min_weight=0.5
    ),
    "without holes": konvolve.convolve(sky, kernel, "same", boundary="symmetric"),
}
colours = plt.get_cmap("magma").with_extremes(bad="#56b4e9")
figure, places = plt.subplots(2, 3, figsize=(11, 5.8))
for place, (title, image) in zip(places.flat, ways.items(), strict=True):
    place.imshow(np.log1p(image), cmap=colours, vmin=1.5, vmax=5)
    place.set_title(title)
    place.axis("off")

# %%
# Blue is what is missing. "omit" puts the mean of what is there into a hole, however
# little that is; ``min_weight=0.5`` asks for half of the kernel, so that the middle
# of the large hole stays one.

true = ways["without holes"]
for name in ('nan="fill": zeros', 'nan="omit"'):
    off = np.nanmean(np.abs(ways[name] - true)[holes])
    print(f"{name:20} off by {off:.1f} grey levels in the holes")
