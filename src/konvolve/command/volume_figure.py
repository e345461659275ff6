"""The figure beside a filtered array: a slice before and after, and the kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from konvolve.files.encoding import replacing
from konvolve.files.volumes import Volume

_MOST = 800  # samples along a side of a panel, which is drawn with fewer
_DPI = 120


def write_figure(path: Path, before: Volume, after: Volume, kernel: np.ndarray, title: str) -> None:
    """Write a PNG of three panels: the middle slice of the last two axes before and after, and of the kernel."""
    from matplotlib.figure import Figure  # without pyplot, which holds global state and picks a screen

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    axes = figure.subplots(1, 3)
    for panel, name, x in zip(axes, ("before", "after"), (before, after), strict=False):
        samples = middle(x)
        low, high = np.percentile(samples[np.isfinite(samples)] if np.isfinite(samples).any() else [0, 1], [0.5, 99.5])
        if low == high:  # few samples differ from the others, which are what there is to see
            low, high = np.nanmin(samples), np.nanmax(samples)
        drawn = _draw(panel, samples, x.shape, low, high)
        if drawn is not None:
            figure.colorbar(drawn, ax=panel, shrink=0.85)
        place = ", ".join(str(n // 2) for n in x.shape[:-2])
        panel.set_title(f"{name} [{place}, :, :]" if place else name)
    taps = np.real(kernel[tuple(n // 2 for n in kernel.shape[:-2])]) if kernel.ndim > 2 else np.real(kernel)
    most = float(np.abs(taps).max()) or 1.0
    signed = taps.min() < 0
    shown = _draw(axes[2], taps, taps.shape, -most if signed else 0, most, "RdBu_r" if signed else "viridis")
    axes[2].set_title("kernel")
    axes[2].locator_params(integer=True)
    if shown is not None:
        figure.colorbar(shown, ax=axes[2], shrink=0.85)
    figure.suptitle(title, parse_math=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DPI)


def middle(x: Volume) -> np.ndarray:
    """Return the slice in the middle, real and thinned to what a panel shows."""
    lead = tuple(slice(n // 2, n // 2 + 1) for n in x.shape[:-2])
    rest = tuple(slice(0, n) for n in x.shape[-2:])
    if np.prod(x.shape[-2:]) > 2**24:  # a part of it in the middle: all of it would be read
        rest = tuple(slice(max(0, n // 2 - _MOST), min(n, n // 2 + _MOST)) for n in x.shape[-2:])
    found = x[lead + rest].reshape([part.stop - part.start for part in rest])
    found = np.abs(found) if found.dtype.kind == "c" else found.astype(np.float64)
    return found[tuple(slice(None, None, -(-n // _MOST)) for n in found.shape)]


def _draw(
    panel: Any, samples: np.ndarray, shape: tuple[int, ...], low: float, high: float, colours: str = "gray"
) -> Any:  # fmt: skip
    """Draw a slice as a picture, or a line where there is one axis."""
    if samples.ndim == 1 or 1 in samples.shape[-2:]:
        line = samples.ravel()
        panel.plot(np.linspace(0, max(shape), len(line)), line, linewidth=0.8)
        return None
    extent = (0, samples.shape[1], samples.shape[0], 0)
    return panel.imshow(samples, cmap=colours, vmin=low, vmax=high, extent=extent, interpolation="nearest")
