"""The command ``python -m benchmarks``: what it is asked for, the measurements, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import chosen, options, page, process, readme, report, screen
from konvolve.command import bench_options
from konvolve.command.bench import bars, fitted, save, say_where, share_gpus, start_quietly
from konvolve.command.main import SETTINGS
from konvolve.command.mistake import Mistake
from konvolve.command.program import run

MEASURES = ("import_time", "peak_memory")

HELP = """Time konvolve beside SciPy, OpenCV, JAX, PyTorch, CuPy and TensorFlow, and put its predictions to the test.

\b
All contestants of a workload take turns in one process, and each one's first answer is checked against SciPy in
float64. Leave the machine alone meanwhile. The results go to a JSON file, tables (.md) and a chart (.png) beside
it; benchmarks/README.md says how to read them.

\b
EXAMPLES
  python -m benchmarks --quick                              3 rounds, without the slow direct sums
  python -m benchmarks --only face,reverb --repeats 30
  python -m benchmarks --library numpy,torch --json torch.json
  python -m benchmarks --report torch.json                  measures nothing: shows what was measured
  python -m benchmarks --validate 300 --library torch       every method timed, the chosen one against the best
  python -m benchmarks --validate 100 --channels            the same of the layers of networks
  python -m benchmarks --validate 100 --kernels --busy      of kernels people have, while one core computes elsewhere
  python -m benchmarks --sweep                              cost against size, from 10^3 to 10^8 samples
  python -m benchmarks --methods                            the problems that docs/performance.md tells of
  python -m benchmarks --memory                             every method's peak against what its plan predicts
  python -m benchmarks --streams                            what a block of a stream takes, beside other streams
  python -m benchmarks --chunks                             dask arrays and files, beside dask-image and map_overlap
  python -m benchmarks --calibrate                          as konvolve bench --calibrate, with a chart
  python -m benchmarks --readme torch.json                  the figures of README and docs from results files
"""


def bench(
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these workloads.")] = None,
    library: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only contestants on numpy, tensorflow, jax, torch, cupy.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Rounds  [default: 15; with --quick 3]")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few rounds, without the slow direct sums.")] = False,
    output: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="The results  [default: ./konvolve-bench.json]")
    ] = None,
    shown: Annotated[Path | None, typer.Option("--report", metavar="RESULTS", help="Only show a results file.")] = None,
    validate: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Instead: judge the choice of method on N random problems.")
    ] = None,
    channels: Annotated[
        bool, typer.Option("--channels", help="With --validate: problems of networks' layers, channels and all.")
    ] = False,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="With --validate: products, sums of products, edges, Kernel and lags.")
    ] = False,
    busy: Annotated[bool, typer.Option("--busy", help="With --validate: while one core computes elsewhere.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Instead: time the same question at many sizes.")] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Instead: measure each method's peak of memory beside its prediction.")
    ] = False,
    methods: Annotated[
        bool, typer.Option("--methods", help="Instead: time every method on the problems of docs/performance.md.")
    ] = False,
    streams: Annotated[
        bool, typer.Option("--streams", help="Instead: time what a block of a stream takes, beside others' streams.")
    ] = False,
    chunks: Annotated[
        bool, typer.Option("--chunks", help="Instead: time arrays in chunks and in files, and measure their memory.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Instead: fit planning's constants to this machine, and keep them.")
    ] = False,
    figures: Annotated[
        Path | None, typer.Option("--readme", metavar="RESULTS", help="Only rewrite the README from a results file.")
    ] = None,
) -> int:
    """Measure, or show what was measured; the help is HELP."""
    share_gpus()
    kind = options.one_kind(
        {
            "--report": shown is not None,
            "--calibrate": calibrate,
            "--validate": validate is not None,
            "--sweep": sweep,
            "--memory": memory,
            "--methods": methods,
            "--streams": streams,
            "--chunks": chunks,
            "--readme": figures is not None,
        }
    )
    measuring = (None, "--calibrate", "--validate", "--sweep", "--memory", "--methods", "--streams", "--chunks")
    bench_options.unused(
        kind,
        {
            "--channels": (channels, ("--validate",)),
            "--kernels": (kernels, ("--validate",)),
            "--busy": (busy, ("--validate",)),
            "--only": (only is not None, (None,)),
            "--repeats": (repeats is not None, (None,)),
            "--quick": (quick, (None, "--calibrate", "--sweep", "--memory", "--streams", "--chunks")),
            "--library": (library is not None, measuring),
            "--json": (output is not None, measuring),
        },
    )
    if shown is not None:
        screen.show(load(shown))
        return 0
    if figures is not None:
        readme.write(figures)
        page.write()
        return 0
    names = bench_options.chosen(only, (*questions(), *MEASURES), "--only")
    libraries = options.libraries(library, kind)
    output = options.checked_output(output, kind)
    if calibrate:
        bench_options.check_cache()
        results = fitted(libraries, 25 if quick else 60)
    elif validate is not None:
        drawn = options.one_kind({"--channels": channels, "--kernels": kernels}) or "--plain"
        results = validated(libraries, validate, drawn[2:], busy)
    elif sweep:
        results = swept(libraries, quick)
    elif memory:
        results = weighed(libraries, quick)
    elif methods:
        results = told(libraries)
    elif streams:
        results = streamed(libraries, quick)
    elif chunks:
        results = in_chunks(quick)
    else:
        results = timed(names, libraries, repeats or (3 if quick else 15), quick, output)
    results["machine"]["revision"] = process.revision()
    save(output, results)
    written = write_report(results, output)
    screen.show(results)
    if calibrate:
        say_where(results["calibration"])
    print(f"written: {', '.join(map(str, [output, *written]))}")
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; the exit code."""
    app = typer.Typer(**SETTINGS)
    app.command(help=HELP)(bench)
    return run(app, list(arguments), "python -m benchmarks")


def questions() -> dict[str, Any]:
    """All workloads, by name."""
    from benchmarks.contest.filters import FILTERS
    from benchmarks.contest.layers import LAYERS
    from benchmarks.contest.workloads import WORKLOADS

    return WORKLOADS | LAYERS | FILTERS


def load(path: Path) -> dict:
    """Read a results file."""
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise ValueError("no such file")
        results = json.loads(path.read_text(encoding="utf-8"))
        report.markdown(results)  # so that nothing is shown of a file that lacks something
        return results
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        why = f"{error.args[0]!r} is not in it" if isinstance(error, KeyError) else error
        raise Mistake(f"--report {path}: not a results file: {why}; allowed: a file that bench has written") from error


def write_report(results: dict, output: Path) -> list[Path]:
    """Write the tables and the picture beside a results file, each whole or not at all; the names of the two."""
    from benchmarks.contest import chart, sweeps
    from benchmarks.predictions import memory, validate
    from konvolve.files.encoding import replacing

    tables, picture = options.beside(output)
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
    elif any(kind in results for kind in ("methods", "streams", "chunks")):
        figure = None
    elif len(results["workloads"]) > chart.MOST_PANELS:
        figure = chosen.draw(results)
    else:
        figure = chart.chart(results)
    if figure is None:  # there is nothing to draw
        return [tables]
    with replacing(picture) as temporary:
        figure.savefig(temporary, format="png")
    return [tables, picture]


def timed(names: Sequence[str], libraries: Sequence[str], repeats: int, quick: bool, output: Path) -> dict:
    """Run these workloads and measures; the results file's contents, saved after each workload."""
    from benchmarks.contest import contestants, fresh, verdicts
    from konvolve.bench import machine, measure
    from konvolve.bench.contestants import missing

    asked = questions()
    everyone = contestants.everyone()
    racing = [one for one in everyone if one.library in libraries]
    results: dict[str, Any] = {"machine": machine.describe(), "repeats": repeats, "quick": quick, "workloads": {}}
    with bars() as bar:
        # First, while this process is small and its libraries' threads do not exist yet.
        if "import_time" in names:
            times = 3 if quick else 7
            results["import_time"] = fresh.import_time(times, bar("import_time", times + 1))
        if "peak_memory" in names:
            results["peak_memory"] = fresh.peak_memory(bar("peak_memory", len(fresh.PEAKS)))
        if set(names) - set(MEASURES):
            start_quietly(libraries)
        for w in (asked[name] for name in names if name in asked):
            fit = [one for one in racing if not (quick and w.name in one.slow)]
            entries = measure.race(w, fit, repeats, bar(w.name, repeats))
            results["workloads"][w.name] = verdicts.summary(w, entries)
            save(output, results)
    results["machine"]["devices"] = machine.devices()
    results["not_installed"] = missing(everyone)
    return results


def validated(libraries: Sequence[str], count: int, kind: str, busy: bool) -> dict:
    """Put the choice of the method to the test on random problems of a kind; the results file's contents."""
    from benchmarks.predictions import validate
    from konvolve.bench import machine

    results: dict[str, Any] = {"machine": machine.describe(), "validation": {}}
    with bars() as bar:
        for name in libraries:
            results["validation"][name] = validate.validated(name, count, bar(name, count), kind=kind, busy=busy)
    results["machine"]["devices"] = machine.devices()
    return results


def swept(libraries: Sequence[str], quick: bool) -> dict:
    """Time the same question at many sizes; the results file's contents."""
    from benchmarks.contest import contestants, sweeps
    from konvolve.bench import machine

    results: dict[str, Any] = {"machine": machine.describe(), "quick": quick, "sweeps": {}}
    with bars() as bar:
        start_quietly(libraries)
        for name, sweep in sweeps.SWEEPS.items():
            advance = bar(name, len(sweep.sizes))
            results["sweeps"][name] = sweeps.swept(name, contestants.everyone(), libraries, quick, advance)
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


def in_chunks(quick: bool) -> dict:
    """Time arrays in chunks; the results file's contents."""
    from benchmarks import chunked
    from konvolve.bench import machine

    results: dict[str, Any] = {"machine": machine.describe(), "quick": quick}
    with bars() as bar:
        results["chunks"] = chunked.measured(quick, bar("chunks", chunked.CASES))
    return results


def told(libraries: Sequence[str]) -> dict:
    """Time every method on the problems that docs/performance.md tells of; the results file's contents."""
    from benchmarks.predictions import telling
    from konvolve.bench import machine

    results: dict[str, Any] = {"machine": machine.describe()}
    with bars() as bar:
        results["methods"] = telling.measured(libraries, bar("methods", len(libraries) * len(telling.PROBLEMS)))
    results["machine"]["devices"] = machine.devices()
    return results


def streamed(libraries: Sequence[str], quick: bool) -> dict:
    """Time what a block of a stream takes; the results file's contents."""
    from benchmarks import streams
    from konvolve.bench import machine

    results: dict[str, Any] = {"machine": machine.describe(), "quick": quick}
    with bars() as bar:
        start_quietly(libraries)
        results["streams"] = streams.measured(libraries, quick, bar("streams", len(streams.CASES)))
    results["machine"]["devices"] = machine.devices()
    return results
