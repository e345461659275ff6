"""What the `konvolve` command shows on a terminal, and what it keeps from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Mistake(ValueError):
    """Something that was asked for and can't be; the message, of one line, says what is allowed."""


@contextmanager
def hushed(variable: str, value: str) -> Iterator[None]:
    """Set an environment variable, and drop what libraries write on standard error, unless a user asks for more.

    TensorFlow 2.17 to 2.21 log from C++ while they are imported, whatever TF_CPP_MIN_LOG_LEVEL says. Who has set it to
    this value already wants what we want.
    """
    if os.environ.get(variable, value) != value or sys.stderr is None:
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
def progress(quiet: bool) -> Iterator[Callable[[str], Any]]:
    """A function that shows the present step on a terminal, and nothing elsewhere."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    # A file of its own: `hushed` points the usual one elsewhere for the longest of the steps.
    with (
        open(os.dup(2), "w", encoding=sys.stderr.encoding) as terminal,
        Console(file=terminal).status("starting") as status,
    ):
        yield status.update


def duration(seconds: float) -> str:
    """Seconds or milliseconds, as a person reads them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def shown(text: str) -> str:
    """Text on one line, and without what a terminal would take for a command."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in _printable(text))


def _printable(text: str) -> str:
    """Text whose bytes that are no UTF-8, which names of files may hold, are written out."""
    return text.encode(errors="backslashreplace").decode()


def complain(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    if sys.stderr is not None:
        print("konvolve:", *map(shown, message.split()), file=sys.stderr)
