"""The work of ``konvolve bench``: a short race against what is installed, or planning's constants for this machine."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from konvolve.command import bench_options as options
from konvolve.command.terminal import hushed

Bar = Callable[[str, int], Callable[[], None]]


def bench(
    only: str | None, library: str | None, repeats: int | None, quick: bool, output: Path | None, calibrate: bool
) -> int:
    """Measure, show, and write the results where a name for them is given; the exit code."""
    from konvolve.backends import registry
    from konvolve.bench.libraries import LIBRARIES
    from konvolve.bench.workloads import WORKLOADS

    share_gpus()
    kind = "--calibrate" if calibrate else None
    options.unused(kind, {"--only": (only is not None, (None,)), "--repeats": (repeats is not None, (None,))})
    names = options.chosen(only, tuple(WORKLOADS), "--only", f"; others by {options.ELSEWHERE}")
    libraries = options.chosen(library, LIBRARIES, "--library")
    libraries = options.installed(libraries, ("numpy", *registry.LIBRARIES) if calibrate else LIBRARIES)
    if output is not None:
        options.check_output(output)
    if calibrate:
        options.check_cache()
        results = fitted(libraries, 25 if quick else 60)
        _show_constants(results["calibration"])
        say_where(results["calibration"])
    else:
        results = timed(names, libraries, repeats or (3 if quick else 15), quick)
        show_race(results)
    if output is not None:
        save(output, results)
        print(f"written: {output}")
    return 0


def share_gpus() -> None:
    """Before libraries start: several share a GPU's memory, and none shall take all of it at once."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def save(path: Path, results: dict) -> None:
    """Write a results file, whole or not at all."""
    from konvolve.files.encoding import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n")


@contextmanager
def bars() -> Iterator[Bar]:
    """A function that opens a progress bar of so many steps and returns what takes a step."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:14}"), BarColumn(), TimeElapsedColumn()
    # Once a second: a bar that is drawn while others are timed would be part of their time.
    with Progress(*columns, transient=True, refresh_per_second=1, console=Console(stderr=True)) as progress:

        def open_bar(name: str, total: int) -> Callable[[], None]:
            task = progress.add_task(name, total=total)
            return lambda: progress.advance(task)

        yield open_bar


def start_quietly(libraries: Sequence[str]) -> None:
    """Have TensorFlow say what it says when it starts before there is a table to tear."""
    if "tensorflow" in libraries and importlib.util.find_spec("tensorflow"):
        with hushed("TF_CPP_MIN_LOG_LEVEL", "3"):
            import tensorflow as tf

            tf.signal.rfft(tf.zeros(8))


def timed(names: Sequence[str], libraries: Sequence[str], repeats: int, quick: bool) -> dict:
    """Have everyone on these libraries answer these workloads in turn; the results file's contents."""
    from konvolve.bench import contestants, machine, measure
    from konvolve.bench.everyone import everyone
    from konvolve.bench.results import summary
    from konvolve.bench.workloads import WORKLOADS

    entered = everyone()
    racing = [one for one in entered if one.library in libraries]
    results: dict[str, Any] = {"machine": machine.describe(), "repeats": repeats, "quick": quick, "workloads": {}}
    with bars() as bar:
        start_quietly(libraries)
        for name in names:
            entries = measure.race(WORKLOADS[name], racing, repeats, bar(name, repeats))
            results["workloads"][name] = summary(WORKLOADS[name], entries)
    results["machine"]["devices"] = machine.devices()
    results["not_installed"] = contestants.missing(entered)
    return results


def fitted(libraries: Sequence[str], count: int) -> dict:
    """Fit planning's constants to this machine, and keep them; the results file's contents."""
    from konvolve.bench import calibrate, machine

    results: dict[str, Any] = {"machine": machine.describe(), "calibration": {}}
    with bars() as bar:
        for name in libraries:
            results["calibration"][name] = calibrate.calibrated(name, count, bar(name, 2 * count))
    results["machine"]["devices"] = machine.devices()
    return results


def say_where(calibration: dict) -> None:
    """Print where the constants are, unless none was kept."""
    from konvolve.profiles.measured import path

    if any(each["stored"] for each in calibration.values()):
        print(f"constants in {path()}, in use from the next process on")


def show_race(results: dict) -> None:
    """Print one table for all workloads, and below it what each of them is."""
    from rich.console import Console
    from rich.table import Table

    from konvolve.bench import machine
    from konvolve.bench.results import remarks, table

    head, body = table(results["workloads"])
    # Two spaces between columns: all of them fit a terminal of 80.
    printed = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, column in enumerate(head):
        printed.add_column(column.replace("_", "\n"), justify="right" if number else "left")
    for row in body:
        printed.add_row(*row, style="bold" if row[0].startswith("konvolve") else None)
    lines = remarks(results["workloads"])
    if results["not_installed"]:
        lines.append(f"not installed, and so not in it: {', '.join(results['not_installed'])}")
    console = Console(markup=False, highlight=False)
    console.print(machine.line(results["machine"]), "", printed, "", *lines, sep="\n")


def _show_constants(calibration: dict) -> None:
    """Print a line for each library."""
    from rich.console import Console
    from rich.table import Table

    from konvolve.bench import calibrate

    head, body = calibrate.rows(calibration)
    table = Table(*head)
    for row in body:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
