"""Pictures and kernels in files: what is read is exact, what can't be is refused, nothing is left behind."""

import os
import struct
import zlib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="the [cli] extra is not installed")
features = pytest.importorskip("PIL.features")
tifffile = pytest.importorskip("tifffile", reason="the [cli] extra is not installed")

from konvolve.command import outputs
from konvolve.command.mistake import Mistake
from konvolve.files import encoding, pictures
from konvolve.files.encoding import write_picture
from konvolve.files.pictures import Picture, PictureError, read_kernel, read_picture

CHANNELS = [1, 2, 3, 4]
ICC = b"any bytes serve as a profile here" * 4


def noise(channels, dtype=np.uint8, shape=(20, 30)):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (*shape, channels), dtype, endpoint=True)


def png(path, pixels, bits, colour_type, *chunks):
    """A PNG written plainly: no filter, one IDAT, extra chunks in front of it; `pixels` are rows of bytes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    data = b"".join(b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in pixels)
    body = b"".join(chunk(*extra) for extra in chunks) + chunk(b"IDAT", zlib.compress(data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_lossless_formats_give_back_the_same_pixels_and_profile(tmp_path, suffix, dtype, channels):
    pixels = noise(channels, dtype)
    write_picture(tmp_path / f"a{suffix}", Picture(pixels, "a", ICC))
    again = read_picture(tmp_path / f"a{suffix}")
    assert again.pixels.dtype == dtype
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.icc_profile == ICC
    assert again.name == "a"
    assert [file.name for file in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close_and_keeps_the_profile(tmp_path, channels):
    smooth = np.linspace(0, 255, 20 * 30).reshape(20, 30, 1).repeat(channels, axis=2).astype(np.uint8)
    write_picture(tmp_path / "a.jpg", Picture(smooth, "a", ICC))
    again = read_picture(tmp_path / "a.jpg")
    assert again.pixels.shape == smooth.shape
    assert np.abs(again.pixels.astype(int) - smooth).max() <= 3
    assert again.icc_profile == ICC


@pytest.mark.parametrize("picture", [Picture(noise(4), "a"), Picture(noise(3, np.uint16), "a")])
def test_jpeg_refuses_alpha_and_16_bits(tmp_path, picture):
    with pytest.raises(PictureError, match=r"JPEG can't hold 30 x 20 RGB.*allowed: \.png, \.tif"):
        write_picture(tmp_path / "a.jpg", picture)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (2, 4), (3, 2), (4, 6)])
def test_png_of_16_bits_is_read_exactly(tmp_path, channels, colour_type):
    pixels = noise(channels, np.uint16)
    path = png(tmp_path / "a.png", pixels, 16, colour_type)
    np.testing.assert_array_equal(read_picture(path).pixels, pixels)


def test_png_of_16_bits_is_written_so_that_pillow_reads_its_high_bytes(tmp_path):
    pixels = noise(3, np.uint16)
    write_picture(tmp_path / "a.png", Picture(pixels, "a"))
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels >> 8)


def test_png_of_16_bits_with_a_transparent_colour_is_refused(tmp_path):
    path = png(tmp_path / "a.png", noise(3, np.uint16), 16, 2, (b"tRNS", bytes(6)))
    with pytest.raises(PictureError, match="16 bits with a transparent colour"):
        read_picture(path)


def test_palette_becomes_rgb_and_with_transparency_rgba(tmp_path):
    indices = np.array([[0, 1], [2, 1]], np.uint8)
    colours = [10, 20, 30, 40, 50, 60, 70, 80, 90]
    image = Image.fromarray(indices)
    image.putpalette(colours)
    image.save(tmp_path / "p.png")
    expected = np.array(colours, np.uint8).reshape(3, 3)[indices]
    np.testing.assert_array_equal(read_picture(tmp_path / "p.png").pixels, expected)
    image.save(tmp_path / "t.png", transparency=bytes([255, 0, 128]))
    pixels = read_picture(tmp_path / "t.png").pixels
    np.testing.assert_array_equal(pixels[..., :3], expected)
    np.testing.assert_array_equal(pixels[..., 3], [[255, 0], [128, 0]])


def test_transparent_colour_becomes_alpha(tmp_path):
    pixels = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=(4, 5, 6))
    read = read_picture(tmp_path / "a.png").pixels
    np.testing.assert_array_equal(read, [[[1, 2, 3, 255], [4, 5, 6, 0]]])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_one_bit_becomes_black_and_white(tmp_path, suffix):
    bits = np.array([[True, False, True], [False, False, True]])
    Image.fromarray(bits).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_picture(tmp_path / f"a{suffix}").pixels[..., 0], bits * 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_orientation_is_applied(tmp_path, suffix, orientation):
    # Quarters of four greys, so that JPEG's losses don't matter; Pillow's own turning is the reference.
    quarters = np.kron(np.array([[0, 80], [160, 240]], np.uint8), np.ones((16, 24), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(quarters)
    image.save(tmp_path / f"a{suffix}", exif=exif)
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    upright = np.asarray(image.transpose(turns[orientation]) if orientation > 1 else image)
    read = read_picture(tmp_path / f"a{suffix}").pixels[..., 0]
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).max() <= 2


@pytest.mark.parametrize("orientation", [1, 6])
def test_orientation_of_a_tiff_that_pillow_has_to_read(tmp_path, orientation):
    pixels = noise(1)[..., 0]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression="tiff_lzw", exif=exif)
    upright = np.rot90(pixels, -1) if orientation == 6 else pixels
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels[..., 0], upright)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_in_planes_and_with_white_as_zero(tmp_path, dtype):
    pixels = noise(3, dtype)
    tifffile.imwrite(tmp_path / "planes.tif", np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_picture(tmp_path / "planes.tif").pixels, pixels)
    tifffile.imwrite(tmp_path / "white.tif", pixels[..., 0], photometric="miniswhite")
    expected = np.iinfo(dtype).max - pixels[..., :1]
    np.testing.assert_array_equal(read_picture(tmp_path / "white.tif").pixels, expected)


def refused(path, match):
    with pytest.raises(PictureError, match=match) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)


def test_pictures_we_do_not_read_are_refused_by_name(tmp_path):
    Image.new("CMYK", (4, 4)).save(tmp_path / "a.jpg")
    refused(tmp_path / "a.jpg", "pixels of kind CMYK; convert it to RGB first, as with: python")
    tifffile.imwrite(tmp_path / "f.tif", np.zeros((4, 4), np.float32))
    refused(tmp_path / "f.tif", "32 bits, float32; convert it to 16 bits first, as with: python")
    tifffile.imwrite(tmp_path / "many.tif", np.zeros((3, 40, 40), np.uint8), photometric="minisblack")
    refused(tmp_path / "many.tif", "holds 3 pages; allowed: a TIFF of one page")
    tifffile.imwrite(tmp_path / "five.tif", noise(5, np.uint16), photometric="rgb", planarconfig="contig")
    refused(tmp_path / "five.tif", "5 samples of 16 bits")
    Image.new("L", (4, 4)).save(tmp_path / "a.ppm")
    refused(tmp_path / "a.ppm", "not a picture of a known format; allowed: PNG")


@pytest.mark.parametrize("suffix", [".png", ".gif", ".webp"])
def test_of_a_moving_picture_the_first_frame_is_taken_and_that_is_said(tmp_path, suffix):
    frames = [Image.new("RGB", (4, 4), (grey,) * 3) for grey in (0, 255)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    read = read_picture(tmp_path / f"a{suffix}")
    assert read.remark == "the first of 2 frames"
    assert not read.colour.any()
    frames[0].save(tmp_path / f"b{suffix}")
    assert read_picture(tmp_path / f"b{suffix}").remark == ""


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".gif", ".avif"])
def test_other_formats_are_read_as_pillow_reads_them(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    pixels = noise(3)
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_picture(tmp_path / f"a{suffix}").pixels, expected)


@pytest.mark.parametrize(("suffix", "channels"), [(".bmp", 1), (".bmp", 3), (".webp", 1), (".webp", 2), (".webp", 4)])
def test_bmp_and_webp_are_written(tmp_path, suffix, channels):
    smooth = np.linspace(0, 255, 20 * 30).reshape(20, 30, 1).repeat(channels, axis=2).astype(np.uint8)
    write_picture(tmp_path / f"a{suffix}", Picture(smooth, "a"))
    with Image.open(tmp_path / f"a{suffix}") as image:
        read = np.asarray(image.convert("RGBA")).astype(int)
    colour = smooth[..., :1].repeat(3, axis=2) if channels < 3 else smooth[..., :3]
    assert np.abs(read[..., :3] - colour).max() <= (0 if suffix == ".bmp" else 6)
    if channels in (2, 4):
        np.testing.assert_array_equal(read[..., 3], smooth[..., -1])


def test_a_large_png_is_the_same_to_pillow(tmp_path, monkeypatch):
    pixels = noise(3, shape=(700, 1000))  # of several pieces
    monkeypatch.setattr(encoding, "_LARGE", 0)
    write_picture(tmp_path / "a.png", Picture(pixels, "a"))
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_too_many_pixels_name_the_option_that_allows_them(tmp_path):
    write_picture(tmp_path / "a.png", Picture(noise(3), "a"))
    with pytest.raises(PictureError, match=r"30 x 20 \(width x height\) are 600 pixels; .* --max-pixels 600"):
        read_picture(tmp_path / "a.png", 250)
    assert read_picture(tmp_path / "a.png", 600).pixels.shape == (20, 30, 3)


def test_a_thumbnail_in_a_tiff_is_not_a_second_page(tmp_path):
    pixels = noise(3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels, photometric="rgb")
        file.write(pixels[::4, ::4], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, pixels)


def test_files_that_are_no_pictures(tmp_path):
    refused(tmp_path / "none.png", "no such file")
    refused(tmp_path, "not a file but a directory")
    refused(tmp_path.__class__(os.devnull), "not a file but a device or pipe")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "the file is empty")
    (tmp_path / "text.png").write_text("hello")
    refused(tmp_path / "text.png", "not a picture of a known format")
    (tmp_path / "text.tif").write_bytes(b"II*\0hello")
    refused(tmp_path / "text.tif", "holds 0 pages")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_truncated_at_any_place_is_refused(tmp_path, suffix, dtype):
    if suffix == ".jpg" and dtype == np.uint16:
        pytest.skip("JPEG has 8 bits")
    write_picture(tmp_path / f"a{suffix}", Picture(noise(3, dtype), "a"))
    whole = (tmp_path / f"a{suffix}").read_bytes()
    for share in (0.05, 0.3, 0.7, 0.95):
        path = tmp_path / f"cut{suffix}"
        path.write_bytes(whole[: int(len(whole) * share)])
        refused(path, "damaged or cut short|not a picture|0 pages|pixels; allowed|float")


def test_zero_size_is_refused(tmp_path):
    refused(png(tmp_path / "a.png", np.zeros((0, 5), np.uint8), 8, 0), "no pixels|damaged|not a picture")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("times", [0.4, 0.8])
def test_a_decompression_bomb_is_refused_where_pillow_only_warns(tmp_path, monkeypatch, suffix, times):
    write_picture(tmp_path / f"a{suffix}", Picture(noise(3), "a"))
    # Pillow warns above its limit, and raises above twice the limit.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(20 * 30 * times))
    refused(tmp_path / f"a{suffix}", "are 600 pixels; allowed: ")


def test_picture_rounds_and_clips_colours_and_keeps_alpha():
    before = Picture(noise(2), "a")
    values = np.full((20, 30, 1), 0.5)
    values[0, :4, 0] = [-3.0, 300.0, 1.5, 254.49]
    after = before.with_colour(values)
    np.testing.assert_array_equal(after.pixels[0, :5, 0], [0, 255, 2, 254, 0])
    np.testing.assert_array_equal(after.pixels[..., 1], before.pixels[..., 1])
    assert after.pixels.dtype == np.uint8


def test_kernel_of_npy(tmp_path):
    path = tmp_path / "k.npy"
    np.save(path, np.array([[1, -2, 3]], np.int16))
    kernel = read_kernel(path)
    assert kernel.dtype == np.float64
    np.testing.assert_array_equal(kernel, [[[1.0], [-2.0], [3.0]]])
    np.save(path, np.zeros((2, 3, 4)))
    assert read_kernel(path).shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("kernel", "match"),
    [
        (np.ones((2, 2), complex), "values are complex128; allowed: .npy of finite real"),
        (np.array([[1.0, np.nan]]), "NaN or infinity"),
        (np.array([[1.0, np.inf]]), "NaN or infinity"),
        (np.array([[1, "a"]], dtype=object), "allow_pickle"),
        (np.array([["a"]]), "values are <U1"),
        (np.ones(3), r"shape is \(3,\)"),
        (np.ones((0, 3)), r"shape is \(0, 3\)"),
        (np.ones((1, 1, 1, 1)), r"shape is \(1, 1, 1, 1\)"),
    ],
)
def test_kernels_that_are_refused(tmp_path, kernel, match):
    np.save(tmp_path / "k.npy", kernel)
    with pytest.raises(PictureError, match=match):
        read_kernel(tmp_path / "k.npy")


def test_kernel_files_that_are_no_arrays(tmp_path):
    np.savez(tmp_path / "k.npz", a=np.ones((2, 2)))
    (tmp_path / "k.npz").rename(tmp_path / "k.npy")
    with pytest.raises(PictureError, match="damaged or cut short"):
        read_kernel(tmp_path / "k.npy")
    with pytest.raises(PictureError, match="no such file"):
        read_kernel(tmp_path / "none.npy")


def test_kernel_of_a_picture_is_its_luminance(tmp_path):
    pixels = np.array([[[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 51]]], np.uint8)
    write_picture(tmp_path / "k.png", Picture(pixels, "k"))
    expected = np.array([1.0, 0.2126, 0.7152, 0.0722 / 5])
    np.testing.assert_allclose(read_kernel(tmp_path / "k.png")[0, :, 0], expected)
    write_picture(tmp_path / "g.png", Picture(np.array([[[13107], [65535]]], np.uint16), "g"))
    np.testing.assert_allclose(read_kernel(tmp_path / "g.png")[0, :, 0], [0.2, 1.0])
    write_picture(tmp_path / "t.png", Picture(noise(4), "t"))
    with pytest.raises(PictureError, match="can't have alpha"):
        read_kernel(tmp_path / "t.png")


def test_replacing_keeps_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(error):
        with encoding.replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
    assert path.read_text() == "old"
    with encoding.replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_check_output(tmp_path):
    source = tmp_path / "in.png"
    source.touch()
    (tmp_path / "link.png").symlink_to(source)
    (tmp_path / "folder.png").mkdir()
    for name, match in {
        "a.gif": r"unknown output format '.gif'; allowed: .png, .jpg, .jpeg, .tif, .tiff, .webp, .bmp",
        "a": "unknown output format ''",
        "in.png": "the output is the input",
        "link.png": "the output is the input",
        "folder.png": "the output is a directory",
        "none/a.png": "can't write in .*none: No such file or directory",
        "in.png/a.png": "can't write in .*in.png: Not a directory",
    }.items():
        with pytest.raises((Mistake, PictureError), match=match):
            outputs.check_output(tmp_path / name, (source,))
    before = sorted(tmp_path.iterdir())
    outputs.check_output(tmp_path / "a.png", (source,))
    assert sorted(tmp_path.iterdir()) == before


def test_sample_without_a_network_is_the_astronaut(monkeypatch):
    def no_network(*arguments, **options):
        raise pictures.subprocess.TimeoutExpired("python", options["timeout"])

    monkeypatch.setattr(pictures.subprocess, "run", no_network)
    picture = pictures.sample_picture()
    assert picture.name == "astronaut"
    assert picture.pixels.shape == (512, 512, 3)
