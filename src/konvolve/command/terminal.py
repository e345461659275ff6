"""What the `konvolve` command shows on a terminal, and what it keeps from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from konvolve.planning import words


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
    """A time in the unit in which a person reads it.

    >>> duration(0.0213), duration(2.5), duration(86400.0)
    ('21.3 ms', '2.50 s', '24.0 h')
    """
    return f"{seconds:.2f} s" if 1 <= seconds < words.LONG else words.seconds_text(seconds)


def shown(text: str) -> str:
    """Text on one line, and without what a terminal would take for a command."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in _printable(text))


def _printable(text: str) -> str:
    """Text whose bytes that are no UTF-8, which names of files may hold, are written out."""
    return text.encode(errors="backslashreplace").decode()


def complain(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    if sys.stderr is not None:
        with suppress(OSError):  # nobody hears it, and the exit code says it
            print("konvolve:", *map(shown, message.split()), file=sys.stderr, flush=True)


class NotPrinted(Exception):
    """Standard output takes no more: the disk is full, or whoever read it has gone."""


class Printer:
    """Standard output, whose failures are told apart from those of files: they are raised as `NotPrinted`."""

    def __init__(self, stream: Any):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write as the stream does."""
        with self._noticed():
            return self._stream.write(text)

    def flush(self) -> None:
        """Pass on what has been written."""
        with self._noticed():
            self._stream.flush()

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise NotPrinted(f"standard output can't be written: {error.strerror or error}") from error
