"""`konvolve plan`: what would be done with two shapes, and what the other methods would cost, as a table."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import konvolve
from konvolve.command.mistake import Mistake
from konvolve.command.terminal import duration
from konvolve.planning.signal import plan
from konvolve.planning.signal.plan import Plan
from konvolve.planning.words import bytes_text


def shape(text: str, name: str) -> tuple[int | None, ...]:
    """Read sizes with x between them, ? for one that is not known.

    >>> shape("768x1024x?", "SIGNAL")
    (768, 1024, None)
    """
    try:
        return tuple(None if part == "?" else int(part) for part in text.lower().split("x"))
    except ValueError:
        raise Mistake(f"{name} {text!r}: allowed: sizes with x between them, 768x1024x3, ? for unknown ones") from None


def axes(text: str | None) -> tuple[int, ...] | None:
    """Read axes with commas between them.

    >>> axes("0,1")
    (0, 1)
    """
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise Mistake(f"--axes {text!r}: allowed: whole numbers with commas between them, 0,1") from None


def boundary(text: str) -> Any:
    """Read a boundary's name or value, or one for each axis.

    >>> boundary("wrap,0.5")
    ['wrap', 0.5]
    """

    def one(part: str) -> str | float:
        try:
            return float(part)
        except ValueError:
            return part

    parts = [one(part.strip()) for part in text.split(",")]
    return parts if len(parts) > 1 else parts[0]


def size(text: str, option: str = "--max-memory") -> int:
    """Read a number of bytes, K, M and G being powers of 1024.

    >>> size("1.5k")
    1536
    """
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    unit = units.get(text[-1:].upper(), 1)
    try:
        return int(float(text if unit == 1 else text[:-1]) * unit)
    except (ValueError, OverflowError):
        raise Mistake(f"{option} {text!r}: allowed: a number of bytes, such as 500000000, 500M or 2G") from None


def explain(signal: str, kernel: str, method: str, **options: Any) -> None:
    """Show the plan for a signal and a kernel of these shapes, and the methods that are not taken beside it."""
    from rich.console import Console
    from rich.table import Table

    one, two = shape(signal, "SIGNAL"), shape(kernel, "KERNEL")
    choosable = options["function"] in ("convolve", "correlate")
    if not choosable and (method != "auto" or options["boundary"] != "zero" or "max_memory" in options):
        raise Mistake(f"--function {options['function']} has neither --method nor --boundary nor --max-memory")
    try:
        taken = konvolve.plan(one, two, method=method, explain=True, **options)
    except (ValueError, TypeError) as error:
        raise Mistake(str(error)) from None
    table = Table("method", title_justify="left", caption_justify="left")
    for column in ("predicted time", "of the best", "memory"):
        table.add_column(column, justify="right")
    table.add_column("how")
    rows = plan.rows(taken)
    best = min((estimate.seconds for _, estimate, _ in rows if estimate), default=None)
    for name, estimate, how in rows:
        mark, style = ("→", "bold") if name == taken.method else (" ", None)
        figures = ("?", "", "?")
        if estimate and best is not None:
            ratio = f"{estimate.seconds / best:.3g}" if best else ""
            figures = duration(estimate.seconds), ratio, _size(estimate.bytes)
        table.add_row(f"{mark} {name}", *figures, how, style=style)
    lines = str(taken).splitlines()
    # Not on a terminal, rich takes 80 columns and breaks the words.
    console = Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False)
    console.print(f"{lines[0]}, on {options['library']}")
    for line in lines[1:]:
        if line.split()[0] in ("result", "method", "integers"):
            console.print(line)
    console.print(table)
    if hint := separable_hint(taken, rows):
        console.print(hint, width=80)


def separable_hint(taken: Plan, rows: Sequence[plan.Row]) -> str:
    """What auto would take where the table shows one pass per axis as quicker than the method taken."""
    seconds = {name: estimate.seconds for name, estimate, _ in rows if estimate}
    if taken.method == "separable" or not seconds.get("separable", math.inf) < seconds.get(taken.method, 0):
        return ""
    if taken.separable is None:
        return f"auto takes {taken.method} for a product of one kernel per axis, too: separable is not clearly quicker."
    return (
        "auto takes separable where it can look at the kernel's values (not while a function is compiled) and they are "
        f"a product of one kernel per axis, and {taken.method} elsewhere."
    )


def _size(count: int) -> str:
    """Bytes, as a person reads them."""
    return bytes_text(count) if count >= 2**20 else f"{count / 2**10:.1f} KiB"
