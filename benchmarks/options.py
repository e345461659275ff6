"""What ``python -m benchmarks`` was asked for, checked before anything is measured."""

from __future__ import annotations

from pathlib import Path

from konvolve.bench.libraries import LIBRARIES
from konvolve.command import bench_options
from konvolve.command.mistake import Mistake

# What a results file is called where no name is given, by the option that asks for the measurement.
NAMES = {
    None: "bench", "--calibrate": "calibration", "--validate": "validation", "--sweep": "sweep", "--memory": "memory",
    "--methods": "methods", "--streams": "streams", "--chunks": "chunks",
}  # fmt: skip


def one_kind(asked: dict[str, bool]) -> str | None:
    """Return the option among these that was given, None where none was; they exclude each other."""
    given = [option for option, is_given in asked.items() if is_given]
    if len(given) > 1:
        raise Mistake(f"{given[0]} and {given[1]}: allowed: one of {', '.join(asked)}")
    return given[0] if given else None


def libraries(given: str | None, kind: str | None) -> list[str]:
    """Read the libraries asked for; those that are installed and take part in this kind of measurement."""
    from konvolve.backends import registry

    konvolves = ("numpy", *registry.LIBRARIES)
    asked = bench_options.chosen(given, LIBRARIES, "--library")
    return bench_options.installed(asked, LIBRARIES if kind in (None, "--sweep") else konvolves)


def beside(output: Path) -> tuple[Path, Path]:
    """The names of the tables and of the picture beside a results file."""
    return output.with_suffix(".md"), output.with_suffix(".png")


def checked_output(given: Path | None, kind: str | None) -> Path:
    """The name of the results file; `Mistake` unless it, its tables and its picture can be written."""
    output = Path(f"konvolve-{NAMES[kind]}.json") if given is None else given
    if output.suffix in (".md", ".png"):
        raise Mistake(f"--json {output}: the name of the tables or the chart; allowed: a name such as found.json")
    bench_options.check_output(output, *(beside(output) if output.name else ()))
    return output
