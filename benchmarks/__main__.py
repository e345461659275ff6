"""The command ``python -m benchmarks``."""

import argparse
import json
import os
import sys
from pathlib import Path

MEASURES = ("import_time", "peak_memory")
LIBRARIES = ("numpy", "tensorflow", "jax", "torch")


def _names(known: tuple[str, ...]):
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
        return names

    return parse


def _arguments() -> argparse.Namespace:
    from .workloads import WORKLOADS

    everything = (*WORKLOADS, *MEASURES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", type=_names(everything), default=list(everything), metavar="NAME,...",
                        help=f"some of: {', '.join(everything)}")  # fmt: skip
    parser.add_argument("--library", type=_names(LIBRARIES), default=list(LIBRARIES), metavar="NAME,...",
                        help=f"only contestants that take arrays of: {', '.join(LIBRARIES)}")  # fmt: skip
    parser.add_argument("--repeats", type=int, help="rounds of each workload (15; with --quick 3)")
    parser.add_argument("--quick", action="store_true", help="few rounds, and without the slow direct sums")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the results to this file")
    parser.add_argument("--report", type=Path, metavar="RESULTS",
                        help="measure nothing: print this results file as Markdown, and write that and a "
                        "chart beside it")  # fmt: skip
    return parser.parse_args()


def _report(path: Path) -> None:
    from . import report

    results = json.loads(path.read_text())
    text = report.markdown(results)
    path.with_suffix(".md").write_text(text)
    report.chart(results, path.with_suffix(".png"))
    print(text)


def _measure_workload(w, options: argparse.Namespace, advance) -> dict:
    from . import contestants, gradients, measure, peers, recipes  # noqa: F401 (importing enters contestants)

    inputs = w.inputs(w)
    reference = w.reference(w, *inputs)
    arrays = {"numpy": inputs}
    entries = []
    for contestant in contestants.CONTESTANTS:
        if contestant.library not in options.library or (options.quick and w.name in contestant.slow):
            continue
        entry = measure.prepare(w, contestant, arrays, reference)
        if entry is not None:
            entries.append(entry)
    measure.take_turns(w, entries, options.repeats, advance)
    return measure.summary(w, entries)


def _measure(options: argparse.Namespace) -> dict:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from . import fresh, machine
    from .workloads import WORKLOADS

    results = {"machine": machine.describe(), "repeats": options.repeats, "quick": options.quick}
    results["workloads"] = {}
    columns = TextColumn("{task.description:14}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, transient=True, refresh_per_second=1) as progress:
        # First, while this process is small and its libraries' threads do not exist yet.
        if "import_time" in options.only:
            repeats = 3 if options.quick else 7
            task = progress.add_task("import_time", total=repeats + 1)
            results["import_time"] = fresh.import_time(repeats, lambda: progress.advance(task))
        if "peak_memory" in options.only:
            task = progress.add_task("peak_memory", total=len(fresh.PEAKS))
            results["peak_memory"] = fresh.peak_memory(lambda: progress.advance(task))
        for name in (name for name in options.only if name in WORKLOADS):
            task = progress.add_task(name, total=options.repeats)
            results["workloads"][name] = _measure_workload(
                WORKLOADS[name], options, lambda task=task: progress.advance(task)
            )
    return results


def _show(results: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    from . import report

    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(report.machine_line(results["machine"]), highlight=False)
    for name, title, (head, body), said in report.sections(results):
        table = Table(title=f"{name}: {title}", title_justify="left", caption_justify="left")
        table.caption = said or None
        for column in head:
            words = column in ("contestant", "remarks", "workload", "library", "fresh process")
            table.add_column(column, justify="left" if words else "right")
        for row in body:
            table.add_row(*row, style="bold" if "konvolve" in row[0] else None)
        console.print(table)


def main() -> None:
    """Measure, or make a report of what was measured."""
    # Before any library is loaded: their start-up notices would tear the tables.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = _arguments()
    if options.report:
        _report(options.report)
        return
    options.repeats = options.repeats or (3 if options.quick else 15)
    results = _measure(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    _show(results)


if __name__ == "__main__":
    main()
