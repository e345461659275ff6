"""The tables of ``python -m benchmarks`` on a terminal: everything where there is room, else what fits 80 columns."""

from __future__ import annotations

from benchmarks import report
from konvolve.bench import machine

# Left out where there is no room; the tables in Markdown have them.
_LESS = ("best ms", "best µs", "error", "remarks")


def show(results: dict) -> None:
    """Print the tables; on a narrow terminal without the columns that matter least."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(markup=False, highlight=False)
    console.print(machine.line(results["machine"]))
    anything = console.options.update(max_width=10_000)  # a measurement stops at the width there is
    needed = 0
    for name, title, (head, body), said in report.sections(results):
        heading = f"{name}: {title}"
        table = _table(heading, head, body, said)
        width = Measurement.get(console, anything, table).maximum
        if width > console.width:
            needed = max(needed, width)
            table = _table(heading, *_narrowed(head, body, said))
        console.print()
        console.print(table)
    if needed:
        console.print(f"\nWhere {needed} columns fit, as in the tables in Markdown, there is more.")


def _table(title: str, head: list[str], body: list[list[str]], said: str):
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False, title_justify="left", caption_justify="left")
    table.title, table.caption = Text(title), Text(said) if said else None
    for column in head:
        numbers = column.startswith(("median", "best", "of ", "ratio", "error", "worst")) or "MiB" in column
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in body:
        table.add_row(*map(Text, row), style="bold" if row[0].startswith("konvolve") else None)
    return table


def _narrowed(head: list[str], body: list[list[str]], said: str) -> tuple[list[str], list[list[str]], str]:
    """Fewer columns, and why a contestant has no time below them."""
    if "remarks" in head:
        kept = [number for number, column in enumerate(head) if column not in _LESS]
        # What stands for the time of a contestant without one is a word.
        without = [row for row in body if not row[2][:1].isdigit()]
        reasons = [f"{row[0]}: {row[2]}{f', {row[-1]}' if row[-1] else ''}" for row in without]
        said = "\n".join(filter(None, [said, *reasons]))
        head = [column.replace(" (", "\n(") for column in head]
        return [head[n] for n in kept], [[row[n] for n in kept] for row in body], said
    if head == report.VERDICTS:
        lines = [[f"{name}: {ours}\n  to {other}", ratio, aim] for name, ours, ratio, aim, other in body]
        return ["konvolve's entry, and the other", *head[2:4]], lines, said
    return head, body, said
