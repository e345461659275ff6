"""
Align two pictures whose borders must not count
===============================================

Two scans of one scene overlap in part, and each has regions without data. ``mask1=``
and ``mask2=`` leave these out of the correlation coefficient at every shift (Padfield
2012), so that an empty border does not attract the match.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data

import konvolve

scene = skimage.data.brick().astype("float32") + 0.7 * skimage.data.gravel()
first, second = scene[20:220, 40:260].copy(), scene[75:275, 110:330].copy()
truth = (55, 70)  # where the second's corner lies in the first

# Regions without data: a disc that the scanner has not seen, and a corner.
rows, columns = np.mgrid[:200, :220]
mask1 = (rows - 60) ** 2 + (columns - 150) ** 2 > 45**2
mask2 = rows + columns < 250
first[~mask1] = 0
second[~mask2] = 0

# %%
# With and without the masks
# --------------------------
#
# ``min_overlap=0.3`` asks for at least 30 % of the second picture: of a few samples
# any two agree.

plain = konvolve.correlate(first, second, normalize=True, min_overlap=0.3)
masked = konvolve.correlate(
    first, second, normalize=True, mask1=mask1, mask2=mask2, min_overlap=0.3
)
lags = [
    konvolve.correlation_lags(n, k)
    for n, k in zip(first.shape, second.shape, strict=True)
]


def best(scores):
    """Return the shift with the largest coefficient."""
    where = np.unravel_index(np.argmax(scores), scores.shape)
    return tuple(int(lag[at]) for lag, at in zip(lags, where, strict=True))


figure, places = plt.subplots(1, 4, figsize=(12, 3.3))
for place, image, title in zip(
    places[:2], (first, second), ("first", "second"), strict=True
):
    place.imshow(image)
    place.set_title(title)
    place.axis("off")
extent = (lags[1][0], lags[1][-1], lags[0][-1], lags[0][0])
for place, scores, title in zip(
    places[2:], (plain, masked), ("without masks", "with masks"), strict=True
):
    place.imshow(scores, extent=extent, cmap="viridis")
    place.plot(
        *best(scores)[::-1],
        "o",
        markersize=14,
        markerfacecolor="none",
        markeredgecolor="C1",
        markeredgewidth=2,
    )
    place.set_title(f"{title}: {best(scores)}")
    place.set(xlabel="shift in columns", ylabel="shift in rows")

# %%
# The circle is the best shift. With the masks it is the true one:

print("true", truth, "without masks", best(plain), "with masks", best(masked))
assert best(masked) == truth
