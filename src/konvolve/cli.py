"""The `konvolve` command: `blur` and `filter` a picture, and `doctor`, which shows what is installed.

Only typer is imported at the top, so that `konvolve --help` is quick; array libraries, Pillow and Matplotlib
come with the command that needs them. A failure a user can put right is one line on standard error and
exit code 2; what these are is decided in one place, `_explained`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import konvolve

try:
    import typer
except ImportError:  # the [cli] extra is missing; `main` says so. The annotations below are never evaluated.
    typer = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import numpy as np

    from konvolve.io import Picture

BACKENDS = ("tensorflow", "numpy")
LARGEST_SIZE = 10_000  # a kernel of 0.8 GB in float64; no picture we read is so wide and so high

# Libraries for `doctor`: the module, and the extra of konvolve that brings it ("" for none).
LIBRARIES = {
    "numpy": "",
    "scipy": "",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "dask": "",
    "skimage": "cli",
    "PIL": "cli",
    "tifffile": "cli",
    "matplotlib": "cli",
    "typer": "cli",
    "rich": "cli",
}

HELP = """Convolution of pictures, on TensorFlow or NumPy, as SciPy's fftconvolve does it.

\b
  konvolve blur                          blur a sample picture, and draw what was done
  konvolve blur photo.jpg --sigma 5 --size 31
  konvolve filter photo.png kernel.npy -o sharp.png
  konvolve doctor                        what is installed, and which devices it sees

\b
Exit codes: 0 done; 1 the picture was written but its figure was not; 2 a wrong option or file,
named in one line on standard error; 130 stopped by Ctrl-C.
"""

PICTURES = """\b
PICTURES. PNG, JPEG and TIFF; grey or RGB, with or without alpha; 8 or 16 bits. Bit depth, alpha
and the ICC profile are kept: alpha is not touched, and colours are convolved as they are stored,
not weighted by alpha. An EXIF orientation is applied to the pixels; other metadata is dropped.
Palettes become RGB and one bit becomes 8-bit grey. Refused, with a line that says why: CMYK,
floating-point pixels, several pages or frames, and more pixels than Pillow's safe limit.

\b
OUTPUT. The format follows the name: .png .jpg .jpeg .tif .tiff; JPEG (quality 95) holds neither
alpha nor 16 bits. Beside OUT.png comes OUT-figure.png: before, after, and the kernel. Existing
files are replaced, the inputs never; a file is written whole or not at all. The last line says
where the files are, the time of the convolution itself (the second of two runs, without reading,
writing and checking), the time in all, and the largest difference from SciPy in float64 on the
same pixels, before rounding. 8-bit pictures are computed in float32, 16-bit ones in float64.
"""

BLUR_HELP = f"""Smooth a picture with a Gaussian kernel.

\b
The kernel is SciPy's classic: the outer product of scipy.signal.windows.gaussian(SIZE, SIGMA) with
itself, divided by its sum so that brightness is kept. Outside the picture is black (mode "same"),
so the edges darken over half of SIZE. An even SIZE shifts the picture by half a pixel, as in SciPy.
SIZE may be larger than the picture.

\b
EXAMPLES
  konvolve blur                                    -> astronaut-blur.png, astronaut-blur-figure.png
  konvolve blur photo.jpg                          -> photo-blur.jpg, photo-blur-figure.png
  konvolve blur scan.tif --sigma 3 --size 19 -o out/smooth.tif
  konvolve blur photo.png --backend numpy --explain

\b
Without PICTURE a sample is taken: SciPy's raccoon face, if it is in the cache or can be fetched in
4 seconds (this needs pooch), else scikit-image's astronaut, which needs no network.

{PICTURES}"""

FILTER_HELP = f"""Convolve a picture with any kernel.

\b
KERNEL is a .npy file, 2-D, or (rows, columns, channels) with one layer for each colour of the
picture; or a picture, of which the luminance from 0 to 1 is taken. Its values must be finite and
real. It is convolved, that is turned by 180 degrees, as scipy.signal.fftconvolve does; turn it
yourself (kernel[::-1, ::-1]) for a correlation. Outside the picture is black (mode "same").

\b
THE SUM OF THE KERNEL is what brightness is multiplied by. --normalize divides each layer by its sum;
this is the default for a kernel that is a picture. --no-normalize takes the values as they are; this
is the default for .npy. An edge kernel (sum 0) can't be normalised.

\b
CLIPPING. A picture holds no negative values and none above white: results are rounded and clipped,
and the last line says how many were. An edge kernel keeps only its positive half this way; for the
whole answer call konvolve.fftconvolve in Python.

\b
EXAMPLES
  python -c "import numpy; numpy.save('k.npy', [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])"
  konvolve filter photo.png k.npy -o sharp.png
  konvolve filter stars.tif psf.png -o seen.tif --normalize

{PICTURES}"""

DOCTOR_HELP = """Show what is installed, and which devices it sees.

Every library is imported in a process of its own, which takes some seconds; one that is broken is shown
as broken, with its error, and the exit code is 0 all the same.
"""


def blur(
    picture: Annotated[Path | None, typer.Argument(help="A PNG, JPEG or TIFF file; a sample if left out.")] = None,
    sigma: Annotated[float, typer.Option(help="Standard deviation of the Gaussian, in pixels, above 0.")] = 14.1,
    size: Annotated[int, typer.Option(help="Rows and columns of the kernel, 1 to 10000.")] = 60,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="[default: ./<picture>-blur.<its format>]")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="tensorflow or numpy  [default: tensorflow where it is installed]")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print konvolve's plan as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> int:
    """Smooth a picture with a Gaussian kernel; the help is BLUR_HELP."""
    return _Job(picture, output, "blur", backend, explain, quiet).run(lambda: _gaussian(sigma, size))


def filter_(
    picture: Annotated[Path, typer.Argument(help="A PNG, JPEG or TIFF file.")],
    kernel: Annotated[Path, typer.Argument(help="A .npy file, or a picture taken for its luminance.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="[default: ./<picture>-filter.<its format>]")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="tensorflow or numpy  [default: tensorflow where it is installed]")
    ] = None,
    normalize: Annotated[
        bool | None,
        typer.Option(
            "--normalize/--no-normalize",
            help="Divide the kernel by its sum  [default: only if it is a picture]",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print konvolve's plan as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> int:
    """Convolve a picture with any kernel; the help is FILTER_HELP."""
    job = _Job(picture, output, "filter", backend, explain, quiet, kernel)
    return job.run(lambda: _kernel_from(kernel, normalize))


def doctor() -> None:
    """Show konvolve's version, the cores, the libraries and their devices; the help is DOCTOR_HELP."""
    from concurrent.futures import ThreadPoolExecutor

    from rich.console import Console
    from rich.table import Table

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    table = Table("library", "version", "devices and notes")
    with _progress(quiet=False) as step, ThreadPoolExecutor(cores) as threads:
        step("importing the libraries, each in a process of its own")
        for name, found in zip(LIBRARIES, threads.map(_examined, LIBRARIES), strict=True):
            table.add_row(name, found["version"], found["note"], style=found.get("style"))
    # Not on a terminal, rich takes 80 columns and breaks the words; a file or a pipe can take more.
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    console.print(f"konvolve {konvolve.__version__}, {python}, {cores} cores")
    console.print(table)


@dataclass(frozen=True)
class _Job:
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
        from konvolve import io

        started = time.perf_counter()
        with _progress(self.quiet) as step:
            step("reading")
            name = _backend_name(self.backend)
            kernel = make_kernel()
            before = io.read_picture(self.picture) if self.picture else io.sample_picture()
            if kernel.shape[2] not in (1, before.colour.shape[2]):
                raise io.PictureError(
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
            title = f"{before.name[:40]}, {sizes}  |  {how}  |  {_time(done.seconds)}"
            try:
                step("drawing")
                from konvolve.figures import write_figure

                write_figure(drawing, before, after, kernel, title)
            except Exception as error:  # whatever Matplotlib or the disk has, the picture itself is written
                _complain(f"the figure {drawing} was not written: {error}")
                files, code = str(output), 1
        if self.explain:
            typer.echo(done.plan)
        if not self.quiet:
            clipped = f"; {done.clipped:.2%} of values clipped" if done.clipped else ""
            typer.echo(
                f"{files}: convolved in {_time(done.seconds)} ({how}, second of two runs), "
                f"{_time(time.perf_counter() - started)} in all; largest difference from SciPy "
                f"{done.difference:.2g} of {before.full_range} grey levels "
                f"({done.difference / before.full_range:.1e} of full range){clipped}"
            )
        return code

    def _default_output(self, picture: Picture) -> Path:
        """In the current directory, in the format of the picture's file if that can hold the picture."""
        from konvolve.io import FORMATS, PictureError, check_holds

        suffix = self.picture.suffix if self.picture else ".png"
        output = Path(f"{picture.name}-{self.verb}{suffix}")
        try:
            if suffix.lower() in FORMATS:
                check_holds(output, picture)
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
    import numpy as np

    from konvolve.io import PictureError

    # float32 has 24 bits: plenty for 8-bit pixels, too near the rounding of 16-bit ones.
    dtype = "float32" if picture.full_range == 255 else "float64"
    with np.errstate(over="ignore"):
        largest = np.abs(kernel).sum() * picture.full_range * picture.pixels.size  # of all sums in an FFT
    if not largest < np.finfo(dtype).max:
        raise PictureError(f"the kernel's values are too large for {dtype}; allowed: smaller ones")
    image, weights = picture.colour.astype(dtype), kernel.astype(dtype)
    plan = konvolve.plan(image.shape, weights.shape, mode="same", axes=(0, 1), dtype=dtype)
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


def _gaussian(sigma: float, size: int) -> np.ndarray:
    """The normalised kernel of `blur`, (size, size, 1), or a `PictureError` for a wrong option."""
    import numpy as np

    from konvolve.io import PictureError

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


def _kernel_from(path: Path, normalize: bool | None) -> np.ndarray:
    """The kernel of `filter`, normalised if asked for, or if it is a picture and nothing was asked for."""
    import numpy as np

    from konvolve.io import PictureError, read_kernel

    kernel = read_kernel(path)
    if path.suffix.lower() != ".npy" if normalize is None else normalize:
        sums = kernel.sum(axis=(0, 1))
        if (np.abs(sums) <= 1e-9 * np.abs(kernel).sum(axis=(0, 1))).any():
            raise PictureError(f"{path}: the kernel's sum is 0, nothing to normalise; allowed: --no-normalize")
        kernel = kernel / sums
    return kernel


def _backend_name(name: str | None) -> str:
    """The backend asked for, or the best there is; `PictureError` if it is unknown or not installed."""
    from konvolve.io import PictureError

    if name not in (None, *BACKENDS):
        raise PictureError(f"--backend {name}: unknown; allowed: {' or '.join(BACKENDS)}")
    installed = importlib.util.find_spec("tensorflow") is not None
    if name == "tensorflow" and not installed:
        raise PictureError('--backend tensorflow: not installed; allowed: numpy, or pip install "konvolve[tensorflow]"')
    return name or ("tensorflow" if installed else "numpy")


def _tensorflow() -> Any:
    """TensorFlow, without its chatter; `PictureError` if the installed one is broken."""
    try:
        with _hushed("TF_CPP_MIN_LOG_LEVEL", "3"):
            return importlib.import_module("tensorflow")
    except Exception as error:
        from konvolve.io import PictureError

        raise PictureError(f"TensorFlow is installed but broken: {error}; allowed: --backend numpy") from error


def _examined(name: str) -> dict[str, str]:
    """The version and devices of a library, found out by a child process: a broken one may crash."""
    if importlib.util.find_spec(name) is None:
        wanted = f'"konvolve[{LIBRARIES[name]}]"' if LIBRARIES[name] else name
        return {"version": "-", "note": f"not installed: pip install {wanted}", "style": "dim"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    script = f"import json, konvolve.cli as cli; print(json.dumps(cli._probed({name!r})))"
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", script],
            env={**quiet, **os.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if child.returncode == 0:
            return json.loads(child.stdout.splitlines()[-1])
        lines = child.stderr.strip().splitlines()
        reason = f"signal {-child.returncode}" if child.returncode < 0 else lines[-1]
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    return {"version": "broken", "note": reason, "style": "red"}


def _probed(name: str) -> dict[str, str]:
    """The version and devices of a library, in this process."""
    library = importlib.import_module(name)
    note = ""
    if name == "tensorflow":
        note = ", ".join(device.name for device in library.config.list_physical_devices())
    elif name == "jax":
        note = ", ".join(str(device) for device in library.devices())
    elif name == "torch":
        gpus = [library.cuda.get_device_name(index) for index in range(library.cuda.device_count())]
        note = ", ".join(["cpu", *gpus, *(["mps"] if library.backends.mps.is_available() else [])])
    elif name == "keras":
        note = f"backend {library.backend.backend()}"
    version = getattr(library, "__version__", None) or importlib.metadata.version(name)
    return {"version": version, "note": note}


@contextmanager
def _hushed(variable: str, value: str) -> Iterator[None]:
    """Set an environment variable, and drop what libraries write on standard error, unless a user has set it.

    TensorFlow 2.17 to 2.21 log from C++ while they are imported, whatever TF_CPP_MIN_LOG_LEVEL says.
    """
    if variable in os.environ:
        yield
        return
    os.environ[variable] = value
    with open(os.devnull, "w") as nowhere, open(os.dup(2), "wb") as kept:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept.fileno(), 2)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], Any]]:
    """A function that shows the present step on a terminal, and nothing elsewhere."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    # A file of its own: `_hushed` points the usual one elsewhere for the longest of the steps.
    with (
        open(os.dup(2), "w", encoding=sys.stderr.encoding) as terminal,
        Console(file=terminal).status("starting") as status,
    ):
        yield status.update


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _complain(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    typer.echo(f"konvolve: {' '.join(message.split())}", err=True)


def _explained(error: Exception) -> str | None:
    """The message for an error that a user can put right; None for a fault of ours."""
    from konvolve.io import PictureError

    if isinstance(error, PictureError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f'{error.name} is not installed: pip install "konvolve[cli]"'
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's
        return "not enough memory; allowed: a smaller picture or kernel"
    # typer's own complaints; their class is private, and has moved between versions.
    if hasattr(error, "format_message"):
        return f"{error.format_message().rstrip('.')}; see konvolve --help"
    return None


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"konvolve {konvolve.__version__}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command; the help is HELP."""


def application() -> Any:
    """The typer application: three commands."""
    # Without rich's markup the help keeps its lines, and "[cli]" is not taken for a style.
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.callback(help=HELP)(_top)
    app.command("blur", help=BLUR_HELP)(blur)
    app.command("filter", help=FILTER_HELP)(filter_)
    app.command("doctor", help=DOCTOR_HELP)(doctor)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or with the program's own; the exit code."""
    if typer is None:
        print('konvolve: the command needs typer: pip install "konvolve[cli]"', file=sys.stderr)
        return 2
    # They log a font cache that is built, and what is wrong with a file, which is for us to say, in one line.
    for name in ("matplotlib", "tifffile"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        return application()(given, prog_name="konvolve", standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if (message := _explained(error)) is None:
            raise
        _complain(message)
        return 2


if __name__ == "__main__":
    sys.exit(main())
