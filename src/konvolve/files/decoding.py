"""The bytes of pictures as pixels: tifffile reads TIFF, Pillow what else there is.

Pillow alone has no 16-bit colour. What can't be read exactly is refused with a `PictureError` of one line, which
says what was wrong and what is allowed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from konvolve.files.errors import PictureError

ALLOWED = "allowed: PNG, JPEG, TIFF, WebP, BMP, GIF and AVIF; grey or RGB, with or without alpha; 8 or 16 bits"
READ = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif")
_PILLOW = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF")
_WAYS_OUT = {
    "CMYK": 'convert it to RGB first, as with: python -c "from PIL import Image; '
    "Image.open('in.jpg').convert('RGB').save('out.png')\"",
    "float": "convert it to 16 bits first, as with: python -c \"import tifffile; a = tifffile.imread('in.tif'); "
    "tifffile.imwrite('out.tif', ((a - a.min()) / (a.max() - a.min()) * 65535).astype('uint16'))\"",
}
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Decoded(NamedTuple):
    """What is taken of a file."""

    pixels: np.ndarray
    icc_profile: bytes | None
    orientation: int  # as EXIF counts
    remark: str = ""  # what is not taken of it


@contextmanager
def _at_most(max_pixels: int | None) -> Iterator[None]:
    """Another limit than Pillow's own against files that unpack to more than memory holds."""
    from PIL import Image

    usual = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = usual if max_pixels is None else max_pixels
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _too_many(path: Path, width: int, height: int) -> PictureError:
    from PIL import Image

    count = width * height
    return PictureError(
        f"{path}: {width} x {height} (width x height) are {count} pixels; allowed: {Image.MAX_IMAGE_PIXELS}, or more "
        f"by --max-pixels {count}"
    )


def decode(path: Path, max_pixels: int | None = None) -> Decoded:
    """The pixels (height, width, channels) of a file, upright, its ICC profile, and what is not taken."""
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        raise PictureError(f"{path}: the file is empty; {ALLOWED}")
    with _at_most(max_pixels):
        decoded = (_read_tiff if magic in _TIFF_MAGIC else _read_pillow)(path)
    pixels = decoded.pixels
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.size == 0:
        raise PictureError(f"{path}: the picture has no pixels")
    return decoded._replace(pixels=np.ascontiguousarray(_upright(pixels, decoded.orientation)))


def _read_pillow(path: Path, formats: tuple[str, ...] = _PILLOW) -> Decoded:
    """The pixels, ICC profile and EXIF orientation of a file, read by Pillow."""
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow also warns of odd metadata, which we don't carry over
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(path, formats=formats)
        except UnidentifiedImageError as error:
            raise PictureError(f"{path}: not a picture of a known format; {ALLOWED}") from error
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise _too_many(path, *_size(path, formats)) from error
        with image:
            # The JPEG of a phone may carry more frames (depth, brightness): the first is the picture.
            frames = 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)
            remark = f"the first of {frames} frames" if frames > 1 else ""
            pixels = _read_png16(path, image) if image.format == "PNG" else None
            if pixels is None:
                pixels = np.asarray(_plain_mode(path, image))
            # libavif has turned the pixels already.
            orientation = 1 if image.format == "AVIF" else image.getexif().get(0x0112, 1)
            return Decoded(pixels, image.info.get("icc_profile"), orientation, remark)


def _size(path: Path, formats: tuple[str, ...]) -> tuple[int, int]:
    """The width and height of a file that Pillow finds too large to open."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path, formats=formats) as image:
            return image.size
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _plain_mode(path: Path, image: Any) -> Any:
    """The Pillow image in mode L, LA, RGB, RGBA, RGBX or I;16, without loss, or a `PictureError`."""
    transparent = "transparency" in image.info
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if transparent or image.mode == "PA" else "RGB")
    if transparent and image.mode in ("1", "L", "RGB"):
        return image.convert("RGBA" if image.mode == "RGB" else "LA")
    plain = {"1": "L", "YCbCr": "RGB", "RGBa": "RGBA", "La": "LA"}.get(image.mode, image.mode)
    if plain not in ("L", "LA", "RGB", "RGBA", "RGBX", "I;16"):
        raise PictureError(f"{path}: pixels of kind {image.mode}; {_way_out(image.mode)}")
    return image if plain == image.mode else image.convert(plain)


def _way_out(kind: str) -> str:
    return _WAYS_OUT.get("float" if kind.startswith("F") or "float" in kind else kind, ALLOWED)


def _read_png16(path: Path, image: Any) -> np.ndarray | None:
    """All 16 bits of a PNG, or None for one of fewer bits.

    Pillow has no 16-bit colour and keeps the high bytes. But its unpackers can be named: ";16B" takes the
    first byte of each pair and ";16L" the second, so that two readings give all bits; a pair of 16-bit
    samples is laid out as four of 8 bits.
    """
    from PIL import Image

    def decoded(rawmode: str) -> np.ndarray:
        again: Any
        with Image.open(path, formats=("PNG",)) as again:
            again.tile = [(*again.tile[0][:3], rawmode)]
            return np.asarray(again)

    rawmode = image.tile[0][3]
    if not rawmode.endswith(";16B"):
        return None
    if "transparency" in image.info:
        raise PictureError(f"{path}: 16 bits with a transparent colour; allowed: 16 bits with alpha")
    if rawmode == "I;16B":
        return np.asarray(image).astype(np.uint16)
    if rawmode == "LA;16B":
        return decoded("RGBA").view(">u2").astype(np.uint16)
    low = decoded(rawmode.replace(";16B", ";16L"))
    return (np.asarray(image).astype(np.uint16) << 8) | low


def _read_tiff(path: Path) -> Decoded:
    """The pixels, ICC profile and orientation of a TIFF of one page."""
    import tifffile
    from PIL import Image

    with tifffile.TiffFile(path) as file:
        full = (page for page in file.pages if isinstance(page, tifffile.TiffPage))
        pages = [page for page in full if not page.is_reduced]  # thumbnails do not count
        if len(pages) != 1:
            raise PictureError(f"{path}: holds {len(pages)} pages; allowed: a TIFF of one page")
        page = pages[0]
        if Image.MAX_IMAGE_PIXELS and page.imagewidth * page.imagelength > Image.MAX_IMAGE_PIXELS:
            raise _too_many(path, page.imagewidth, page.imagelength)
        grey = page.photometric in (0, 1)  # white is zero, black is zero
        samples, extra = page.samplesperpixel, tuple(page.extrasamples)
        ours = (
            page.dtype in (np.uint8, np.uint16)
            and page.bitspersample == page.dtype.itemsize * 8
            and (grey or page.photometric == 2)
            and samples - (1 if grey else 3) in (0, 1)
            and extra in ((), (0,), (2,))  # not specified, or alpha that is not multiplied in
            and page.imagedepth == 1
            and page.compression not in (6, 7)  # JPEG inside TIFF
        )
        reason = f"{samples} sample{'s' * (samples != 1)} of {page.bitspersample} bits, {page.dtype}"
        reason += ", alpha multiplied in" if 1 in extra else ""
        if ours:
            try:
                pixels = page.asarray()
            except (ValueError, ImportError) as error:
                # tifffile needs imagecodecs for LZW and others; Pillow has some of them in its libtiff.
                if isinstance(error, ValueError) and "imagecodecs" not in str(error):
                    raise
                name = tifffile.COMPRESSION(page.compression).name
                reason += f" compressed with {name}, for which pip install imagecodecs"
            else:
                if pixels.ndim == 3 and page.planarconfig == 2:
                    pixels = np.moveaxis(pixels, 0, -1)
                if page.photometric == 0:
                    colour = pixels[..., :1] if pixels.ndim == 3 else pixels
                    colour[...] = np.iinfo(pixels.dtype).max - colour
                return Decoded(pixels, page.tags.valueof(34675), int(page.tags.valueof(274, 1)))
        # What else Pillow reads right: 8 bits, and 16 bits of plain grey.
        most = 16 if samples == 1 and page.photometric == 1 else 8
        if page.bitspersample > most or page.index != 0 or page.imagedepth != 1:
            kind = "CMYK" if page.photometric == 5 else str(page.dtype)
            raise PictureError(f"{path}: {reason}; {_way_out(kind)}")
    return _read_pillow(path, ("TIFF",))


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels turned as the EXIF (and TIFF) orientation 1 to 8 says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
