"""
Find a template in a picture
============================

Where in a picture does a smaller one lie? The cross-correlation is largest where the
picture is bright, whatever is there; the correlation coefficient, ``normalize=True``,
is between -1 and 1 and does not depend on brightness and contrast.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data

import konvolve

coins = skimage.data.coins().astype("float32")
template = coins[75:125, 130:180]  # one coin
darker = 0.4 * template + 20  # photographed with less light

# %%
# Two correlations
# ----------------

plain = konvolve.correlate(coins, darker, mode="valid")
coefficient = konvolve.correlate(coins, darker, mode="valid", normalize=True)

figure, places = plt.subplots(1, 3, figsize=(11, 3.4))
shown = {"coins": coins, "correlation": plain, "correlation coefficient": coefficient}
for place, (title, image) in zip(places, shown.items(), strict=True):
    place.imshow(image, cmap="gray" if title == "coins" else "viridis")
    place.set_title(title)
    place.axis("off")
for scores, colour, words in (
    (plain, "C1", "largest correlation"),
    (coefficient, "C2", "largest coefficient"),
):
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    places[0].add_patch(
        plt.Rectangle(
            (column, row), 50, 50, fill=False, edgecolor=colour, linewidth=2.5
        )
    )
    places[0].text(
        column + 25,
        row - 6,
        words,
        color=colour,
        ha="center",
        fontsize=8,
        backgroundcolor="white",
    )

# %%
# The coefficient is 1 where the coin lies, although the template is darker:

found = tuple(map(int, np.unravel_index(np.argmax(coefficient), coefficient.shape)))
print(found, f"coefficient {coefficient.max():.4f}")
assert found == (75, 130)
