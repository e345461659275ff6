"""The `konvolve` command: `blur` and `filter` a picture, `plan` what would be done, `bench`, `doctor`.

Only typer is imported at the top, so that `konvolve --help` is quick; array libraries, Pillow and Matplotlib
come with the command that needs them. A failure a user can put right is one line on standard error and
exit code 2; what these are is decided in one place, `_explained`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import konvolve
from konvolve.terminal import complain

try:
    import typer
except ImportError:  # the [cli] extra is missing; `main` says so. The annotations below are never evaluated.
    typer = None  # type: ignore[assignment]

HELP = """Convolution of pictures, on TensorFlow or NumPy, as SciPy's fftconvolve does it.

\b
  konvolve blur                          blur a sample picture, and draw what was done
  konvolve blur photo.jpg --sigma 5 --size 31
  konvolve filter photo.png kernel.npy -o sharp.png
  konvolve plan 768x1024x3 60x60x1 --mode same --axes 0,1   which method, and what each would cost
  konvolve bench                         how fast it is here, beside what else is installed
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

PLAN_HELP = """Say which method would convolve two shapes, in what time and memory, and what the others would take.

\b
SIGNAL and KERNEL are sizes with x between them; ? is a size that is known only at run time. The library need
not be installed. Times are predicted for this machine where `konvolve bench --calibrate` has been run, and
otherwise for the two cores the constants were measured on: there, read the ratios.

\b
EXAMPLES
  konvolve plan 768x1024x3 60x60x1 --mode same --axes 0,1
  konvolve plan 10000000 1001 --library torch
  konvolve plan ?x256x256 1x31x31 --axes 1,2 --boundary wrap,reflect --dtype float64
"""

BENCH_HELP = """Time konvolve beside SciPy, OpenCV, JAX, PyTorch, CuPy and TensorFlow, as far as they are installed.

\b
All contestants of a workload take turns in one process, and each one's first answer is checked against SciPy in
float64. Leave the machine alone meanwhile. The results go to a JSON file, tables (.md) and a chart (.png) beside
it; benchmarks/README.md in the repository says how to read them.

\b
EXAMPLES
  konvolve bench --quick                              3 rounds, without the slow direct sums
  konvolve bench --only face,reverb --repeats 30
  konvolve bench --library numpy,torch --json torch.json
  konvolve bench --report torch.json                  measures nothing: shows what was measured
  konvolve bench --validate 300 --library torch       every method timed, the chosen one against the best
  konvolve bench --sweep                              cost against size, from 10^3 to 10^8 samples
  konvolve bench --memory                             every method's peak against what its plan predicts
  konvolve bench --calibrate                          from now on plans are made for this machine

\b
--calibrate times every method on random problems, fits the constants of the cost model to them, judges them on
other problems, and keeps them in the user's cache folder if they choose no worse than the shipped ones; some
minutes for each library. `konvolve doctor` says which constants are in use.
"""

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
    from konvolve.job import Job, gaussian_kernel

    return Job(picture, output, "blur", backend, explain, quiet).run(lambda: gaussian_kernel(sigma, size))


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
    from konvolve.job import Job, kernel_from

    job = Job(picture, output, "filter", backend, explain, quiet, kernel)
    return job.run(lambda: kernel_from(kernel, normalize))


def plan(
    signal: Annotated[str, typer.Argument(help="The signal's shape: 768x1024x3.")],
    kernel: Annotated[str, typer.Argument(help="The kernel's shape: 60x60x1.")],
    mode: Annotated[str, typer.Option(help="full, same or valid.")] = "full",
    axes: Annotated[str | None, typer.Option(metavar="0,1,...", help="The axes convolved  [default: all]")] = None,
    method: Annotated[str, typer.Option(help="auto, or one of the methods.")] = "auto",
    boundary: Annotated[
        str, typer.Option(help="zero, wrap, reflect, symmetric, nearest or a number; or one per axis, with commas.")
    ] = "zero",
    function: Annotated[str, typer.Option(help="convolve, correlate, fftconvolve or oaconvolve.")] = "convolve",
    dtype: Annotated[str, typer.Option(help="Of both arrays.")] = "float32",
    library: Annotated[str, typer.Option(help="tensorflow, numpy, jax, jax32 or torch.")] = "tensorflow",
) -> None:
    """Say which method would be taken; the help is PLAN_HELP."""
    from konvolve import explain

    options = {"mode": mode, "axes": explain.axes(axes), "boundary": explain.boundary(boundary)}
    explain.explain(signal, kernel, method, function=function, dtype=dtype, library=library, **options)


def bench(
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these workloads.")] = None,
    library: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only contestants on numpy, tensorflow, jax, torch, cupy.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Rounds  [default: 15; with --quick 3]")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few rounds, without the slow direct sums.")] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="OUT", help="The results  [default: ./konvolve-bench.json]")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="RESULTS", help="Only show a results file.")] = None,
    validate: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Instead: judge the choice of method on N random problems.")
    ] = None,
    sweep: Annotated[bool, typer.Option("--sweep", help="Instead: time the same question at many sizes.")] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Instead: measure each method's peak of memory beside its prediction.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Instead: fit planning's constants to this machine, and keep them.")
    ] = False,
) -> int:
    """Time konvolve beside its peers; the help is BENCH_HELP."""
    # On a GPU several libraries share its memory: none shall take all of it at the start.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    from konvolve.bench.command import bench

    return bench(only, library, repeats, quick, json, report, validate, calibrate, sweep, memory)


def doctor_() -> None:
    """Show what is installed; the help is DOCTOR_HELP."""
    from konvolve.doctor import doctor

    doctor()


def _explained(error: Exception) -> str | None:
    """The message for an error that a user can put right; None for a fault of ours."""
    from konvolve.explain import Mistake
    from konvolve.io import PictureError

    if isinstance(error, PictureError | Mistake):
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
    """The typer application: five commands."""
    # Without rich's markup the help keeps its lines, and "[cli]" is not taken for a style.
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.callback(help=HELP)(_top)
    app.command("blur", help=BLUR_HELP)(blur)
    app.command("filter", help=FILTER_HELP)(filter_)
    app.command("plan", help=PLAN_HELP)(plan)
    app.command("bench", help=BENCH_HELP)(bench)
    app.command("doctor", help=DOCTOR_HELP)(doctor_)
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
        complain(message)
        return 2


if __name__ == "__main__":
    sys.exit(main())
