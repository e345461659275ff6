"""The work of ``konvolve bench``: measure, show, and write the results and their chart."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from konvolve.command import bench_options
from konvolve.command.mistake import Mistake

MEASURES = ("import_time", "peak_memory")
# What a results file is called where no name is given, by the option that asks for the measurement.
NAMES = {
    None: "bench", "--calibrate": "calibration", "--validate": "validation", "--sweep": "sweep", "--memory": "memory",
}  # fmt: skip


def questions() -> dict[str, Any]:
    """All workloads, by name."""
    from benchmarks.contest.layers import LAYERS
    from konvolve.bench.workloads import WORKLOADS

    return WORKLOADS | LAYERS


def load(path: Path) -> dict:
    """Read a results file."""
    from benchmarks import report

    try:
        if not path.is_file():  # a pipe would wait for ever
            raise ValueError("no such file")
        results = json.loads(path.read_text(encoding="utf-8"))
        report.markdown(results)  # so that nothing is shown of a file that lacks something
        return results
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        why = f"{error.args[0]!r} is not in it" if isinstance(error, KeyError) else error
        raise Mistake(f"--report {path}: not a results file: {why}; allowed: a file that bench has written") from error


def save(path: Path, results: dict) -> None:
    """Write a results file, whole or not at all."""
    from konvolve.files.encoding import replacing

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
    from benchmarks import screen as bench_screen
    from konvolve.backends import registry
    from konvolve.bench import contestants
    from konvolve.profiles.measured import path

    kind = bench_options.one_kind(
        {
            "--report": report is not None,
            "--calibrate": calibrate,
            "--validate": validate is not None,
            "--sweep": sweep,
            "--memory": memory,
        }
    )
    measuring = (None, "--calibrate", "--validate", "--sweep", "--memory")
    bench_options.unused(
        kind,
        {
            "--channels": (channels, ("--validate",)),
            "--only": (only is not None, (None,)),
            "--repeats": (repeats is not None, (None,)),
            "--quick": (quick, (None, "--calibrate", "--sweep", "--memory")),
            "--library": (library is not None, measuring),
            "--json": (output is not None, measuring),
        },
    )
    if report is not None:
        bench_screen.show(load(report))
        return 0
    names = bench_options.chosen(only, (*questions(), *MEASURES), "--only")
    libraries = bench_options.chosen(library, contestants.LIBRARIES, "--library")
    output = Path(f"konvolve-{NAMES[kind]}.json") if output is None else output
    bench_options.check_output(output)
    ours = contestants.LIBRARIES if kind is None or sweep else ("numpy", *registry.LIBRARIES)
    libraries = bench_options.installed(libraries, ours)
    if calibrate:
        bench_options.check_cache()
        results = fitted(libraries, 25 if quick else 60)
    elif validate is not None:
        results = judged(libraries, validate, "channels" if channels else "family")
    elif sweep:
        results = swept(libraries, quick)
    elif memory:
        results = weighed(libraries, quick)
    else:
        results = measured(names, libraries, repeats or (3 if quick else 15), quick, output)
    save(output, results)
    written = _write_report(results, output)
    bench_screen.show(results)
    if calibrate:
        print(f"constants in {path()}, in use from the next process on")
    print(f"written: {', '.join(map(str, [output, *written]))}")
    return 0


def _write_report(results: dict, output: Path) -> list[Path]:
    """Write the tables and the picture beside a results file, each whole or not at all; the names of the two."""
    from benchmarks import report
    from benchmarks.contest import chart, sweeps
    from benchmarks.predictions import memory, validate
    from konvolve.files.encoding import replacing

    tables, picture = bench_options.beside(output)
    with replacing(tables) as temporary:
        temporary.write_text(report.markdown(results), encoding="utf-8")
    if "calibration" in results:
        judged = {library: found["judged"] for library, found in results["calibration"].items()}
        figure = validate.plot(judged)
    elif "validation" in results:
        figure = validate.plot(results["validation"])
    elif "sweeps" in results:
        figure = sweeps.plot(results["sweeps"])
    elif "memory" in results:
        figure = memory.plot(results["memory"])
    else:
        figure = chart.chart(results)
    if figure is None:  # there is nothing to draw
        return [tables]
    with replacing(picture) as temporary:
        figure.savefig(temporary, format="png")
    return [tables, picture]


def measured(names: Sequence[str], libraries: Sequence[str], repeats: int, quick: bool, output: Path) -> dict:
    """Run these workloads and measures; the results file's contents, saved after each workload."""
    from benchmarks.contest import fresh
    from konvolve.bench import machine

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


def _start_quietly(libraries: Sequence[str]) -> None:
    """Have TensorFlow say what it says when it starts before there is a table to tear."""
    from konvolve.command.terminal import hushed

    if "tensorflow" in libraries and importlib.util.find_spec("tensorflow"):
        with hushed("TF_CPP_MIN_LOG_LEVEL", "3"):
            import tensorflow as tf

            tf.signal.rfft(tf.zeros(8))


def judged(libraries: Sequence[str], count: int, kind: str) -> dict:
    """Put the choice of the method to the test on problems of a kind; the results file's contents."""
    from benchmarks.predictions import validate
    from konvolve.bench import machine

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
    from benchmarks.contest import sweeps
    from konvolve.bench import machine

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
    from benchmarks.predictions import memory
    from konvolve.bench import machine

    asked = memory.cases(libraries, quick)
    results: dict[str, Any] = {"machine": machine.describe(), "quick": quick}
    with bars() as bar:
        results["memory"] = memory.measured(asked, bar("memory", len(asked)))
    return results


def _workload(w: Any, libraries: Sequence[str], repeats: int, quick: bool, advance: Callable[[], None]) -> dict:
    from benchmarks.contest import verdicts
    from konvolve.bench import measure

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
    from benchmarks.contest import networks, recipes, gradients, layers, transforms  # isort: skip # noqa: F401
    from konvolve.bench import ours, peers  # isort: skip # noqa: F401

    return contestants.CONTESTANTS
