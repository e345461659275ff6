"""What `konvolve blur` and `konvolve filter` do: read a picture, convolve it, check, write and draw it, and say so."""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import konvolve
from konvolve import figures, io
from konvolve.io import Picture, PictureError
from konvolve.terminal import complain, duration, hushed, progress

BACKENDS = ("tensorflow", "numpy")
LARGEST_SIZE = 10_000  # a kernel of 0.8 GB in float64; no picture we read is so wide and so high


@dataclass(frozen=True)
class Job:
    """What `blur` and `filter` have in common: everything but the kernel."""

    picture: Path | None
    output: Path | None
    verb: str
    backend: str | None
    explain: bool
    quiet: bool
    kernel: Path | None = None

    def run(self, make_kernel: Callable[[], np.ndarray]) -> int:
        """Read, convolve, check, write, draw, and say so; the exit code."""
        started = time.perf_counter()
        with progress(self.quiet) as step:
            step("reading")
            name = _backend_name(self.backend)
            kernel = make_kernel()
            before = io.read_picture(self.picture) if self.picture else io.sample_picture()
            if kernel.shape[2] not in (1, before.colour.shape[2]):
                raise PictureError(
                    f"the kernel has {kernel.shape[2]} layers, the picture is {before.description}; "
                    f"allowed: 1 or {before.colour.shape[2]} layers"
                )
            output = self.output or self._default_output(before)
            drawing = output.with_name(f"{output.stem}-figure.png")
            inputs = tuple(path for path in (self.picture, self.kernel) if path)
            io.check_output(output, inputs)
            io.check_output(drawing, (*inputs, output))
            io.check_holds(output, before)
            done = _convolved(before, kernel, name, step)
            after = before.with_colour(done.values)
            step("writing")
            io.write_picture(output, after)
            files, code = f"{output} and {drawing}", 0
            how = f"{done.method} on {done.backend}"
            sizes = f"{before.description}  |  kernel {kernel.shape[1]} x {kernel.shape[0]}"
            title = f"{before.name[:40]}, {sizes}  |  {how}  |  {duration(done.seconds)}"
            try:
                step("drawing")
                figures.write_figure(drawing, before, after, kernel, title)
            except Exception as error:  # whatever Matplotlib or the disk has, the picture itself is written
                complain(f"the figure {drawing} was not written: {error}")
                files, code = str(output), 1
        if self.explain:
            print(done.plan)
        if not self.quiet:
            clipped = f"; {done.clipped:.2%} of values clipped" if done.clipped else ""
            print(
                f"{files}: convolved in {duration(done.seconds)} ({how}, second of two runs), "
                f"{duration(time.perf_counter() - started)} in all; largest difference from SciPy "
                f"{done.difference:.2g} of {before.full_range} grey levels "
                f"({done.difference / before.full_range:.1e} of full range){clipped}"
            )
        return code

    def _default_output(self, picture: Picture) -> Path:
        """In the current directory, in the format of the picture's file if that can hold the picture."""
        suffix = self.picture.suffix if self.picture else ".png"
        output = Path(f"{picture.name}-{self.verb}{suffix}")
        try:
            if suffix.lower() in io.FORMATS:
                io.check_holds(output, picture)
                return output
        except PictureError:
            pass  # its name says JPEG, its content is more
        return output.with_suffix(".png")


@dataclass(frozen=True)
class _Done:
    """A finished convolution; `difference` is in grey levels, `clipped` a share of the values."""

    values: np.ndarray
    backend: str
    method: str
    plan: str
    seconds: float
    difference: float
    clipped: float


def _convolved(picture: Picture, kernel: np.ndarray, backend: str, step: Callable[[str], Any]) -> _Done:
    """Convolve the colours of a picture, timed, and compared with SciPy channel by channel."""
    # float32 has 24 bits: plenty for 8-bit pixels, too near the rounding of 16-bit ones.
    dtype = "float32" if picture.full_range == 255 else "float64"
    with np.errstate(over="ignore"):
        largest = np.abs(kernel).sum() * picture.full_range * picture.pixels.size  # of all sums in an FFT
    if not largest < np.finfo(dtype).max:
        raise PictureError(f"the kernel's values are too large for {dtype}; allowed: smaller ones")
    image, weights = picture.colour.astype(dtype), kernel.astype(dtype)
    plan = konvolve.plan(
        image.shape, weights.shape, function="fftconvolve", mode="same", axes=(0, 1), dtype=dtype, library=backend
    )
    arrays: tuple[Any, Any] = (image, weights)
    if backend == "tensorflow":
        step("starting TensorFlow")
        tf = _tensorflow()
        arrays = (tf.constant(image), tf.constant(weights))
    step("convolving")
    np.asarray(konvolve.fftconvolve(*arrays, mode="same", axes=(0, 1)))  # first use of the device, of its FFT
    started = time.perf_counter()
    values = np.asarray(konvolve.fftconvolve(*arrays, mode="same", axes=(0, 1)))
    seconds = time.perf_counter() - started
    step("comparing with SciPy")
    import scipy.fft
    from scipy.signal import fftconvolve

    difference = 0.0
    for channel in range(values.shape[2]):  # one at a time: float64 of a large picture fills the memory
        layer = kernel[..., min(channel, kernel.shape[2] - 1)]
        with scipy.fft.set_workers(os.cpu_count() or 1):
            expected = fftconvolve(picture.colour[..., channel].astype(np.float64), layer, mode="same")
        difference = max(difference, float(np.abs(values[..., channel] - expected).max()))
    clipped = float(np.mean((values < -0.5) | (values > picture.full_range + 0.5)))
    return _Done(values, backend, plan.method, str(plan), seconds, difference, clipped)


def gaussian_kernel(sigma: float, size: int) -> np.ndarray:
    """The normalised kernel of `blur`, (size, size, 1), or a `PictureError` for a wrong option."""
    if not 0 < sigma < float("inf"):
        raise PictureError(f"--sigma {sigma:g}: allowed: a finite number above 0")
    if not 1 <= size <= LARGEST_SIZE:
        raise PictureError(f"--size {size}: allowed: 1 to {LARGEST_SIZE}")
    from scipy.signal.windows import gaussian

    with np.errstate(over="ignore"):
        line = gaussian(size, sigma)
    if line.sum() == 0:  # of an even size no pixel is at the centre
        raise PictureError(f"--sigma {sigma:g}: all {size} weights vanish; allowed: larger, or an odd --size")
    line /= line.sum()
    return np.outer(line, line)[..., np.newaxis]


def kernel_from(path: Path, normalize: bool | None) -> np.ndarray:
    """The kernel of `filter`, normalised if asked for, or if it is a picture and nothing was asked for."""
    kernel = io.read_kernel(path)
    if path.suffix.lower() != ".npy" if normalize is None else normalize:
        sums = kernel.sum(axis=(0, 1))
        if (np.abs(sums) <= 1e-9 * np.abs(kernel).sum(axis=(0, 1))).any():
            raise PictureError(f"{path}: the kernel's sum is 0, nothing to normalise; allowed: --no-normalize")
        kernel = kernel / sums
    return kernel


def _backend_name(name: str | None) -> str:
    """The backend asked for, or the best there is; `PictureError` if it is unknown or not installed."""
    if name not in (None, *BACKENDS):
        raise PictureError(f"--backend {name}: unknown; allowed: {' or '.join(BACKENDS)}")
    installed = importlib.util.find_spec("tensorflow") is not None
    if name == "tensorflow" and not installed:
        raise PictureError('--backend tensorflow: not installed; allowed: numpy, or pip install "konvolve[tensorflow]"')
    return name or ("tensorflow" if installed else "numpy")


def _tensorflow() -> Any:
    """TensorFlow, without its chatter; `PictureError` if the installed one is broken."""
    try:
        with hushed("TF_CPP_MIN_LOG_LEVEL", "3"):
            return importlib.import_module("tensorflow")
    except Exception as error:
        raise PictureError(f"TensorFlow is installed but broken: {error}; allowed: --backend numpy") from error
