"""
A Gaussian with every boundary
==============================

A filter at the edge of a picture needs samples from beyond it. The modes of
``scipy.ndimage`` say which: they change the result as far from the edge as the kernel
reaches.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data

from konvolve import ndimage

picture = skimage.data.camera()[60:260, 120:320].astype("float32")
modes = ("reflect", "mirror", "nearest", "wrap", "constant")
blurred = {mode: ndimage.gaussian_filter(picture, 12.0, mode=mode) for mode in modes}

figure, places = plt.subplots(2, 3, figsize=(9, 6.4))
for place, (title, image) in zip(
    places.flat, {"the picture": picture, **blurred}.items(), strict=True
):
    place.imshow(image, vmin=0, vmax=255)
    place.set_title(title)
    place.axis("off")

# %%
# Along one row
# -------------
#
# In the middle of the picture all of them agree. ``nearest`` goes on with the last
# pixel; ``reflect`` repeats it and goes back, ``mirror`` goes back without repeating
# it; ``wrap`` continues at the other end; ``constant`` has zeros there.

figure, place = plt.subplots(figsize=(8, 3.4))
names = {"reflect": "reflect, mirror, nearest", "wrap": "wrap", "constant": "constant"}
for colour, (mode, name) in enumerate(names.items()):
    row = blurred[mode][150]
    place.plot(row, color=f"C{colour}")
    place.text(201, row[-1], name, color=f"C{colour}", va="center")
place.plot(picture[150], color="0.8", zorder=0)
place.set(xlabel="column", ylabel="grey level", title="row 150", xlim=(0, 265))

# %%
# :func:`konvolve.convolve` takes the same boundaries, by the words of ``numpy.pad``:
# what is "reflect" here is "symmetric" there.

import konvolve

line = np.exp(-0.5 * (np.arange(-48, 49) / 12) ** 2)
kernel = np.outer(line, line) / line.sum() ** 2
again = konvolve.convolve(
    picture.astype("float64"), kernel, "same", boundary="symmetric"
)
print(f"largest difference {np.abs(again - blurred['reflect']).max():.0e} grey levels")
assert np.allclose(again, blurred["reflect"], atol=1e-2)
