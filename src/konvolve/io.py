"""Pictures and kernels, in and out of files, for the `konvolve` command.

A picture keeps what the file says: 8 or 16 bits, grey or RGB, with or without alpha, and its ICC colour
profile. What can't be kept is refused with a `PictureError` of one line, which says what was wrong and what is
allowed. The decoding is in ``decode.py``.

An EXIF orientation is applied to the pixels on reading; no other metadata than the ICC profile is carried.
"""

from __future__ import annotations

import os
import secrets
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from konvolve.decode import ALLOWED, PictureError, decode

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
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
        pixels[..., : values.shape[2]] = np.clip(np.rint(values), 0, self.full_range)
        return replace(self, pixels=pixels)


def read_picture(path: Path) -> Picture:
    """The picture in a PNG, JPEG or TIFF file, upright.

    Palettes become RGB or RGBA, one bit becomes 8-bit grey, a colour marked transparent becomes alpha. Raises
    `PictureError` for anything that can't be read whole and exactly: no file, a truncated or empty one, CMYK,
    floating-point pixels, more than one page, more pixels than Pillow's limit against decompression bombs.
    """
    with _reading(path, ALLOWED):
        pixels, icc_profile = decode(path)
        return Picture(pixels, path.stem, icc_profile)


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


def read_kernel(path: Path) -> np.ndarray:
    """The kernel in a .npy file, or the luminance (0 to 1) of a picture; float64, (rows, columns, 1 or more).

    Raises `PictureError` for a kernel that is not 2-D or 3-D, is empty, or whose values are not finite real
    numbers. Python objects in a .npy file are never unpickled.
    """
    if path.suffix.lower() != ".npy":
        picture = read_picture(path)
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


def check_output(path: Path, inputs: tuple[Path, ...]) -> None:
    """Raise `PictureError` unless `path` can be written, is of a known format, and is none of the inputs."""
    if path.suffix.lower() not in FORMATS:
        raise PictureError(f"{path}: unknown output format {path.suffix!r}; allowed: {', '.join(FORMATS)}")
    for source in inputs:
        # samefile sees through links; the comparison of names is for an input that is not there.
        if path == source or (path.exists() and source.exists() and path.samefile(source)):
            raise PictureError(f"{path}: the output is the input {source}; allowed: any other name")
    if path.is_dir():
        raise PictureError(f"{path}: the output is a directory; allowed: a file name")
    with _writing(path), replacing(path, keep=False) as temporary:
        temporary.touch(exist_ok=True)


def check_holds(path: Path, picture: Picture) -> None:
    """Raise `PictureError` if the format of `path` can't hold the picture's alpha or bit depth."""
    if FORMATS[path.suffix.lower()] == "JPEG" and (picture.has_alpha or picture.full_range > 255):
        raise PictureError(f"{path}: JPEG can't hold {picture.description} (no alpha, no 16 bits); allowed: .png, .tif")


def write_picture(path: Path, picture: Picture) -> None:
    """Write the picture in the format of its suffix, whole or not at all; an existing file is replaced."""
    pixels, icc_profile = picture.pixels, picture.icc_profile
    channels, kind = pixels.shape[2], FORMATS[path.suffix.lower()]
    check_holds(path, picture)
    with _writing(path), replacing(path) as temporary:
        if kind == "TIFF":
            import tifffile

            tifffile.imwrite(
                temporary,
                pixels if channels > 1 else pixels[..., 0],
                photometric="rgb" if channels > 2 else "minisblack",
                planarconfig="contig" if channels > 1 else None,
                extrasamples=("unassalpha",) if picture.has_alpha else None,
                compression="zlib",
                predictor=True,
                iccprofile=icc_profile,
                metadata=None,
            )
        elif pixels.dtype == np.uint16 and channels > 1:
            temporary.write_bytes(_encode_png16(pixels, icc_profile))
        else:
            from PIL import Image

            # Level 6 takes 0.1 s a megapixel, and blurred pictures come out a third smaller than at level 3.
            options = {"PNG": {"compress_level": 6}, "JPEG": {"quality": 95, "subsampling": 0}}[kind]
            image = Image.fromarray(pixels if channels > 1 else pixels[..., 0])
            image.save(temporary, format=kind, icc_profile=icc_profile, **options)


@contextmanager
def replacing(path: Path, keep: bool = True) -> Iterator[Path]:
    """A new temporary name beside `path`, renamed to `path` at the end, removed on an error or Ctrl-C.

    With `keep` false it is removed in any case.
    """
    temporary = path.with_name(f".konvolve-{secrets.token_hex(8)}.part")
    try:
        yield temporary
        if keep:
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write `path` into a `PictureError`."""
    try:
        yield
    except OSError as error:
        reason = f"can't write in {path.parent}: {error.strerror or error}"
        raise PictureError(f"{path}: {reason}; allowed: a folder that is there and writable") from error


@contextmanager
def _reading(path: Path, allowed: str) -> Iterator[None]:
    """Turn whatever a decoder raises for the bytes of `path` into a `PictureError`."""
    if not path.exists():
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


def _encode_png16(pixels: np.ndarray, icc_profile: bytes | None) -> bytes:
    """A PNG of 16-bit grey+alpha, RGB or RGBA, which Pillow can't write (PNG specification, 3rd edition)."""
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1)
    filtered = np.full((height, rows.shape[1] + 1), 2, np.uint8)  # filter 2, "up": the difference, modulo 256
    filtered[0, 1:] = rows[0]
    filtered[1:, 1:] = rows[1:] - rows[:-1]

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    profile = chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)) if icc_profile else b""
    body = chunk(b"IDAT", zlib.compress(filtered.tobytes(), 6))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + profile + body + chunk(b"IEND", b"")
