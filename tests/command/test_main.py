"""The `konvolve` command: pixels against SciPy, and every failure one line, code 2, nothing left behind."""

import errno
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import fftconvolve
from scipy.signal.windows import gaussian

pytest.importorskip("typer", reason="the [cli] extra is not installed")
Image = pytest.importorskip("PIL.Image", reason="the [cli] extra is not installed")

import konvolve
from konvolve.command import doctor
from konvolve.command import main as cli
from konvolve.files import encoding, pictures
from konvolve.files.encoding import write_picture
from konvolve.files.pictures import Picture, read_picture

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def picture(folder):
    """Write a picture of noise under a name, and give back its pixels."""

    def write(name, channels=3, dtype=np.uint8, shape=(40, 50)):
        top = np.iinfo(dtype).max
        pixels = np.random.default_rng(1).integers(0, top, (*shape, channels), dtype, endpoint=True)
        write_picture(folder / name, Picture(pixels, "noise"))
        return read_picture(folder / name).pixels  # JPEG changes them

    return write


def konvolve_command(capsys, *arguments, backend="numpy"):
    """The exit code, and the lines on standard output and standard error."""
    code = cli.main([*map(str, arguments), *(["--backend", backend] if backend else [])])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def files(folder):
    return sorted(path.name for path in folder.rglob("*"))


def reflected(colour, kernel):
    """The direct answer of SciPy, mirrored at the edges by NumPy."""
    margins = [(taps // 2, (taps - 1) // 2) for taps in kernel.shape[:2]]
    padded = np.pad(colour.astype(float), [*margins, (0, 0)], mode="reflect")
    return fftconvolve(padded, kernel, mode="valid", axes=(0, 1))


def blurred(colour, size=113, sigma=14.1):
    line = gaussian(size, sigma)
    kernel = np.outer(line, line)[..., np.newaxis]
    return reflected(colour, kernel / kernel.sum())


def assert_rounded(pixels, expected):
    """Each pixel is the nearest to the clipped truth, but for the error of the arithmetic at a half."""
    expected = np.clip(expected, 0, np.iinfo(pixels.dtype).max)
    assert np.abs(pixels - expected).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_blur_is_scipys_and_keeps_depth_and_alpha(folder, picture, capsys, suffix, dtype, channels):
    before = picture(f"in{suffix}", channels, dtype)
    code, _, err = konvolve_command(capsys, "blur", f"in{suffix}", "--size", 9, "--sigma", 2.5)
    assert (code, err) == (0, [])
    after = read_picture(folder / f"in-blur{suffix}").pixels
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    colours = channels - (channels in (2, 4))
    assert_rounded(after[..., :colours], blurred(before[..., :colours], 9, 2.5))
    np.testing.assert_array_equal(after[..., colours:], before[..., colours:])
    kind = "-tif" if suffix == ".tif" else ""
    assert files(folder) == sorted([f"in{suffix}", f"in-blur{suffix}", f"in-blur{kind}-figure.png"])


def test_the_last_three_lines(folder, picture, capsys):
    picture("in.png")
    code, out, _ = konvolve_command(capsys, "blur", "in.png", "-o", "out.tif")
    assert code == 0
    found = re.fullmatch(
        r"blurred in: 50 x 40 RGB 8-bit, 113 x 113 kernel, [\d.]+ m?s, (\S+) from SciPy",
        out[0],
    )
    assert found
    # float32 keeps 24 bits; the sums here are of 113 weights that add up to 1.
    assert float(found[1]) < 1e-3
    assert re.fullmatch(r"written in [\d.]+ m?s: out\.tif, out-tif-figure\.png", out[1])
    assert max(map(len, out)) <= 80
    assert out[2:] == ["try next: konvolve filter in.png sharpen, or konvolve blur --help"]


def test_the_default_kernel_is_larger_than_this_picture(folder, picture, capsys):
    before = picture("in.png", shape=(7, 30))
    assert konvolve_command(capsys, "blur", "in.png")[0] == 0
    assert_rounded(read_picture(folder / "in-blur.png").pixels, blurred(before))


def test_jpeg_stays_jpeg_unless_only_its_name_is(folder, picture, capsys):
    before = picture("in.jpg")
    assert konvolve_command(capsys, "blur", "in.jpg", "--size", 15)[0] == 0
    after = read_picture(folder / "in-blur.jpg").pixels.astype(int)
    assert np.abs(after - blurred(before, 15)).max() < 8  # JPEG's own loss
    picture("deep.png", dtype=np.uint16)
    (folder / "deep.png").rename("deep.jpg")
    assert konvolve_command(capsys, "blur", "deep.jpg")[0] == 0
    assert read_picture(folder / "deep-blur.png").pixels.dtype == np.uint16


def test_figure_shows_the_middle_of_both_pictures_pixel_by_pixel(folder, picture, capsys):
    picture("a$b$c.png", shape=(300, 300))
    konvolve_command(capsys, "blur", "a$b$c.png", "--sigma", "2")
    with Image.open(folder / "a$b$c-blur-figure.png") as figure:
        drawn = np.asarray(figure.convert("RGB"))
    assert drawn.shape[1] > 1500
    assert 500 < drawn.shape[0] < 800
    for name in ("a$b$c.png", "a$b$c-blur.png"):
        with Image.open(folder / name) as file:
            pixels = np.asarray(file.convert("RGB"))
        some = pixels[150, 130:170]  # of a row in the middle
        windows = np.lib.stride_tricks.sliding_window_view(drawn, (1, 40, 3))[:, :, 0, 0]
        assert (windows == some).all((-2, -1)).any(), name


def test_sample_picture(folder, capsys, monkeypatch):
    def no_network(*arguments, **options):
        raise subprocess.TimeoutExpired("python", options["timeout"])

    monkeypatch.setattr(pictures.subprocess, "run", no_network)
    code, _, err = konvolve_command(capsys, "blur")
    assert (code, err) == (0, [])
    assert files(folder) == ["astronaut-blur-figure.png", "astronaut-blur.png"]
    from skimage.data import astronaut

    assert_rounded(read_picture(folder / "astronaut-blur.png").pixels, blurred(astronaut()))


def test_explain_and_quiet(folder, picture, capsys):
    picture("in.png")
    _, out, _ = konvolve_command(capsys, "blur", "in.png", "--explain")
    shapes = (40, 50), (113, 113)
    plan = konvolve.plan(*shapes, mode="same", boundary="reflect", library="numpy")
    assert out[:-3] == str(plan.separable or plan).splitlines()
    assert konvolve_command(capsys, "blur", "in.png", "--quiet") == (0, [], [])
    assert "in-blur.png" in files(folder)


def test_filter_turns_the_kernel_as_scipy_does(folder, picture, capsys):
    before = picture("in.png")
    kernel = np.random.default_rng(2).uniform(0, 1 / 6, (2, 3))
    np.save("k.npy", kernel)
    code, _, err = konvolve_command(capsys, "filter", "in.png", "k.npy", "-o", "out.png")
    assert (code, err) == (0, [])
    assert_rounded(read_picture(folder / "out.png").pixels, reflected(before, kernel[..., None]))
    assert files(folder) == ["in.png", "k.npy", "out-figure.png", "out.png"]


def test_filter_with_a_layer_for_each_colour_leaves_alpha(folder, picture, capsys):
    before = picture("in.png", channels=4)
    kernel = np.random.default_rng(3).uniform(0, 0.1, (3, 3, 3))
    np.save("k.npy", kernel)
    assert konvolve_command(capsys, "filter", "in.png", "k.npy", "-o", "out.png")[0] == 0
    after = read_picture(folder / "out.png").pixels
    for channel in range(3):
        expected = reflected(before[..., channel, None], kernel[..., channel, None])
        assert_rounded(after[..., channel], expected[..., 0])
    np.testing.assert_array_equal(after[..., 3], before[..., 3])


def test_filter_clips_and_says_how_much(folder, picture, capsys):
    before = picture("in.png", channels=1)
    np.save("k.npy", SHARPEN)
    _, out, _ = konvolve_command(capsys, "filter", "in.png", "k.npy", "-o", "out.png")
    expected = reflected(before, SHARPEN[..., None])
    assert_rounded(read_picture(folder / "out.png").pixels, expected)
    share = float(re.search(r", ([\d.]+)% clipped$", out[0])[1])
    assert share == pytest.approx(100 * np.mean((expected < -0.5) | (expected > 255.5)), abs=0.1)
    assert share > 10


@pytest.mark.parametrize(
    ("kernel", "option", "gain"),
    [
        ("k.npy", [], 0.5),
        ("k.npy", ["--normalize"], 1.0),
        ("k.png", [], 1.0),
        ("k.png", ["--no-normalize"], 102 / 255),
    ],
)
def test_normalising_is_the_default_for_pictures(folder, capsys, kernel, option, gain):
    write_picture(folder / "in.png", Picture(np.full((5, 5, 1), 200, np.uint8), "flat"))
    np.save("k.npy", [[0.5]])
    write_picture(folder / "k.png", Picture(np.full((1, 1, 1), 102, np.uint8), "k"))
    assert konvolve_command(capsys, "filter", "in.png", kernel, "-o", "out.png", *option)[0] == 0
    assert (read_picture(folder / "out.png").pixels == round(200 * gain)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["blur", "in.png", "--sigma", "0"], "--sigma 0: allowed: a finite number above 0"),
        (["blur", "in.png", "--sigma", "-2"], "--sigma -2: allowed"),
        (["blur", "in.png", "--sigma", "nan"], "--sigma nan: allowed"),
        (["blur", "in.png", "--sigma", "inf"], "--sigma inf: allowed"),
        (
            ["blur", "in.png", "--sigma", "1e-9", "--size", "60"],
            "--sigma 1e-09: all 60 weights vanish; allowed: larger",
        ),
        (["blur", "in.png", "--sigma", "wide"], "'--sigma'"),
        (["blur", "in.png", "--size", "0"], "--size 0: allowed: 1 to 10000"),
        (["blur", "in.png", "--size", "-3"], "--size -3: allowed"),
        (["blur", "in.png", "--size", "10001"], "--size 10001: allowed"),
        (["blur", "in.png", "--size", "2.5"], "'--size'"),
        (
            ["blur", "in.png", "--backend", "theano"],
            "--backend theano: unknown; allowed: numpy or tensorflow",
        ),
        (["blur", "none.png"], "none.png: no such file"),
        (["blur", "."], ".: a folder of pictures needs a folder to write to; allowed: -o FOLDER"),
        (["blur", "text.png"], "text.png: not a picture of a known format; allowed: PNG, JPEG, TIFF"),
        (["blur", "cut.png"], "cut.png: can't be read, damaged or cut short"),
        (["blur", "in.png", "-o", "out.gif"], "out.gif: unknown output format '.gif'; allowed: .png"),
        (["blur", "alpha.png", "-o", "out.bmp"], "out.bmp: BMP can't hold 50 x 40 RGBA 8-bit"),
        (["blur", "in.png", "-o", ""], "--output '': empty; allowed: a file or a folder"),
        (["blur", "in.png", "--boundary", "mirror"], "--boundary mirror: unknown; allowed: reflect, symmetric"),
        (["blur", "in.png", "--max-pixels", "0"], "--max-pixels 0: allowed: 1 or more"),
        (["blur", "in.png", "--max-pixels", "100"], "50 x 40 (width x height) are 2000 pixels; allowed: 100, or more"),
        (["blur", "in.png", "--sigma", "1300"], "larger than 10000 x 10000; allowed: up to 1249.75"),
        (["blur", "in.png", "--sigma", "1e309"], "--sigma inf: allowed: a finite number above 0"),
        (["blur", "in.png", "none.jpg"], "none.jpg: no such file; the output is named by -o: in.png -o none.jpg"),
        (
            ["blur", "https://example.org/a.png"],
            "https://example.org/a.png: an address, not a file; allowed: a file, so download",
        ),
        (["blur", "in.png", "alpha.png", "-o", "one.png"], "--output one.png: one file for 2 pictures"),
        (["blur", "a" * 300 + ".png"], "File name too long"),
        (["blur", ""], "PICTURE '': empty"),
        (["filter", "edge.npy", "in.png"], "edge.npy: holds a kernel, not a picture; allowed: konvolve filter PICTURE"),
        (["filter", "in.png", "k.csv"], "k.csv: a kernel of text isn't read; allowed: .npy, which"),
        (["filter", "in.png", "blurry"], "KERNEL blurry: neither a file nor a name; allowed: sharpen, edges"),
        (["filter", "in.png", "box:0"], "KERNEL box:0: allowed: box:1 to box:10000"),
        (["filter", "in.png", "box:x"], "KERNEL box:x: 'x' is not a whole number; allowed: sharpen"),
        (["filter", "in.png", "gaussian:x"], "KERNEL gaussian:x: 'x' is not a number; allowed: sharpen"),
        (["filter", "in.png", ""], "KERNEL '': empty; allowed: sharpen"),
        (["filter", "in.png", "https://example.org/k.npy"], "https://example.org/k.npy: an address, not a file"),
        (["filter", "sharpen", "in.png"], "sharpen: a kernel, not a picture; allowed: konvolve filter PICTURE KERNEL"),
        (["filter", "box:3", "in.png"], "box:3: a kernel, not a picture"),
        (["blur", "in.png", "-o", "pipe.png"], "pipe.png: the output is a device or pipe; allowed: a file name"),
        (["blur", "in.png", "-o", "sub.png/x.gif"], "unknown output format '.gif'"),
        (["filter", "in.png", "gaussian:nan"], "KERNEL gaussian: nan: allowed: a finite number above 0"),
        (["blur", "in.png", "--colour"], "No such option: --colour; see konvolve blur --help"),
        (["blur", "in.png", "-o", "in.png"], "in.png: the output is the input in.png; allowed"),
        (["blur", "in.png", "-o", "./sub/../in.png"], "the output is the input in.png"),
        (["blur", "in.png", "-o", "none/out.png"], "can't write in none: No such file or directory; allowed"),
        (["blur", "x-figure.png", "-o", "x.png"], "x-figure.png: the output is the input x-figure.png"),
        (["blur", "alpha.png", "-o", "out.jpg"], "out.jpg: JPEG can't hold 50 x 40 RGBA 8-bit"),
        (["filter", "in.png", "none.npy"], "none.npy: no such file"),
        (["filter", "in.png", "edge.npy", "--normalize"], "edge.npy: the kernel's sum is 0"),
        (["filter", "in.png", "huge.npy"], "the kernel's values are too large for float32"),
        (
            ["filter", "in.png", "two.npy"],
            "the kernel has 2 layers, the picture is 50 x 40 RGB 8-bit; allowed: 1 layer, or one for each",
        ),
        (["filter", "in.png", "nan.npy"], "nan.npy: the kernel holds NaN or infinity"),
        (["filter", "in.png", "x-figure.png", "-o", "x.png"], "the output is the input x-figure.png"),
        (["filter", "in.png"], "Missing argument"),
        (["blur", "in.png", "--colour"], "No such option: --colour"),
        (["paint"], "No such command 'paint'"),
    ],
)
def test_failures_are_one_line_and_code_2(folder, picture, capsys, arguments, message):
    for name in ("in.png", "x-figure.png"):
        picture(name)
    picture("alpha.png", channels=4)
    Path("text.png").write_text("hello")
    Path("cut.png").write_bytes(Path("in.png").read_bytes()[:2000])
    Path("sub").mkdir()
    Path("sub.png").mkdir()
    os.mkfifo("pipe.png")
    np.save("edge.npy", [[1.0, -1.0]])
    np.save("huge.npy", [[1e300]])
    np.save("two.npy", np.ones((2, 2, 2)))
    np.save("nan.npy", [[np.nan]])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    chosen = None if "--backend" in arguments or arguments[0] == "paint" else "numpy"
    code, out, err = konvolve_command(capsys, *arguments, backend=chosen)
    assert (code, out) == (2, [])
    assert len(err) == 1
    assert err[0].startswith("konvolve: ")
    assert message in err[0]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_backend_not_installed(folder, picture, capsys, monkeypatch):
    picture("in.png")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    code, _, err = konvolve_command(capsys, "blur", "in.png", backend="tensorflow")
    assert code == 2
    assert err == [
        'konvolve: --backend tensorflow: not installed; allowed: numpy, or pip install "konvolve[tensorflow]"'
    ]
    assert files(folder) == ["in.png"]
    code, out, _ = konvolve_command(capsys, "blur", "in.png", backend=None)
    assert code == 0
    assert "tensorflow" not in out[0]


def test_folder_that_can_not_be_written(folder, picture, capsys, monkeypatch):
    # The permissions of a folder do not stop root, who runs the tests in a container: the refusal is played.
    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    picture("in.png")
    monkeypatch.setattr(pictures.Path, "touch", refuse)
    code, _, err = konvolve_command(capsys, "blur", "in.png")
    assert code == 2
    assert err == [
        "konvolve: in-blur.png: can't write in .: Permission denied; allowed: a folder that is there and writable"
    ]
    assert files(folder) == ["in.png"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that not even root can write")
def test_file_system_that_can_not_be_written(folder, picture, capsys):
    picture("in.png")
    code, _, err = konvolve_command(capsys, "blur", "in.png", "-o", "/proc/out.png")
    assert code == 2
    assert "/proc/out.png: can't write in /proc: " in err[0]


def test_full_disk_leaves_the_old_picture(folder, picture, capsys, monkeypatch):
    def full(path, *arguments):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    picture("in.png")
    Path("in-blur.png").write_text("old")
    monkeypatch.setattr(encoding, "_write_png", full)
    code, out, err = konvolve_command(capsys, "blur", "in.png")
    assert (code, out) == (2, [])
    assert "in-blur.png: can't write in .: No space left on device" in err[0]
    assert Path("in-blur.png").read_text() == "old"
    assert files(folder) == ["in-blur.png", "in.png"]


@pytest.mark.parametrize("place", ["convolving", "writing"])
def test_ctrl_c_leaves_nothing(folder, picture, capsys, monkeypatch, place):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    picture("in.png")
    if place == "convolving":
        monkeypatch.setattr(konvolve, "convolve", stop)
    else:
        monkeypatch.setattr(encoding, "_write_png", stop)
    assert konvolve_command(capsys, "blur", "in.png")[0] == 130
    assert files(folder) == ["in.png"]


def test_a_figure_that_fails_does_not_lose_the_picture(folder, picture, capsys, monkeypatch):
    from konvolve.command import figure

    def fail(*arguments):
        raise RuntimeError("no\nfonts")

    picture("in.png")
    monkeypatch.setattr(figure, "write_figure", fail)
    code, out, err = konvolve_command(capsys, "blur", "in.png")
    assert code == 1
    assert err == ["konvolve: the figure in-blur-figure.png was not written: no fonts"]
    assert out[1].endswith(": in-blur.png")
    assert files(folder) == ["in-blur.png", "in.png"]


def test_of_several_pictures_none_replaces_an_input(folder, picture, capsys):
    picture("a.png")
    before = picture("a-blur.png")
    code, _, err = konvolve_command(capsys, "blur", "a.png", "a-blur.png", "--no-figure")
    assert code == 2
    assert err == ["konvolve: a-blur.png: the output is the input a-blur.png; allowed: any other name"]
    np.testing.assert_array_equal(read_picture(folder / "a-blur.png").pixels, before)
    assert files(folder) == ["a-blur-blur.png", "a-blur.png", "a.png"]


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md"])
def test_lines_of_the_readme_run_as_they_stand(folder, picture, capsys, monkeypatch, name):
    """In a checkout, whose .gitignore names what they write. `bench` takes minutes, and the sample may be fetched."""
    root = Path(__file__).parents[2]
    (folder / "docs").symlink_to(root / "docs")
    if name != "README.md":  # which has no photo of the reader's
        picture("photo.jpg")
    indent = " " * 4 if name == "README.md" else ""
    lines = re.findall(
        rf"^{indent}konvolve ((?:blur|filter|plan|bench|doctor)\b.*)$", (root / name).read_text(), re.MULTILINE
    )
    commands = [line.split("#")[0].split() for line in lines]
    assert len(commands) >= 4
    for command in commands:
        if command not in (["bench"], ["blur"]):
            assert cli.main(command) == 0, capsys.readouterr().err
    ignored = [line.lstrip("/") for line in (root / ".gitignore").read_text().splitlines() if line.startswith("/")]
    written = [path.name for path in folder.iterdir() if path.name != "docs"]
    assert len(written) >= 4
    assert [path for path in written if not any(Path(path).match(pattern) for pattern in ignored)] == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="names of files are bytes on POSIX alone")
def test_a_name_of_any_bytes_is_drawn_and_printed(folder, picture, capsys):
    picture("in.png")
    name = os.fsdecode(b"caf\xe9\n$x.png")
    Path("in.png").rename(name)
    code, out, err = konvolve_command(capsys, "blur", name)
    assert (code, err) == (0, [])
    assert len(out) == 3
    assert "\\udce9" in out[0]
    assert len(files(folder)) == 3


def test_what_is_tried_next_can_be_tried(folder, picture, capsys):
    picture("a b.png")
    picture("-x.png")
    assert konvolve_command(capsys, "blur", "a b.png")[1][2].startswith("try next: konvolve filter 'a b.png' sharpen")
    code = cli.main(["blur", "--no-figure", "--", "-x.png"])
    assert code == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("try next: konvolve filter ./-x.png sharpen")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that takes nothing")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["blur", "in.png", "--no-figure"], ["plan", "9", "3"], ["--help"], ["--version"]])
def test_a_full_standard_output_is_one_line_and_code_1(folder, picture, command, unbuffered):
    """Whether Python notices when it prints or only at the end; the picture is written all the same."""
    picture("in.png")
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "konvolve", *command], stdout=full, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "konvolve: standard output can't be written: No space left on device\n"
    assert files(folder) == (["in-blur.png", "in.png"] if command[0] == "blur" else ["in.png"])


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes files")
def test_a_closed_standard_output_is_one_line_and_code_1(folder, picture):
    picture("in.png")
    command = f"'{sys.executable}' -m konvolve blur in.png --no-figure >&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == "konvolve: standard output can't be written: it is closed\n"
    assert files(folder) == ["in-blur.png", "in.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that takes nothing")
def test_a_full_standard_error_leaves_the_exit_code(folder):
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-m", "konvolve", "blur", "none.png"], stdout=full, stderr=full)
    assert ended.returncode == 2


def test_out_of_memory_is_one_line(folder, picture, capsys, monkeypatch):
    def exhaust(*arguments, **options):
        raise MemoryError

    picture("in.png")
    monkeypatch.setattr(konvolve, "convolve", exhaust)
    code, _, err = konvolve_command(capsys, "blur", "in.png")
    assert (code, err) == (2, ["konvolve: not enough memory; allowed: a smaller picture or kernel"])


def python(*arguments, **environment):
    """A fresh Python process in the current directory."""
    # TensorFlow sets its log level for itself where it is imported, as other tests do in this process.
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *arguments], env={**inherited, **environment}, capture_output=True, text=True
    )


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_tensorflow_in_a_fresh_process_is_silent_and_right(folder, picture):
    before = picture("in.png", channels=4)
    ended = python("-m", "konvolve.command.main", "blur", "in.png", "--backend", "tensorflow")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert " on tensorflow, " in ended.stdout
    after = read_picture(folder / "in-blur.png").pixels
    assert_rounded(after[..., :3], blurred(before[..., :3]))
    np.testing.assert_array_equal(after[..., 3], before[..., 3])


def test_a_broken_tensorflow_is_one_line(folder, picture):
    picture("in.png")
    Path("broken").mkdir()
    Path("broken/tensorflow.py").write_text("raise RuntimeError('no AVX here')")
    ended = python("-m", "konvolve", "blur", "in.png", "--backend", "tensorflow", PYTHONPATH="broken")
    assert ended.returncode == 2
    expected = "konvolve: TensorFlow is installed but broken: no AVX here; allowed: --backend numpy\n"
    assert ended.stderr == expected


def test_without_typer_there_is_one_line():
    script = (
        "import sys; sys.modules['typer'] = None; from konvolve.command.main import main; sys.exit(main(['--help']))"
    )
    ended = python("-c", script)
    assert ended.returncode == 2
    assert ended.stderr == 'konvolve: the command needs typer: pip install "konvolve[cli]"\n'


def test_help_imports_nothing_heavy_of_its_own():
    script = (
        "import sys, konvolve; before = set(sys.modules);"
        "from konvolve.command.main import main; code = main(['blur', '--help']);"
        "heavy = {'numpy', 'scipy', 'tensorflow', 'matplotlib', 'skimage', 'PIL', 'rich', 'konvolve.files.pictures'};"
        "heavy &= set(sys.modules) - before; sys.exit(str(heavy) if heavy else code)"
    )
    ended = python("-c", script)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--sigma" in ended.stdout


def test_version_and_help(capsys):
    assert konvolve_command(capsys, "--version", backend=None) == (
        0,
        [f"konvolve {konvolve.__version__}"],
        [],
    )
    code, without, _ = konvolve_command(capsys, backend=None)
    assert code == 0
    assert (code, without, []) == konvolve_command(capsys, "--help", backend=None)
    for command in ("blur", "filter"):
        text = "\n".join(konvolve_command(capsys, command, "--help", backend=None)[1])
        assert f"  konvolve {command} " in text
        assert "konvolve[cli]" not in text
        assert all(word in text for word in ("EXAMPLES", "OUTPUT", "PICTURES", "--output", "--backend"))


def test_doctor_reports_the_broken_and_the_missing(folder, capsys, monkeypatch):
    Path("fakes").mkdir()
    Path("fakes/raising.py").write_text("raise ImportError('libdevice is missing')")
    Path("fakes/crashing.py").write_text("import os; os.abort()")
    monkeypatch.syspath_prepend("fakes")
    monkeypatch.setenv("PYTHONPATH", "fakes")
    libraries = {"numpy": "", "raising": "jax", "crashing": "jax", "nonesuch": "torch"}
    monkeypatch.setattr(doctor, "LIBRARIES", libraries)
    monkeypatch.setattr(doctor, "DEADLINE", 60)
    code, out, err = konvolve_command(capsys, "doctor", backend=None)
    assert (code, err) == (0, [])
    assert out[0].startswith(f"konvolve {konvolve.__version__}, Python 3.")
    assert re.search(r"\d+ cores$", out[0])
    rows = {row.split()[1]: row for row in out if row.startswith("│")}
    assert np.__version__ in rows["numpy"]
    assert "broken" in rows["raising"]
    assert "ImportError: libdevice is missing" in rows["raising"]
    assert "signal 6" in rows["crashing"]
    assert 'not installed: pip install "konvolve[torch]"' in rows["nonesuch"]


def test_doctor_checks_the_constants_of_what_works(folder, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "LIBRARIES", {"numpy": "", "scipy": "", "jax": "jax"})
    monkeypatch.setattr(doctor, "examined", lambda until: {
        "numpy": {"version": "2", "note": ""}, "scipy": {"version": "1", "note": doctor.transforms()},
        "jax": {"version": "broken", "note": "", "style": "red"},
    })  # fmt: skip
    code, out, _ = konvolve_command(capsys, "doctor", "--check", backend=None)
    assert code == 0
    assert any("transforms of NumPy's arrays" in line for line in out)
    said = " ".join(out)  # on a busy machine there is advice, too, and the sentence is wrapped
    assert re.search(r"numpy: the methods chosen take \d+\.\d\d of the best's time; all take \S+ of what", said)


def test_doctor_does_not_wait_for_the_slow(folder, capsys, monkeypatch):
    """A library that is still being imported is named with its version, and --full waits for it."""
    Path("fakes").mkdir()
    Path("fakes/sleeping.py").write_text("import time; time.sleep(1); __version__ = '7.0'")
    monkeypatch.syspath_prepend("fakes")
    monkeypatch.setenv("PYTHONPATH", "fakes")
    monkeypatch.setattr(doctor, "LIBRARIES", {"sleeping": "jax", "typer": "cli"})
    monkeypatch.setattr(doctor, "DEADLINE", 0.5)
    _, out, _ = konvolve_command(capsys, "doctor", backend=None)
    (row,) = (line for line in out if "sleeping" in line)
    assert "slow to import: konvolve doctor --full waits for its devices" in row
    code, out, _ = konvolve_command(capsys, "doctor", "--full", backend=None)
    (row,) = (line for line in out if "sleeping" in line)
    assert (code, "7.0" in row) == (0, True)


def test_doctor_looks_for_what_is_used():
    """A library that nothing in konvolve imports is not recommended; keras, scipy and the extras are."""
    used = {*doctor.LIBRARIES} - {"numpy", "scipy"}
    text = (Path(konvolve.__file__).parents[2] / "pyproject.toml").read_text()
    names = {"PIL": "pillow", "skimage": "scikit-image"}
    assert [name for name in used if f'"{names.get(name, name)}>=' not in text] == []
