"""The figure beside a sound: its wave and its spectrogram, dry and wet, gathered while it goes by."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.files.encoding import replacing

_COLUMNS = 600
_WINDOW = 2048
_RANGE = 90.0  # dB below the loudest that a spectrogram shows


class Sketch:
    """The extremes and the spectra of a sound at so many places, of however many frames."""

    def __init__(self, frames: int, rate: int) -> None:
        self.seconds = frames / rate
        self.rate = rate
        self._width = max(1, -(-frames // _COLUMNS))
        self._columns = max(1, -(-frames // self._width))
        self.low, self.high = np.zeros(self._columns), np.zeros(self._columns)
        self.power = np.zeros((self._columns, _WINDOW // 2 + 1))
        self._at, self._last = 0, np.zeros(_WINDOW)

    def add(self, block: np.ndarray) -> None:
        """Take in frames, (frames, channels)."""
        mono = block.mean(1, dtype=np.float64)
        for start in range(self._at // self._width * self._width, self._at + len(mono), self._width):
            inside = mono[max(0, start - self._at) : start - self._at + self._width]
            column = start // self._width
            if len(inside) and column < self._columns:
                self.low[column] = min(self.low[column], inside.min())
                self.high[column] = max(self.high[column], inside.max())
        heard = np.concatenate([self._last, mono])
        for column in range(-(-self._at // self._width), (self._at + len(mono)) // self._width + 1):
            end = column * self._width - self._at + _WINDOW
            if column < self._columns and _WINDOW <= end <= len(heard):
                windowed = heard[end - _WINDOW : end] * np.hanning(_WINDOW)
                self.power[column] = np.abs(np.fft.rfft(windowed)) ** 2
        self._last, self._at = heard[-_WINDOW:], self._at + len(mono)


def write_figure(path: Path, sketches: Sequence[Sketch], title: str) -> None:
    """Write a PNG: waves above, spectrograms below, the dry sound on the left and the wet one on the right."""
    from matplotlib.figure import Figure  # without pyplot, which holds global state and picks a screen

    figure = Figure(figsize=(11, 5.6), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(1, 1.6))
    loudest = max(float(sketch.power.max()) for sketch in sketches) or 1.0
    image: Any = None
    for place, (sketch, name) in enumerate(zip(sketches, ("dry", "wet"), strict=True)):
        wave, spectrum = grid[0][place], grid[1][place]
        at = (np.arange(len(sketch.low)) + 0.5) * sketch.seconds / len(sketch.low)
        wave.fill_between(at, sketch.low, sketch.high, linewidth=0, step="mid")
        wave.set_title(name)
        level = 10 * np.log10(np.maximum(sketch.power.T / loudest, 1e-20))
        image = spectrum.imshow(
            level, origin="lower", aspect="auto", extent=(0, sketch.seconds, 0, sketch.rate / 2000), vmin=-_RANGE,
            vmax=0, cmap="magma", interpolation="nearest",
        )  # fmt: skip
        spectrum.set_xlabel("seconds")
    grid[0][0].set_ylabel("amplitude")
    grid[1][0].set_ylabel("kHz")
    figure.colorbar(image, ax=grid[1], label="dB, 0 is the loudest")
    figure.suptitle(title, parse_math=False)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter of the sound's name that the font has not
        figure.savefig(temporary, format="png", dpi=110)
