"""A typer application run as a program: its exit code, and what a user can put right said in one line."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import Any

from konvolve.command.bench_options import ELSEWHERE, MOVED
from konvolve.command.mistake import Mistake
from konvolve.command.terminal import NotPrinted, Printer, complain


def run(app: Any, given: list[str], program: str) -> int:
    """Run a typer application of this name; the exit code. What a user can put right is said in one line."""
    import typer  # which is there, since the application is

    # They log a font cache that is built, and what is wrong with a file, which is for us to say, in one line.
    for name in ("matplotlib", "tifffile"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal has no letters for
    try:
        if sys.stdout is not None:
            return _answer(app, given, program)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            code = _answer(app, given, program)
        complain("standard output can't be written: it is closed")
        return code or 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except NotPrinted as error:
        _drop_output()
        complain(str(error))
        return 1
    except Exception as error:
        if (message := _explained(error)) is None:
            raise
        complain(message)
        return 2


def _answer(app: Any, given: list[str], program: str) -> int:
    """Run a command; what it prints is passed on at the end at the latest, so that a failure to do so is noticed."""
    output: Any = Printer(sys.stdout)
    with contextlib.redirect_stdout(output):
        code = app(given, prog_name=program, standalone_mode=False) or 0
        output.flush()
        return code


def _drop_output() -> None:
    """Point standard output, which takes no more, elsewhere, so that Python's end is quiet."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _explained(error: Exception) -> str | None:
    """The message for an error that a user can put right; None for a fault of ours."""
    from konvolve.files.errors import PictureError, SoundError, VolumeError

    if isinstance(error, Mistake | PictureError | SoundError | VolumeError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        extra = {"soundfile": "sound", "soxr": "sound", "dask": "dask", "zarr": "dask", "distributed": "dask"}.get(
            str(error.name).partition(".")[0], "cli"
        )
        return f'{error.name} is not installed: pip install "konvolve[{extra}]"'
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's
        return "not enough memory; allowed: a smaller picture or kernel"
    # typer's own complaints; their class is private, and has moved between versions.
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "konvolve"
        said = error.format_message()
        option = getattr(error, "option_name", None)
        if command == "konvolve bench" and option in MOVED:
            return f"{option} has moved: {ELSEWHERE} has it"
        return f"{said} See {command} --help" if said.endswith("?") else f"{said.rstrip('.')}; see {command} --help"
    if isinstance(error, OSError):  # what no file of ours has met: a folder that is gone, a disk that fails
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return None
