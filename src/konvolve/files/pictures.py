"""Pictures and kernels from files, for the `konvolve` command.

A picture keeps what the file says: 8 or 16 bits, grey or RGB, with or without alpha, and its ICC colour
profile. What can't be kept is refused with a `PictureError` of one line, which says what was wrong and what is
allowed. The decoding is in ``decode.py``, the writing in ``encode.py``.

An EXIF orientation is applied to the pixels on reading; no other metadata than the ICC profile is carried.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from konvolve.files.decoding import ALLOWED, decode
from konvolve.files.errors import PictureError

LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
_SAMPLE_TIMEOUT = 4.0  # seconds for SciPy's picture to come over the network


@dataclass(frozen=True)
class Picture:
    """A picture: `pixels` is (height, width, channels), uint8 or uint16.

    The channels are grey, grey and alpha, RGB, or RGBA.
    """

    pixels: np.ndarray
    name: str
    icc_profile: bytes | None = None
    remark: str = ""  # what was not taken of the file

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] in (2, 4)

    @property
    def colour(self) -> np.ndarray:
        """The channels without alpha, a view of shape (height, width, 1 or 3)."""
        return self.pixels[..., :-1] if self.has_alpha else self.pixels

    @property
    def full_range(self) -> int:
        """The value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    @property
    def description(self) -> str:
        """The size and the kind in words, such as "512 x 512 RGB 8-bit"."""
        height, width, channels = self.pixels.shape
        kind = ("grey", "grey+alpha", "RGB", "RGBA")[channels - 1]
        return f"{width} x {height} {kind} {self.pixels.dtype.itemsize * 8}-bit"

    def with_colour(self, values: np.ndarray) -> Picture:
        """The same picture with `values` for its colours, rounded, clipped; alpha is untouched."""
        pixels = self.pixels.copy()
        for channel in range(values.shape[2]):
            pixels[..., channel] = np.clip(np.rint(values[..., channel]), 0, self.full_range)
        return replace(self, pixels=pixels)


def read_picture(path: Path, max_pixels: int | None = None) -> Picture:
    """The picture in a file of a known format, upright; of at most `max_pixels` pixels, or Pillow's safe limit.

    Palettes become RGB or RGBA, one bit becomes 8-bit grey, a colour marked transparent becomes alpha. Raises
    `PictureError` for anything that can't be read whole and exactly: no file, a truncated or empty one, CMYK,
    floating-point pixels, more than one page (of a GIF or WebP the first frame is taken), too many pixels.
    """
    _check_kind(path)
    with _reading(path, ALLOWED):
        decoded = decode(path, max_pixels)
        return Picture(decoded.pixels, path.stem, decoded.icc_profile, decoded.remark)


def check_no_address(name: str) -> None:
    """Raise `PictureError` for an address, such as https://..., which is not fetched."""
    if re.match("[a-z][a-z0-9+.-]+://", name, re.IGNORECASE) and not os.path.exists(name):
        raise PictureError(f"{name}: an address, not a file; allowed: a file, so download it first")


def _check_kind(path: Path) -> None:
    """Raise `PictureError` for names that are no files of pictures, with what was meant where that can be told."""
    if path.suffix.lower() == ".npy" and path.exists():
        raise PictureError(
            f"{path}: holds a kernel, not a picture; allowed: konvolve filter PICTURE KERNEL, in this order"
        )


def sample_picture() -> Picture:
    """SciPy's raccoon face where it is cached or quickly fetched, else scikit-image's astronaut."""
    try:
        # A child process, because neither pooch nor a name server's silence can be given a deadline in this
        # one. It leaves the picture in pooch's cache, where the call below finds it without a network.
        script = "import scipy.datasets; scipy.datasets.face()"
        subprocess.run([sys.executable, "-P", "-c", script], timeout=_SAMPLE_TIMEOUT, check=True, capture_output=True)
        import scipy.datasets

        return Picture(scipy.datasets.face(), "face")
    except (OSError, subprocess.SubprocessError, ImportError, ValueError):
        import skimage.data

        return Picture(skimage.data.astronaut(), "astronaut")


def read_kernel(path: Path, max_pixels: int | None = None) -> np.ndarray:
    """The kernel in a .npy file, or the luminance (0 to 1) of a picture; float64, (rows, columns, 1 or more).

    Raises `PictureError` for a kernel that is not 2-D or 3-D, is empty, or whose values are not finite real
    numbers. Python objects in a .npy file are never unpickled.
    """
    if path.suffix.lower() in (".csv", ".txt", ".dat", ".mat"):
        how = "python -c \"import numpy; numpy.save('k.npy', numpy.loadtxt('k.csv', delimiter=','))\""
        raise PictureError(f"{path}: a kernel of text isn't read; allowed: .npy, which numbers become by {how}")
    if path.suffix.lower() != ".npy":
        picture = read_picture(path, max_pixels)
        if picture.has_alpha:
            raise PictureError(f"{path}: a kernel can't have alpha; allowed: a grey or RGB picture, or .npy")
        colour = picture.colour / picture.full_range
        return (colour @ np.array(LUMINANCE))[..., np.newaxis] if colour.shape[2] == 3 else colour
    allowed = "allowed: .npy of finite real numbers, 2-D, or 3-D with one layer per colour channel"
    with _reading(path, allowed), path.open("rb") as file:
        kernel = np.lib.format.read_array(file, allow_pickle=False)
    if kernel.dtype.kind not in "buif":
        raise PictureError(f"{path}: the kernel's values are {kernel.dtype}; {allowed}")
    if kernel.ndim not in (2, 3) or kernel.size == 0:
        raise PictureError(f"{path}: the kernel's shape is {kernel.shape}; {allowed}")
    kernel = kernel.astype(np.float64)
    if not np.isfinite(kernel).all():
        raise PictureError(f"{path}: the kernel holds NaN or infinity; {allowed}")
    return kernel if kernel.ndim == 3 else kernel[..., np.newaxis]


@contextmanager
def _reading(path: Path, allowed: str) -> Iterator[None]:
    """Turn whatever a decoder raises for the bytes of `path` into a `PictureError`."""
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name too long
        raise PictureError(f"{path}: can't be read: {getattr(error, 'strerror', error)}") from error
    if not there:
        raise PictureError(f"{path}: no such file")
    if not path.is_file():  # a named pipe would wait for ever
        raise PictureError(f"{path}: not a file but a {'directory' if path.is_dir() else 'device or pipe'}")
    try:
        yield
    except (PictureError, MemoryError, ImportError):
        raise
    except PermissionError as error:
        raise PictureError(f"{path}: no permission to read it") from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise PictureError(f"{path}: can't be read, damaged or cut short ({error}); {allowed}") from error
