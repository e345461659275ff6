"""The `konvolve` command: `blur` and `filter` a picture, `reverb` a sound, `plan`, `bench`, `doctor`.

Only typer is imported at the top, so that `konvolve --help` is quick; array libraries, Pillow and Matplotlib
come with the command that needs them. A failure a user can put right is one line on standard error and
exit code 2; `program.py` decides which these are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import konvolve
from konvolve.command.array_options import Options
from konvolve.command.help import BENCH_HELP, BLUR_HELP, DOCTOR_HELP, FILTER_HELP, HELP, PLAN_HELP, REVERB_HELP
from konvolve.command.mistake import Mistake
from konvolve.command.program import run

try:
    import typer

    from konvolve.command.options import (
        Axes,
        Backend,
        Boundary,
        Check,
        Chunks,
        Explain,
        Figure,
        MaxPixels,
        Memory,
        Output,
        Overwrite,
        PlanOnly,
        Quiet,
        Resume,
        Scheduler,
        Sparse,
        Workers,
    )
except ImportError:  # the [cli] extra is missing; `main` says so. The annotations below are never evaluated.
    typer = None  # type: ignore[assignment]


# Without rich's markup the help keeps its lines, and "[cli]" is not taken for a style.
SETTINGS: dict[str, Any] = {
    "rich_markup_mode": None, "add_completion": False, "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}  # fmt: skip


def blur(
    pictures: Annotated[
        list[str] | None, typer.Argument(metavar="PICTURE", help="Files or a folder; a sample if left out.")
    ] = None,
    sigma: Annotated[float, typer.Option(help="Standard deviation of the Gaussian, in pixels, above 0.")] = 14.1,
    size: Annotated[
        int | None, typer.Option(help="Width and height of the kernel  [default: 4 sigma to each side]")
    ] = None,
    output: Output = None,
    boundary: Boundary = "reflect",
    check: Check = None,
    figure: Figure = None,
    max_pixels: MaxPixels = None,
    backend: Backend = None,
    explain: Explain = False,
    quiet: Quiet = False,
    axes: Axes = None,
    memory: Memory = None,
    chunks: Chunks = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plan: PlanOnly = False,
    resume: Resume = False,
    overwrite: Overwrite = False,
    sparse: Sparse = False,
) -> int:
    """Smooth pictures with a Gaussian kernel; the help is BLUR_HELP."""
    from konvolve.command.kernels import gaussian_kernel
    from konvolve.command.picture import Job

    given = tuple(pictures or ())
    options = _for_arrays(axes, None, memory, chunks, workers, scheduler, plan, resume, overwrite, sparse)
    if _is_array(given, options, {"--size": size, "--check": check, "--max-pixels": max_pixels, "--explain": explain}):
        from konvolve.command.kernels import check_sigma
        from konvolve.command.volume import Job as ArrayJob

        check_sigma(sigma)
        return ArrayJob(given[0], "blur", output, backend, boundary, figure, quiet, options, sigma=sigma).run()
    job = Job(given, "blur", None, output, backend, boundary, check, figure, max_pixels, explain, quiet)
    return job.run(lambda: gaussian_kernel(sigma, size))


def filter_(
    pictures: Annotated[
        list[str], typer.Argument(metavar="PICTURE... KERNEL", help="Files or a folder, then a kernel.")
    ],
    output: Output = None,
    normalize: Annotated[
        bool | None,
        typer.Option(
            "--normalize/--no-normalize",
            help="Divide the kernel by its sum  [default: only if it is a picture]",
            show_default=False,
        ),
    ] = None,
    boundary: Boundary = "reflect",
    check: Check = None,
    figure: Figure = None,
    max_pixels: MaxPixels = None,
    backend: Backend = None,
    explain: Explain = False,
    quiet: Quiet = False,
    axes: Axes = None,
    mode: Annotated[str | None, typer.Option(help="Arrays: full, same or valid  [default: same]")] = None,
    memory: Memory = None,
    chunks: Chunks = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plan: PlanOnly = False,
    resume: Resume = False,
    overwrite: Overwrite = False,
    sparse: Sparse = False,
) -> int:
    """Convolve pictures with any kernel; the help is FILTER_HELP."""
    from konvolve.command.kernels import kernel_from
    from konvolve.command.picture import Job

    if len(pictures) < 2:
        raise Mistake(
            "Missing argument 'KERNEL': a name such as sharpen, a .npy file or a picture; see konvolve filter --help"
        )
    *given, kernel = pictures
    options = _for_arrays(axes, mode, memory, chunks, workers, scheduler, plan, resume, overwrite, sparse)
    if _is_array(tuple(given), options, {"--check": check, "--max-pixels": max_pixels, "--explain": explain}):
        from konvolve.command.volume import Job as ArrayJob

        asked: dict[str, Any] = {"kernel": kernel, "normalize": normalize}
        return ArrayJob(given[0], "filter", output, backend, boundary, figure, quiet, options, **asked).run()
    job = Job(tuple(given), "filter", kernel, output, backend, boundary, check, figure, max_pixels, explain, quiet)
    return job.run(lambda: kernel_from(kernel, normalize, max_pixels))


def _for_arrays(
    axes: str | None, mode: str | None, memory: str | None, chunks: str | None, workers: int | None,
    scheduler: str | None, plan: bool, resume: bool, overwrite: bool, sparse: bool,
) -> Options:  # fmt: skip
    """The options for arrays in files, and which of them were given."""
    given = {
        "axes": axes, "mode": mode, "memory": memory, "chunks": chunks, "workers": workers, "scheduler": scheduler,
        "plan": plan or None, "resume": resume or None, "overwrite": overwrite or None, "sparse": sparse or None,
    }  # fmt: skip
    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return Options(**asked, asked=tuple(f"--{name}" for name in asked))


def _is_array(given: tuple[str, ...], options: Options, pictures: dict[str, Any]) -> bool:
    """Whether an array in a file is given; `Mistake` for several, and for options that are of pictures alone."""
    from konvolve.files import volumes

    found = [each for each in given if volumes.is_volume(each)]
    if not found:
        if options.asked:
            raise Mistake(f"{options.asked[0]}: for arrays in files; allowed with {volumes.ALLOWED}")
        return False
    if len(given) > 1:
        raise Mistake(f"{found[0]}: an array in a file; allowed: one at a time")
    for name, value in pictures.items():
        if value not in (None, False):
            raise Mistake(f"{name}: for pictures, and {found[0]} is an array in a file; allowed: without it")
    return True


def reverb(
    dry: Annotated[str | None, typer.Argument(metavar="DRY", help="The sound; a sample if left out.")] = None,
    room: Annotated[
        str | None, typer.Argument(metavar="ROOM", help="The room's impulse response; a sample's if left out.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="[default: ./<sound>-reverb.<its format>]")
    ] = None,
    wet: Annotated[float, typer.Option(help="The wet sound's part of the mix, 0 to 1.")] = 0.3,
    gain: Annotated[
        str, typer.Option(metavar="auto|DB", help="Of the wet sound: as loud as the dry one, or decibels.")
    ] = "auto",
    tail: Annotated[bool, typer.Option("--tail", help="Go on until the room is silent.")] = False,
    resample: Annotated[bool, typer.Option("--resample", help="Bring the room to the sound's rate.")] = False,
    figure: Annotated[bool, typer.Option("--figure/--no-figure", help="Draw waves and spectrograms.")] = True,
    quiet: Quiet = False,
) -> int:
    """Put a sound into a room; the help is REVERB_HELP."""
    from konvolve.command.reverb import Job

    return Job(dry, room, output, wet, gain, tail, resample, figure, quiet).run()


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
    max_memory: Annotated[
        str | None, typer.Option(metavar="BYTES", help="A ceiling for the memory: 500M, 2G  [default: none]")
    ] = None,
) -> None:
    """Say which method would be taken; the help is PLAN_HELP."""
    from konvolve.command import plan as explain

    options: dict[str, Any] = {"mode": mode, "axes": explain.axes(axes), "boundary": explain.boundary(boundary)}
    if max_memory is not None:
        options["max_memory"] = explain.size(max_memory)
    explain.explain(signal, kernel, method, function=function, dtype=dtype, library=library, **options)


def bench(
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these workloads.")] = None,
    library: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only contestants on numpy, tensorflow, jax, torch, cupy.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Rounds  [default: 15]")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="3 rounds; 25 problems with --calibrate, not 60.")] = False,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write every sample to this file, too.")] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Instead: fit planning's constants to this machine, and keep them.")
    ] = False,
) -> int:
    """Time konvolve beside its peers; the help is BENCH_HELP."""
    from konvolve.command.bench import bench

    return bench(only, library, repeats, quick, json, calibrate)


def doctor_(
    full: Annotated[bool, typer.Option("--full", help="Wait for libraries that are slow to import.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Time a few convolutions: whether the planning constants fit this machine.")
    ] = False,
) -> None:
    """Show what is installed; the help is DOCTOR_HELP."""
    from konvolve.command.doctor import doctor

    doctor(full, check)


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
    """The typer application: six commands."""
    app = typer.Typer(**SETTINGS)
    app.callback(help=HELP)(_top)
    app.command("blur", help=BLUR_HELP)(blur)
    app.command("filter", help=FILTER_HELP)(filter_)
    app.command("reverb", help=REVERB_HELP)(reverb)
    app.command("plan", help=PLAN_HELP)(plan)
    app.command("bench", help=BENCH_HELP)(bench)
    app.command("doctor", help=DOCTOR_HELP)(doctor_)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or with the program's own; the exit code."""
    if typer is None:
        print('konvolve: the command needs typer: pip install "konvolve[cli]"', file=sys.stderr)
        return 2
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if given[0] == "help":
        given = [*given[1:], "--help"]
    return run(application(), given, "konvolve")


if __name__ == "__main__":
    sys.exit(main())
