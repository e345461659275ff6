"""The work of ``konvolve bench``: measure, show, and write the results and their chart."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MEASURES = ("import_time", "peak_memory")


def chosen(given: str | None, known: Sequence[str], option: str) -> list[str]:
    """Read a list of names with commas between them: all of `known` where none is given."""
    if given is None:
        return list(known)
    names = [name.strip() for name in given.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise _mistake(f"{option} {name!r}: allowed are {', '.join(known)}")
    return names


def _mistake(message: str) -> Exception:
    import typer

    return typer.BadParameter(message)


def questions() -> dict[str, Any]:
    """All workloads, by name."""
    from konvolve.bench.layers import LAYERS
    from konvolve.bench.workloads import WORKLOADS

    return WORKLOADS | LAYERS


def load(path: Path) -> dict:
    """Read a results file."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _mistake(f"{path} is not a results file: {error}") from error


def save(path: Path, results: dict) -> None:
    """Write a results file, whole or not at all."""
    from konvolve.encode import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n")


@contextmanager
def bars() -> Iterator[Callable[[str, int], Callable[[], None]]]:
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


def bench(
    only: str | None,
    library: str | None,
    repeats: int | None,
    quick: bool,
    output: Path | None,
    report: Path | None,
    validate: int | None,
    channels: bool,
    calibrate: bool,
    sweep: bool,
    memory: bool,
) -> int:
    """Measure, or show what was measured; the exit code."""
    from konvolve.bench import contestants

    if report is not None:
        results = load(report)
        _write_report(results, report)
        show(results)
        return 0
    if channels and validate is None:
        raise _mistake("--channels goes with --validate: it judges the choice of konvolve.nn and the layers")
    names = chosen(only, (*questions(), *MEASURES), "--only")
    libraries = chosen(library, contestants.LIBRARIES, "--library")
    kinds = {"calibration": calibrate, "validation": validate is not None, "sweep": sweep, "memory": memory}
    kind = next((kind for kind, asked in kinds.items() if asked), "bench")
    output = output or Path(f"konvolve-{kind}.json")
    if not output.parent.is_dir():
        raise _mistake(f"--json {output}: there is no folder {output.parent}")
    if calibrate:
        results = fitted(installed(libraries), 25 if quick else 60)
    elif validate is not None:
        results = judged(installed(libraries), validate, "channels" if channels else "family")
    elif sweep:
        results = swept(libraries, quick)
    elif memory:
        results = weighed(installed(libraries), quick)
    else:
        results = measured(names, libraries, repeats or (3 if quick else 15), quick, output)
    save(output, results)
    _write_report(results, output)
    show(results)
    if calibrate:
        from konvolve import calibration

        print(f"constants in {calibration.path()}, in use from the next process on")
    print(f"{output}, {output.with_suffix('.md')} and {output.with_suffix('.png')} are written")
    return 0


def _write_report(results: dict, path: Path) -> None:
    from konvolve.bench import chart, memory, report, sweeps, validate

    path.with_suffix(".md").write_text(report.markdown(results))
    if "calibration" in results:
        judged = {library: found["judged"] for library, found in results["calibration"].items()}
        validate.plot(judged, path.with_suffix(".png"))
    elif "validation" in results:
        validate.plot(results["validation"], path.with_suffix(".png"))
    elif "sweeps" in results:
        sweeps.plot(results["sweeps"], path.with_suffix(".png"))
    elif "memory" in results:
        memory.plot(results["memory"], path.with_suffix(".png"))
    else:
        chart.chart(results, path.with_suffix(".png"))


def measured(names: Sequence[str], libraries: Sequence[str], repeats: int, quick: bool, output: Path) -> dict:
    """Run these workloads and measures; the results file's contents, saved after each workload."""
    from konvolve.bench import fresh, machine

    asked = questions()
    results: dict[str, Any] = {"machine": machine.describe(), "repeats": repeats, "quick": quick, "workloads": {}}
    with bars() as bar:
        # First, while this process is small and its libraries' threads do not exist yet.
        if "import_time" in names:
            times = 3 if quick else 7
            results["import_time"] = fresh.import_time(times, bar("import_time", times + 1))
        if "peak_memory" in names:
            results["peak_memory"] = fresh.peak_memory(bar("peak_memory", len(fresh.PEAKS)))
        if set(names) - set(MEASURES):
            _start_quietly(libraries)
        for name in (name for name in names if name in asked):
            results["workloads"][name] = _workload(asked[name], libraries, repeats, quick, bar(name, repeats))
            save(output, results)
    results["machine"]["devices"] = machine.devices()
    results["not_installed"] = sorted({module for one in everyone() for module in one.missing})
    return results


def installed(libraries: Sequence[str]) -> list[str]:
    """Those of the libraries that konvolve runs on and that are installed."""
    found = [name for name in libraries if name != "cupy" and importlib.util.find_spec(name)]
    if not found:
        raise _mistake(f"--library {','.join(libraries)}: not installed")
    return found


def _start_quietly(libraries: Sequence[str]) -> None:
    """Have TensorFlow say what it says when it starts before there is a table to tear."""
    from konvolve.terminal import hushed

    if "tensorflow" in libraries and importlib.util.find_spec("tensorflow"):
        with hushed("TF_CPP_MIN_LOG_LEVEL", "3"):
            import tensorflow as tf

            tf.signal.rfft(tf.zeros(8))


def judged(libraries: Sequence[str], count: int, kind: str) -> dict:
    """Put the choice of the method to the test on problems of a kind; the results file's contents."""
    from konvolve.bench import machine, validate

    results: dict[str, Any] = {"machine": machine.describe(), "validation": {}}
    with bars() as bar:
        for name in libraries:
            results["validation"][name] = validate.validated(name, count, bar(name, count), kind=kind)
    results["machine"]["devices"] = machine.devices()
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


def swept(libraries: Sequence[str], quick: bool) -> dict:
    """Time the same question at many sizes; the results file's contents."""
    from konvolve.bench import machine, sweeps

    results: dict[str, Any] = {"machine": machine.describe(), "quick": quick, "sweeps": {}}
    with bars() as bar:
        _start_quietly(libraries)
        for name, sweep in sweeps.SWEEPS.items():
            advance = bar(name, len(sweep.sizes))
            results["sweeps"][name] = sweeps.swept(name, everyone(), libraries, quick, advance)
    results["machine"]["devices"] = machine.devices()
    return results


def weighed(libraries: Sequence[str], quick: bool) -> dict:
    """Measure each method's peak of memory; the results file's contents."""
    from konvolve.bench import machine, memory

    asked = memory.cases(libraries, quick)
    results: dict[str, Any] = {"machine": machine.describe(), "quick": quick}
    with bars() as bar:
        results["memory"] = memory.measured(asked, bar("memory", len(asked)))
    return results


def _workload(w: Any, libraries: Sequence[str], repeats: int, quick: bool, advance: Callable[[], None]) -> dict:
    from konvolve.bench import measure, verdicts

    inputs = w.inputs(w)
    reference = w.reference(w, *inputs)
    arrays = {"numpy": inputs}
    entries = []
    for contestant in everyone():
        if contestant.library not in libraries or (quick and w.name in contestant.slow) or contestant.missing:
            continue
        entry = measure.prepare(w, contestant, arrays, reference)
        if entry is not None:
            entries.append(entry)
    measure.take_turns(w, entries, repeats, advance)
    return verdicts.summary(w, entries)


def everyone() -> list:
    """All contestants."""
    from konvolve.bench import contestants

    # Importing enters them; the order is the one in which they stand in the tables before they are timed.
    from konvolve.bench import ours, peers, networks, recipes, gradients, layers, floor  # isort: skip # noqa: F401

    return contestants.CONTESTANTS


def show(results: dict) -> None:
    """Print the tables."""
    from rich.console import Console
    from rich.table import Table

    from konvolve.bench import report

    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(report.machine_line(results["machine"]), highlight=False)
    for name, title, (head, body), said in report.sections(results):
        table = Table(title=f"{name}: {title}", title_justify="left", caption_justify="left")
        table.caption = said or None
        for column in head:
            numbers = column.startswith(("median", "best", "of ", "error", "worst")) or "MiB" in column
            table.add_column(column, justify="right" if numbers else "left")
        for row in body:
            table.add_row(*row, style="bold" if row[0].startswith("konvolve") else None)
        console.print(table)
