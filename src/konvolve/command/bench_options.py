"""What ``konvolve bench`` was asked for, checked before anything is measured."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from konvolve.command.mistake import Mistake

# What a checkout of the repository has beside this command, and the options that lead there.
ELSEWHERE = "python -m benchmarks in a checkout"
MOVED = ("--report", "--validate", "--channels", "--sweep", "--memory")


def chosen(given: str | None, known: Sequence[str], option: str, more: str = "") -> list[str]:
    """Read a list of names with commas between them: all of `known` where none is given.

    `more` ends the message that says which are allowed.
    """
    if given is None:
        return list(known)
    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    allowed = f"allowed: {', '.join(known)}{more}"
    if not names:
        raise Mistake(f"{option} {given!r}: no name in it; {allowed}")
    for name in names:
        if name not in known:
            raise Mistake(f"{option} {name!r}: unknown; {allowed}")
    return names


def unused(kind: str | None, asked: dict[str, tuple[bool, Sequence[str | None]]]) -> None:
    """Refuse an option, given or not, that has no meaning in this kind of measurement."""
    for option, (is_given, kinds) in asked.items():
        if is_given and kind not in kinds:
            where = f"with {kind}" if kind else f"without {' or '.join(name for name in kinds if name)}"
            raise Mistake(f"{option} has no meaning {where}; see --help")


def installed(libraries: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of the libraries that are `known`, which konvolve runs on, and installed."""
    found = [name for name in libraries if name in known and importlib.util.find_spec(name)]
    if not found:
        raise Mistake(f"--library {','.join(libraries)}: not installed; allowed: {', '.join(known)}, where installed")
    return found


def check_output(output: Path, *beside: Path) -> None:
    """Raise `Mistake` unless the results file, and what is written beside it, can be written."""
    from konvolve.files.encoding import check_writable

    if output.name == "" or output.is_dir():
        raise Mistake(f"--json {output}: a folder; allowed: a file")
    if not output.parent.is_dir():
        raise Mistake(f"--json {output}: there is no folder {output.parent}; allowed: a folder that is there")
    for path in (output, *beside):
        check_writable(path)


def check_cache() -> None:
    """Raise `Mistake` unless measured constants can be kept."""
    from konvolve.files.encoding import check_writable
    from konvolve.profiles import measured

    try:
        path = measured.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except (OSError, RuntimeError, Mistake) as error:  # RuntimeError: there is no home
        raise Mistake(
            f"--calibrate: the constants can't be kept: {error}; allowed: another folder, named by the environment "
            f"variable {measured.FOLDER}"
        ) from error
