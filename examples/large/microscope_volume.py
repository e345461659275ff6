"""
A microscope's volume, larger than memory
=========================================

A made volume of glowing points, seen through a microscope. It lies in a zarr file;
dask reads it chunk by chunk, konvolve convolves the chunks with what they need of
their neighbours, and only the slices that are looked at are ever computed.
"""

import tempfile
from pathlib import Path

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np

import konvolve

folder = Path(tempfile.mkdtemp())
shape, chunks = (96, 512, 512), (32, 256, 256)


def points(block_info=None):
    """Return one chunk: a few threads of light, the same in each run."""
    corner = [low for low, _ in block_info[None]["array-location"]]
    z, y, x = np.ogrid[
        tuple(slice(low, low + n) for low, n in zip(corner, chunks, strict=True))
    ]
    spiral = (
        np.abs(
            np.hypot(y - 256, x - 256)
            - 60
            - 1.2 * z
            - 20 * np.sin(5 * np.arctan2(y - 256, x - 256))
        )
        < 1.2
    )
    dust = np.random.default_rng(corner).random(chunks) > 0.9997
    return (80.0 * (spiral & (z % 6 == 3)) + 900.0 * dust).astype("float32")


volume = da.map_blocks(
    points,
    chunks=tuple((c,) * (n // c) for n, c in zip(shape, chunks, strict=True)),
    dtype="float32",
)
da.to_zarr(volume, str(folder / "cells.zarr"))

# %%
# The microscope
# --------------
#
# Its point spread function is longer along the optical axis. The result is as lazy as
# the volume: nothing is computed yet.

z, y, x = np.ogrid[-15:16, -9:10, -9:10]
psf = np.exp(
    -(z**2 / (2 * 5.0**2) + (y**2 + x**2) / (2 * (1.5 + 0.12 * np.abs(z)) ** 2))
)
psf = (psf / psf.sum()).astype("float32")
cells = da.from_zarr(str(folder / "cells.zarr"))
seen = konvolve.convolve(cells, psf, mode="same")
print(seen)
print(
    konvolve.plan(
        cells.shape, psf.shape, mode="same", chunks=cells.chunks, library="numpy"
    )
)

# %%
# A slice across and one along the optical axis: dask computes the chunks that they
# need, and no others.

across, along = da.compute(seen[48], seen[:, 256])
sharp = np.asarray(cells[48]), np.asarray(cells[:, 256])
figure, places = plt.subplots(2, 2, figsize=(9, 6), height_ratios=(4, 1.1))
for column, (images, title) in enumerate(
    ((sharp, "the points"), ((across, along), "through the microscope"))
):
    places[0, column].imshow(
        np.sqrt(images[0].clip(0)),
        cmap="magma",
        vmax=(3, np.sqrt(np.percentile(across, 99.7)))[column],
    )
    places[0, column].set_title(title)
    places[1, column].imshow(
        np.sqrt(images[1].clip(0)),
        cmap="magma",
        vmax=(3, np.sqrt(np.percentile(along, 99.7)))[column],
    )
for place in places.flat:
    place.axis("off")

# %%
# Written without ever being whole
# --------------------------------
#
# ``konvolve filter cells.zarr psf.npy --memory 200M`` does this from a terminal, and
# can be stopped and resumed.

da.to_zarr(seen, str(folder / "seen.zarr"))
written = da.from_zarr(str(folder / "seen.zarr"))
print(written.shape, written.chunks[0], f"{written.nbytes / 2**20:.0f} MiB")
assert np.allclose(written[48], across, atol=1e-4)
