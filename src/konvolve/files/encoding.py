"""Pictures into files: PNG, JPEG, TIFF, WebP and BMP, each written beside its name and then renamed.

PNG is written here, since Pillow knows no 16-bit colour and takes a second for ten megapixels; tifffile writes TIFF,
Pillow the others.
"""

from __future__ import annotations

import os
import secrets
import stat
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from konvolve.files.errors import PictureError

if TYPE_CHECKING:
    from konvolve.files.pictures import Picture

FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP", ".bmp": "BMP",
}  # fmt: skip
_DEEP = ("PNG", "TIFF")  # hold 16 bits
_TRANSPARENT = ("PNG", "TIFF", "WEBP")  # hold alpha
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "exact": True},  # exact: colours under full transparency stay
    "BMP": {},
}
_WEBP_SIDE = 16383  # pixels; the format has 14 bits for each side
_JPEG_SIDE = 65535
# Rows are compressed in pieces of this many bytes, several at a time. Beyond the second number the quickest level is
# taken: on noisy pictures of 24 megapixels it takes a seventh of level 6's time and makes files a third larger.
_PIECE, _LARGE = 2**20, 30_000_000


def check_holds(path: Path, picture: Picture) -> None:
    """Raise `PictureError` if the format of `path` can't hold the picture's alpha, bit depth or size."""
    kind = FORMATS[path.suffix.lower()]
    if picture.full_range > 255 and kind not in _DEEP:
        raise PictureError(f"{path}: {kind} can't hold {picture.description} (no 16 bits); allowed: .png, .tif")
    if picture.has_alpha and kind not in _TRANSPARENT:
        raise PictureError(f"{path}: {kind} can't hold {picture.description} (no alpha); allowed: .png, .tif, .webp")
    most = {"WEBP": _WEBP_SIDE, "JPEG": _JPEG_SIDE}.get(kind)
    if most is not None and max(picture.pixels.shape[:2]) > most:
        raise PictureError(f"{path}: {kind} holds at most {most} pixels along a side; allowed: .png, .tif")


def check_writable(path: Path) -> None:
    """Raise `PictureError` unless `path` is a new name or a file that may be replaced, in a folder that takes files."""
    with writing(path):
        try:
            kind = os.stat(path).st_mode
        except FileNotFoundError:
            kind = None
        if kind is not None and not stat.S_ISREG(kind):
            what = "directory" if stat.S_ISDIR(kind) else "device or pipe"
            raise PictureError(f"{path}: the output is a {what}; allowed: a file name")
        if kind is not None and not os.access(path, os.W_OK):
            raise PictureError(f"{path}: no permission to replace it; allowed: another name")
        with replacing(path, keep=False) as temporary:
            temporary.touch(exist_ok=True)


def write_picture(path: Path, picture: Picture) -> None:
    """Write the picture in the format of its suffix, whole or not at all; an existing file is replaced."""
    pixels, icc_profile = picture.pixels, picture.icc_profile
    channels, kind = pixels.shape[2], FORMATS[path.suffix.lower()]
    check_holds(path, picture)
    with writing(path), replacing(path) as temporary:
        if kind == "PNG":
            _write_png(temporary, pixels, icc_profile)
        elif kind == "TIFF":
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
        else:
            from PIL import Image

            image: Any = Image.fromarray(pixels if channels > 1 else pixels[..., 0])
            if image.mode == "LA":  # of the formats left only WebP comes here, which knows no grey
                image = image.convert("RGBA")
            image.save(temporary, format=kind, icc_profile=icc_profile, **_OPTIONS[kind])


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
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write `path` into a `PictureError`."""
    try:
        yield
    except OSError as error:
        reason = f"can't write in {path.parent}: {error.strerror or error}"
        raise PictureError(f"{path}: {reason}; allowed: a folder that is there and writable") from error


def _write_png(path: Path, pixels: np.ndarray, icc_profile: bytes | None) -> None:
    """Write a PNG of 8 or 16 bits, grey or RGB, with or without alpha (PNG specification, 3rd edition)."""
    height, width, channels = pixels.shape
    depth = pixels.dtype.itemsize
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    level = 6 if pixels.nbytes <= _LARGE else 1
    profile = [(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile))] if icc_profile else []
    with path.open("wb") as file:

        def chunk(name: bytes, data: bytes) -> None:
            file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))

        file.write(b"\x89PNG\r\n\x1a\n")
        for each in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * depth, kind, 0, 0, 0)), *profile):
            chunk(*each)
        chunk(b"IDAT", b"\x78\x01")  # the head of the stream that all IDAT chunks make together
        checksum, rows = 1, max(1, _PIECE // (width * channels * depth))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for piece, data in threads.map(
                lambda first: _deflated(pixels, first, min(first + rows, height), level), range(0, height, rows)
            ):
                checksum = zlib.adler32(piece, checksum)
                chunk(b"IDAT", data)
        chunk(b"IDAT", b"\x03\x00" + struct.pack(">I", checksum))  # an empty last block
        chunk(b"IEND", b"")


def _deflated(pixels: np.ndarray, first: int, stop: int, level: int) -> tuple[memoryview, bytes]:
    """Some rows, each as its difference from the one above (filter 2, modulo 256), and their compressed bytes."""

    def as_bytes(start: int) -> np.ndarray:
        rows = np.ascontiguousarray(pixels[start:stop])
        return (rows.astype(">u2") if rows.itemsize == 2 else rows).view(np.uint8).reshape(stop - start, -1)

    rows = as_bytes(max(first - 1, 0))
    here = rows if first == 0 else rows[1:]
    filtered = np.empty((stop - first, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2
    if first == 0:
        filtered[0, 1:] = here[0]
        np.subtract(here[1:], here[:-1], out=filtered[1:, 1:])
    else:
        np.subtract(here, rows[:-1], out=filtered[:, 1:])
    deflate = zlib.compressobj(level, wbits=-15)
    return filtered.data, deflate.compress(filtered.data) + deflate.flush(zlib.Z_SYNC_FLUSH)
