"""The figures in README.md and docs/speed.md, written from a results file, so that none of them is typed by hand.

``python -m benchmarks --readme benchmarks/results/NAME.json`` rewrites what stands between two comments in both, of
which the first names the file: three sentences and a picture in the README, all of it in docs/speed.md. What else has
been measured is taken in where it lies beside that: the choice of the method (``NAME-choice.json``, from
``--validate``) and the sweeps (``NAME-sweep.json``), with pictures.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

from benchmarks import chosen
from konvolve.bench.ours import CALLED

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SPEED = ROOT / "docs" / "speed.md"
_OPEN, _CLOSE = "<!-- performance: from {} -->", "<!-- /performance -->"
SECTION = re.compile(r"<!-- performance(?:: from (\S+))? -->\n.*?<!-- /performance -->", re.DOTALL)
_LIBRARIES = {"tensorflow": "`tf.function`", "numpy": "NumPy", "jax": "`jax.jit`", "torch": "PyTorch"}
# The workloads that the README tells of, and its words for them.
_FACTS = {
    "conv2d_31": "A layer of 16 to 32 channels with 31x31 taps:",
    "fir": "10^7 samples through 1001 taps:",
    "blur_30": "A Gaussian of sigma 30 on a 2048x2048 picture:",
}
# On a machine that does nothing else the load at the start is well below this.
_BUSY = 1.0


def _digits(value: float) -> str:
    """Two digits, or as many as stand before the point."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _ours(result: dict) -> dict[str, dict]:
    """Konvolve's row by library: those that are judged, and of the others the function of the same name."""
    rows = {row["name"]: row for row in result["contestants"] if "median_ms" in row}
    names = {each["library"]: each["judged"] for each in result["verdicts"]}
    found = {library: rows[name] for library, name in names.items() if name in rows}
    for function in ("konvolve.convolve", "konvolve.correlate", "konvolve.fftconvolve"):
        if (row := rows.get(f"{function}, NumPy")) is not None:
            found.setdefault("numpy", row)
    for function in ("konvolve.ndimage", "konvolve, nan='omit'"):
        for library, called in CALLED.items():
            if (row := rows.get(f"{function}, {called}")) is not None:
                found.setdefault(library, row)
    return found


def _verdict(result: dict, library: str, what: str) -> dict | None:
    return next((each for each in result["verdicts"] if each["library"] == library and each["as"] == what), None)


def _table(results: dict) -> list[str]:
    """A line for each workload: konvolve on each library, the fastest other, and the ratio."""
    lines = [
        f"| workload | konvolve: {' | '.join(_LIBRARIES.values())} | SciPy | the fastest other | ratio |",
        "| --- |" + " ---: |" * (len(_LIBRARIES) + 1) + " --- | ---: |",
    ]
    for result in results["workloads"].values():
        rows = {row["name"]: row for row in result["contestants"] if "median_ms" in row}
        ours, said = _ours(result), _verdict(result, "tensorflow", "the best of all")
        best = rows.get(said["other"] if said else result["best"] or "")
        cells = [_digits(ours[library]["median_ms"]) if library in ours else "" for library in _LIBRARIES]
        scipy = rows.get("SciPy fftconvolve") or rows.get("scipy.ndimage.gaussian_filter")
        cells.append(_digits(scipy["median_ms"]) if scipy else "")
        cells.append(f"{best['name']}: {_digits(best['median_ms'])}" if best else "")
        cells.append(f"{said['ratio']:.2f}" if said else "")
        lines.append(f"| {result['title']} | {' | '.join(cells)} |")
    return lines


def _sentences(results: dict) -> list[str]:
    """What else was measured, a sentence each."""
    found = []
    result = results["workloads"].get("gradient_2d")
    part = result and _verdict(result, "tensorflow", "the forward pass alone")
    if part:
        found.append(f"The forward pass with both gradients takes {part['ratio']:.1f} times the forward pass alone.")
    floors = [
        said["ratio"]
        for result in results["workloads"].values()
        if (said := _verdict(result, "tensorflow", "its own transforms")) is not None
    ]
    if floors:
        found.append(
            "Against the bare transforms of its own plans konvolve takes "
            f"{min(floors):.1f} to {max(floors):.1f} times as long."
        )
    if "import_time" in results:
        found.append(f"`import konvolve` takes {1e3 * results['import_time']['medians_s']['konvolve']:.0f} ms.")
    return found


# The validations, by what is between the name of the race's file and the ending, and on which problems they are.
_CHOICES = {
    "choice": "random problems",
    "kernels": "problems as people have them, with products of factors, edges, `Kernel` and lags",
    "kernels-busy": "these while another program has one of the cores",
}


def _choice(results: dict, problems: str) -> str:
    """How good the choice of the method is on some problems, in a few words."""
    parts = [
        f"{found['median']:.2f} and {found['p95']:.2f} on {library} ({found['problems']} problems)"
        for library, found in results["validation"].items()
    ]
    return f"on {problems}: {'; '.join(parts)}"


def _choices(path: Path) -> list[str]:
    """How good the choice of the method is, in a sentence; none where nothing was measured."""
    files = {_beside(path, kind): problems for kind, problems in _CHOICES.items()}
    found = [_choice(json.loads(file.read_text()), problems) for file, problems in files.items() if file.exists()]
    told = (
        "The method that is chosen takes, as a part of the best one's time, in the median and at the 95th percentile, "
    )
    return [told + ". And ".join(found) + "."] if found else []


def _machine(results: dict) -> str:
    machine = results["machine"]
    versions = machine["versions"]
    names = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "scipy": "SciPy", "numpy": "NumPy"}
    libraries = ", ".join(f"{title} {versions[name]}" for name, title in names.items() if name in versions)
    busy = machine.get("load") is not None and machine["load"] > _BUSY
    warning = " The machine had other work at the time: read the ratios, and those roughly." if busy else ""
    rounds = f"median of {results['repeats']} rounds, in turn"
    where = f"{machine['cores']} cores of an {machine['processor']}"
    how = (
        "The ratio is konvolve's time in a `tf.function` (in an eager call where that is asked) to the fastest other's "
        "in the same round, the median of all rounds."
    )
    return f"Milliseconds on {where}, {rounds}; {libraries}; {machine['date'][:10]}. {how}{warning}"


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f"{path.stem}-{kind}.json")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 128, break_long_words=False, break_on_hyphens=False)


def _picture(path: Path, kind: str, alternative: str, page: Path) -> list[str]:
    """A picture that lies beside a results file, as Markdown; nothing where there is none."""
    picture = _beside(path, kind).with_suffix(".png") if kind else path.with_suffix(".png")
    return ["", f"![{alternative}]({os.path.relpath(picture, page.parent)})"] if picture.exists() else []


def facts(path: Path, page: Path) -> str:
    """The README's: a sentence for each of three workloads, and the picture of the chosen ones."""
    results = json.loads(path.read_text())
    rows = {line: (ours, other, theirs) for line, ours, other, theirs in chosen.pairs(results)}
    parts = [_OPEN.format(path.resolve().relative_to(ROOT).as_posix())]
    for name, words in _FACTS.items():
        ours, other, theirs = rows[chosen.CHOSEN[name]]
        parts.append(f"- {words} {_digits(ours)} ms where {other} takes {_digits(theirs)}.")
    parts += _picture(path, "", "konvolve's time beside the quickest function of another library", page)
    machine = results["machine"]
    said = f"{machine['cores']} cores of an {machine['processor']}, in a `tf.function`, in one run with the others"
    table = os.path.relpath(SPEED, page.parent)
    more = f"Where it is slower, and against which peers, is in [the whole table]({table}#beside-other-libraries)."
    return "\n".join([*parts, "", _wrapped(f"Measured on {said}. {more}"), _CLOSE])


def section(path: Path, page: Path) -> str:
    """All of it, with the two comments, for a results file inside the repository."""
    results = json.loads(path.read_text())
    name = path.resolve().relative_to(ROOT).as_posix()
    sentences = _sentences(results) + _choices(path)
    parts = [_OPEN.format(name), _wrapped(_machine(results)), "", *_table(results), "", _wrapped(" ".join(sentences))]
    for kind, alternative in (
        (
            "choice",
            "Predicted against measured time of every method, and the time of the method chosen against the best",
        ),
        ("sweep", "Time against the size of the signal and of the kernel, beside the peers"),
    ):
        parts += _picture(path, kind, alternative, page)
    tables = os.path.relpath(path.with_suffix(".md"), page.parent)
    every = (
        f"Every contestant, with quartiles and errors: [{Path(tables).name}]({tables}). `konvolve bench` times the "
        "first six lines on your machine, `python -m benchmarks` in a checkout all of them."
    )
    parts += ["", _wrapped(every), _CLOSE]
    return "\n".join(parts)


def source(text: str) -> str | None:
    """The results file that a README's section names."""
    found = SECTION.search(text)
    return found[1] if found else None


def rewritten(text: str, path: Path, page: Path, write_section: Callable[[Path, Path], str] = section) -> str:
    """A page with its section made from a results file."""
    if not SECTION.search(text):
        raise ValueError(f"{page.name} has no section between <!-- performance --> and {_CLOSE}")
    return SECTION.sub(lambda _: write_section(path, page), text, count=1)


def write(path: Path) -> None:
    """Draw the picture, and rewrite README.md and docs/speed.md."""
    path = path.resolve()
    chosen.write(path.with_suffix(".png"), json.loads(path.read_text()))
    for page, write_section in ((README, facts), (SPEED, section)):
        page.write_text(rewritten(page.read_text(), path, page, write_section))
