"""The figures in docs/performance.md, written from the results files, so that none of them is typed by hand.

What stands there between ``<!-- measured: KIND -->`` and ``<!-- /measured -->`` is rewritten by ``python -m benchmarks
--readme``: a table, and a line that says on which machine it was measured and names the file.
"""

from __future__ import annotations

import json
import os
import re
import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks import chunked
from benchmarks.predictions import memory, telling, validate
from konvolve.bench.results import digits

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results"
MEASURED = re.compile(r"<!-- measured: (\w+) -->\n.*?<!-- /measured -->", re.DOTALL)

Table = tuple[list[str], list[list[str]]]


_GROUPS = ("blocks", "sums", "products")


def _methods(group: str) -> Callable[[dict], Table]:
    """Return what makes the table of a group of problems."""
    return lambda results: telling.rows(results["methods"], group)


def _eager(results: dict) -> Table:
    """What eager calls on TensorFlow take, beside the same in a `tf.function`."""
    body = []
    for found in results["workloads"].values():
        rows = {row["name"]: row["median_ms"] for row in found["contestants"] if "median_ms" in row}
        for function in ("convolve", "correlate"):
            eager, compiled = (rows.get(f"konvolve.{function}, {how}") for how in ("TF eager", "tf.function"))
            if eager and compiled:
                body.append([found["title"], digits(eager), digits(compiled), f"{eager / compiled:.2f}"])
    return ["workload", "eager", "tf.function", "ratio"], body


def _streams(results: dict) -> Table:
    """The median and the 99th percentile of a block on NumPy, beside pedalboard's."""
    body = []
    for each in results["streams"]:
        rows = {row["contestant"]: row for row in each["rows"]}
        ours, other = rows["konvolve.Stream, NumPy"], rows.get("pedalboard")
        cells = [f"{digits(row['median'])}, {digits(row['percentile'])}" if row else "" for row in (ours, other)]
        step = rows.get("Stream.step, tf.function")
        ratio = digits(step["median"] / ours["median"]) if step else ""
        body.append([each["case"], *cells, f"{ours['real']:.0f}", ratio])
    head = ["blocks, kernel", "konvolve.Stream, NumPy: µs, 99 %", "pedalboard: µs, 99 %", "times real time"]
    return [*head, "Stream.step in a `tf.function`, of NumPy's"], body


def _choice(results: dict) -> Table:
    """How good the choice of the method is, in the first columns of its report."""
    head, body = validate.rows(results["validation"])
    return head[:5], [row[:5] for row in body]


def _memory(results: dict) -> Table:
    """How many peaks of memory lie where the plans say, for each library."""
    ratios: dict[str, list[float]] = {}
    for record in results["memory"]:
        if record["peaks"]:
            ratios.setdefault(record["way"], []).append(memory.ratio(record))
    body = [
        [
            way, str(len(each)), f"{statistics.median(each):.2f}", f"{max(each):.2f}",
            str(sum(ratio < memory.LEAST for ratio in each)),
        ]
        for way, each in ratios.items()
    ]  # fmt: skip
    head = ["library", "cases", "measured of predicted: median", f"most, aim {memory.AIM}"]
    return [*head, f"cases below {memory.LEAST}"], body


KINDS: dict[str, tuple[str, str, Callable[[dict], Table]]] = {
    **{group: ("cpu-methods", "Milliseconds; in bold what `auto` takes.", _methods(group)) for group in _GROUPS},
    "pairs": ("cpu-methods", "Milliseconds.", _methods("pairs")),
    "eager": ("cpu", "Milliseconds.", _eager),
    "streams": ("cpu-streams", "", _streams),
    "chunks": ("cpu-chunks", "", lambda found: chunked.rows(found["chunks"])),
    "choice": ("cpu-choice", "Random problems.", _choice),
    "kernels": ("cpu-kernels", "Problems as people have them.", _choice),
    "busy": ("cpu-kernels-busy", "The same while another program has one of the cores.", _choice),
    "channels": ("cpu-channels", "Layers of networks, half of them with both gradients.", _choice),
    "memory": ("cpu-memory", "Peaks of memory beside the predicted ones.", _memory),
}  # fmt: skip
"""What may be measured: the results file, what is said of its unit, and the table."""


def block(kind: str) -> str:
    """Return what stands between the two comments, and the comments."""
    name, said, make = KINDS[kind]
    path = RESULTS / f"{name}.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    head, body = make(results)
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *body)]
    machine = results["machine"]
    link = f"[{path.stem}]({os.path.relpath(path.with_suffix('.md'), PAGE.parent)})"
    where = f"Two cores of an {machine['processor']}, {machine['date'][:10]}: {link}."
    text = "\n".join([*lines, "", f"{said} {where}".strip()])
    return f"<!-- measured: {kind} -->\n{text}\n<!-- /measured -->"


def filled(text: str) -> str:
    """Return a page with its tables from the results files."""
    return MEASURED.sub(lambda found: block(found[1]), text)


def write() -> None:
    """Rewrite the tables of docs/performance.md."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
