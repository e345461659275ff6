"""The figure beside a convolved picture: before, after, and the kernel."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.files.encoding import replacing
from konvolve.files.pictures import Picture

_MOST_PIXELS = 1200  # along a side of a panel, which is drawn with fewer
_DPI = 120
# Inches: the space left of each panel (its numbers), above (title) and below the panels, right of the last.
_LEFT, _ABOVE, _BELOW, _RIGHT = 0.6, 0.75, 0.4, 1.0


def write_figure(path: Path, before: Picture, after: Picture, kernel: np.ndarray, title: str) -> None:
    """Write a PNG of three panels: the picture before and after, and the kernel with its scale.

    `kernel` is (rows, columns, 1 or the picture's channels); of several layers the mean is shown. An existing
    file is replaced; nothing is left behind on failure.
    """
    from matplotlib.figure import Figure  # without pyplot, which holds global state and picks a screen

    height, width = before.pixels.shape[:2]
    tall = float(np.clip(4.8 * height / width, 2.4, 4.2))  # the height of all panels, in inches
    wide = float(np.clip(tall * width / height, 1.8, 7.0))
    rows, columns = kernel.shape[:2]
    wide_kernel = float(np.clip(tall * columns / rows, 1.2, 4.8))
    size = (3 * _LEFT + 2 * wide + wide_kernel + _RIGHT, _ABOVE + tall + _BELOW)
    figure = Figure(figsize=size)

    def panel(left: float, across: float) -> Any:
        axes = figure.add_axes((left / size[0], _BELOW / size[1], across / size[0], tall / size[1]))
        axes.tick_params(labelsize="small")
        axes.locator_params(axis="x", nbins=2 + int(across))
        return axes

    for index, (picture, name) in enumerate(((before, "before"), (after, "after"))):
        axes = panel(_LEFT + index * (wide + _LEFT), wide)
        axes.imshow(_shown(picture), extent=(0, width, height, 0))
        axes.set_title(name)
    left = 3 * _LEFT + 2 * wide
    bar = panel(left + wide_kernel + 0.12, 0.16)
    _draw_kernel(figure, panel(left, wide_kernel), bar, kernel.mean(axis=2))
    figure.suptitle(title, y=1 - 0.14 / size[1], va="top", fontsize="large", parse_math=False)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter of the picture's name that the font has not
        figure.savefig(temporary, format="png", dpi=_DPI)


def _draw_kernel(figure: Any, axes: Any, bar_axes: Any, kernel: np.ndarray) -> None:
    """The kernel with a colour bar, centred on zero where it has negative values."""
    rows, columns = kernel.shape
    most = float(np.abs(kernel).max()) or 1.0
    signed = kernel.min() < 0
    drawn = axes.imshow(
        kernel,
        cmap="RdBu_r" if signed else "viridis",
        vmin=-most if signed else 0,
        vmax=most,
        extent=(0, columns, rows, 0),
        interpolation="nearest",
    )
    axes.set_title(f"kernel, sum {kernel.sum():.4g}")
    axes.locator_params(integer=True)
    bar = figure.colorbar(drawn, cax=bar_axes)
    bar.formatter.set_powerlimits((-2, 3))


def _shown(picture: Picture) -> np.ndarray:
    """8-bit RGB or RGBA, thinned to no more pixels than the page can show."""
    step = -(-max(picture.pixels.shape[:2]) // _MOST_PIXELS)
    pixels = picture.pixels[::step, ::step]
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.shape[2] <= 2:
        pixels = pixels[..., (0, 0, 0, *range(1, pixels.shape[2]))]
    return pixels
