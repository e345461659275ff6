"""The figure beside a convolved picture: before, after, a crop of both, and the kernel."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.files.encoding import replacing
from konvolve.files.pictures import Picture

_MOST_PIXELS = 1200  # along a side of a panel, which is drawn with fewer
_DPI = 120
_CROP = 228  # pixels of the picture, along a side, that are drawn as pixels of the figure
# Inches: between panels, above them (title) and below, right of the last (the numbers of its bar).
_GAP, _ABOVE, _BELOW, _RIGHT = 0.25, 0.8, 0.2, 0.7


def write_figure(path: Path, before: Picture, after: Picture, kernel: np.ndarray, title: str) -> None:
    """Write a PNG: the picture before and after, a crop of both pixel by pixel, and the kernel with its scale.

    The kernel is drawn on the picture too, as large as it is there. `kernel` is (rows, columns, 1 or the picture's
    channels); of several layers the mean is shown. An existing file is replaced; nothing is left behind on failure.
    """
    from matplotlib.figure import Figure  # without pyplot, which holds global state and picks a screen

    height, width = before.pixels.shape[:2]
    side = _CROP / _DPI
    tall = 2 * side + 0.4  # of all panels, in inches: two crops and the upper one's title
    wide = float(np.clip(tall * width / height, 1.8, 7.0))
    rows, columns = kernel.shape[:2]
    wide_kernel = float(np.clip(tall * columns / rows, 1.2, tall))
    size = (5 * _GAP + 2 * wide + side + wide_kernel + _RIGHT, _ABOVE + tall + _BELOW)
    figure = Figure(figsize=size)

    def panel(left: float, bottom: float, across: float, up: float) -> Any:
        place = (left / size[0], (_BELOW + bottom) / size[1], across / size[0], up / size[1])
        axes = figure.add_axes(place)
        axes.set_axis_off()
        return axes

    crop = _crop(height, width)
    crops = 3 * _GAP + 2 * wide
    for index, (picture, name) in enumerate(((before, "before"), (after, "after"))):
        axes = panel(_GAP + index * (wide + _GAP), 0, wide, tall)
        axes.imshow(_shown(picture), extent=(0, width, height, 0))
        axes.set_title(name)
        _frame(axes, crop[1].start, crop[0].start, crop[1].stop - crop[1].start, crop[0].stop - crop[0].start)
        if not index and rows < height and columns < width:
            axes.imshow(kernel.mean(axis=2), extent=(0, columns, height, height - rows), cmap="magma", zorder=3)
            _frame(axes, 0, height - rows, columns, rows)
            axes.text(columns + 0.01 * width, height - 0.01 * height, "kernel", color="white", fontsize="small")
            axes.set(xlim=(0, width), ylim=(height, 0))
        inner = panel(crops, (1 - index) * (side + 0.4), side, side)
        inner.imshow(_eight_bits(picture.pixels[crop]), interpolation="nearest")
        inner.set_title(f"{name}, pixel by pixel", fontsize="medium")
    left = crops + side + _GAP
    bar = figure.add_axes(((left + wide_kernel + 0.12) / size[0], _BELOW / size[1], 0.14 / size[0], tall / size[1]))
    _draw_kernel(figure, panel(left, 0, wide_kernel, tall), bar, kernel.mean(axis=2))
    figure.suptitle(title, y=1 - 0.12 / size[1], va="top", fontsize="x-large", parse_math=False)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter of the picture's name that the font has not
        figure.savefig(temporary, format="png", dpi=_DPI)


def _crop(height: int, width: int) -> tuple[slice, slice]:
    """Of a picture's rows and columns those in the middle, as many as are drawn pixel by pixel."""
    sides = [(max(0, (n - _CROP) // 2), min(n, (n + _CROP) // 2)) for n in (height, width)]
    return slice(*sides[0]), slice(*sides[1])


def _frame(axes: Any, left: float, top: float, across: float, down: float) -> None:
    """A white frame with a dark edge, to be seen on any picture."""
    from matplotlib.patches import Rectangle

    for colour, thick in (("black", 2.0), ("white", 1.0)):
        axes.add_patch(Rectangle((left, top), across, down, fill=False, edgecolor=colour, linewidth=thick, zorder=4))


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
    axes.set_title(f"kernel, {rows} x {columns}, sum {kernel.sum():.4g}")
    bar = figure.colorbar(drawn, cax=bar_axes)
    bar.formatter.set_powerlimits((-2, 3))


def _shown(picture: Picture) -> np.ndarray:
    """A picture, thinned to no more pixels than the page can show."""
    step = -(-max(picture.pixels.shape[:2]) // _MOST_PIXELS)
    return _eight_bits(picture.pixels[::step, ::step])


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """8-bit RGB or RGBA of a picture's pixels."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.shape[2] <= 2:
        pixels = pixels[..., (0, 0, 0, *range(1, pixels.shape[2]))]
    return pixels
