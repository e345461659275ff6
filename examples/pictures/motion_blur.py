"""
Motion blur: a kernel of any shape
==================================

A camera that moves while its shutter is open records the picture convolved with the
path of the camera. The path is the kernel: it has no symmetry, it is not a product of
a row and a column, and it may be large.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import torch

import konvolve

picture = torch.tensor(skimage.data.rocket() / 255, dtype=torch.float32)


def path(size, turns):
    """Return the path of a shaking hand as a kernel of (size, size), whose sum is 1."""
    time = np.linspace(0, 1, 4000)
    reach = 0.42 * size
    y = size // 2 + reach * np.sin(turns * time + 0.4) * time
    x = size // 2 + reach * (1.6 * time - 0.8) + 0.1 * reach * np.cos(3 * turns * time)
    kernel, _, _ = np.histogram2d(y, x, bins=size, range=[[-0.5, size - 0.5]] * 2)
    return (kernel / kernel.sum()).astype("float32")


# %%
# A short and a long exposure
# ---------------------------
#
# PyTorch tensors go in and come out. ``boundary="nearest"`` goes on with the last
# pixel beyond the edges.

kernels = [path(25, 5), path(91, 7)]
blurred = [
    konvolve.convolve(
        picture, kernel[:, :, np.newaxis], mode="same", axes=(0, 1), boundary="nearest"
    )
    for kernel in kernels
]
figure, places = plt.subplots(1, 3, figsize=(11, 2.9))
for place, image, title in zip(
    places,
    [picture, *blurred],
    ("at once", "a short exposure", "a long one"),
    strict=True,
):
    place.imshow(image.clip(0, 1))
    place.set_title(title)
    place.axis("off")

# %%
# The two paths, at the same scale:

figure, places = plt.subplots(1, 2, figsize=(6, 3.2))
for place, kernel in zip(places, kernels, strict=True):
    shown = np.zeros((91, 91))
    margin = (91 - len(kernel)) // 2
    shown[margin : 91 - margin, margin : 91 - margin] = kernel
    place.imshow(shown, cmap="magma", vmax=0.3 * kernel.max(), interpolation="bilinear")
    place.set_title(f"{len(kernel)} x {len(kernel)}")
    place.axis("off")

# %%
# The cost hardly grows with the kernel
# -------------------------------------
#
# 91x91 taps are thirteen times as many as 25x25. The plan says what that costs:

for kernel in kernels:
    plan = konvolve.plan(
        picture.shape,
        (*kernel.shape, 1),
        mode="same",
        axes=(0, 1),
        boundary="nearest",
        library="torch",
    )
    print(
        f"{kernel.shape[0]:3} x {kernel.shape[1]:<3} {plan.method:8} "
        f"predicted {1e3 * plan.seconds:.0f} ms"
    )
