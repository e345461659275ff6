"""Tables from the results file: ``python -m benchmarks --report RESULTS.json``."""

from __future__ import annotations

from benchmarks import chunked, streams
from benchmarks.contest import sweeps
from benchmarks.predictions import memory, telling, validate
from konvolve.bench import calibrate, machine
from konvolve.bench.results import digits

# The head of the table that compares konvolve with the others.
VERDICTS = ["workload", "konvolve's entry", "ratio (quartiles)", "aim", "to"]


def _ratio(row: dict) -> str:
    """A median ratio and its quartiles."""
    values = [f"{value:.2f}" if value < 10 else digits(value) for value in (row["ratio"], *row["quartiles"])]
    return "{} ({} to {})".format(*values)


def _time(row: dict, key: str, scale: float) -> str:
    return digits(row[key] * scale) if key in row else row["status"]


def speed(result: dict) -> tuple[str, float]:
    """The unit that suits a workload, and how many of it are in a millisecond."""
    small = [row["median_ms"] for row in result["contestants"] if "median_ms" in row]
    return ("µs", 1e3) if small and min(small) < 0.5 else ("ms", 1.0)


def ordered(result: dict) -> list[dict]:
    """The contestants, fastest first, those without a time last."""
    return sorted(result["contestants"], key=lambda row: row.get("median_ms", float("inf")))


def verdict_rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table that compares konvolve with the others, and with its aims."""
    body = []
    for name, result in results["workloads"].items():
        for each in result.get("verdicts", ()):  # none in the short race's files
            aim = "" if each["aim"] is None else f"{each['aim']:.3g} {'met' if each['met'] else 'missed'}"
            body.append([name, each["judged"], _ratio(each), aim, f"{each['as']}: {each['other']}"])
    return VERDICTS, body


def workload_rows(result: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of one workload's table."""
    unit, scale = speed(result)
    body = []
    for row in ordered(result):
        ratio = _ratio(row) if "ratio" in row else ""
        times = [_time(row, "median_ms", scale), _time(row, "best_ms", scale) if "best_ms" in row else ""]
        error = f"{row['error']:.0e}" if row["error"] is not None else ""
        remarks = "; ".join(remark for remark in (row["note"], row["detail"]) if remark)
        body.append([row["name"], row["role"], *times, ratio, error, remarks])
    times = [f"median {unit}", f"best {unit}"]
    return ["contestant", "kind", *times, "of the best (quartiles)", "error", "remarks"], body


def import_rows(result: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table of import times."""
    body = [
        [f"import {module}", f"{1e3 * seconds:.0f}", f"{1e3 * result['best_s'][module]:.0f}"]
        for module, seconds in result["medians_s"].items()
    ]
    return ["fresh process", "median ms", "best ms"], body


def import_verdict(result: dict) -> str:
    """One sentence on the import."""
    brought = ", ".join(result["array_libraries_imported"])
    text = f"it imports {brought}" if brought else "it imports no array library but NumPy"
    if "met" not in result:
        return "konvolve is not installed"
    slowest = [f"{row['module']} {row['self_ms']:.0f}" for row in result["slowest_modules"][:4]]
    text += f"; slowest modules, ms of their own: {', '.join(slowest)}"
    return f"{text}; aim {1e3 * result['aim_s']:.0f} ms: {'met' if result['met'] else 'missed'}"


def memory_rows(result: list[dict]) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table of memory: a line per workload and library."""
    functions = list(dict.fromkeys(row["function"] for row in result))
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in result:
        cell = f"{row['peak_mib']:.0f}" if row["status"] == "ok" else row["status"]
        if "predicted_mib" in row:
            cell += f" ({row['peak_mib'] / row['predicted_mib']:.2f} of predicted)"
        line = lines.setdefault((row["workload"], row["library"]), {})
        line[row["function"]] = cell
        if "answer_mib" in row:
            line["answer"] = f"{row['answer_mib']:.0f}"
    body = [
        [*key, *(line.get(function, "") for function in functions), line.get("answer", "")]
        for key, line in lines.items()
    ]
    return ["workload", "library", *(f"{function}, MiB" for function in functions), "the answer alone"], body


def sections(results: dict) -> list[tuple[str, str, tuple[list[str], list[list[str]]], str]]:
    """(name, title, table, verdict) of everything measured."""
    parts = [(n, r["title"], workload_rows(r), "") for n, r in results.get("workloads", {}).items()]
    if "import_time" in results:
        result, title = results["import_time"], "an import in a fresh process"
        parts.append(("import_time", title, import_rows(result), import_verdict(result)))
    if "peak_memory" in results:
        title = "peak of resident memory during one call, above the inputs"
        parts.append(("peak_memory", title, memory_rows(results["peak_memory"]), ""))
    if "calibration" in results:
        title = "planning constants fitted to this machine, judged on other problems"
        parts.append(("calibration", title, calibrate.rows(results["calibration"]), ""))
    if "validation" in results:
        title = "the method chosen against the best of all, on random problems"
        parts.append(("validation", title, validate.rows(results["validation"]), ""))
        for library, found in results["validation"].items():
            parts.append((f"validation on {library}", "where the choice cost most", validate.worst_rows(found), ""))
    if "memory" in results:
        title = "peak of resident memory during one call, above the inputs, as a part of what its plan predicts"
        parts.append(("memory", title, memory.rows(results["memory"]), memory.verdict(results["memory"])))
    if "methods" in results:
        title = "milliseconds of each method on the problems that docs/performance.md tells of; in bold what auto takes"
        parts.append(("methods", title, telling.rows(results["methods"]), ""))
    if "streams" in results:
        title = "what a block takes; konvolve's time on NumPy in the first case as a part of the others'"
        parts.append(("streams", title, streams.rows(results["streams"]), streams.verdict(results["streams"])))
    if "chunks" in results:
        title = "arrays in chunks and in files; konvolve's time as a part of the others'"
        parts.append(("chunks", title, chunked.rows(results["chunks"]), chunked.verdict(results["chunks"])))
    for name, found in results.get("sweeps", {}).items():
        wrong = ", ".join(f"{what}: {why}" for what, why in found["wrong"].items())
        parts.append((f"sweep of the {name}", found["title"], sweeps.rows(found), wrong))
    if results.get("workloads"):
        said = ""
        if results["not_installed"]:
            said = f"not installed, and so not in it: {', '.join(results['not_installed'])}"
        parts.append(("verdicts", "konvolve's time as a part of another's", verdict_rows(results), said))
    return parts


# What the page of a results file is called, by what it has; the race, which may have other things beside, is the last.
_HEADINGS = {
    "calibration": "Constants fitted to this machine",
    "memory": "Peaks of memory beside their predictions",
    "methods": "Every method on telling problems",
    "streams": "What a block of a stream takes",
    "chunks": "Arrays in chunks and in files",
    "sweeps": "Cost against size",
}
_DRAWN = {"plain": "random problems", "kernels": "kernels that people have", "channels": "layers of networks"}


def heading(results: dict) -> str:
    """What the page of a results file is called."""
    if "validation" in results:
        found = next(iter(results["validation"].values()))
        busy = ", on a busy machine" if found.get("busy") else ""
        return f"The choice of the method: {_DRAWN[found.get('kind', 'plain')]}{busy}"
    return next((words for kind, words in _HEADINGS.items() if kind in results), "Every contestant")


def markdown(results: dict) -> str:
    """The whole results file as Markdown."""
    lines = [f"# {heading(results)}", "", machine.line(results["machine"]) + ".", ""]
    if "repeats" in results:
        lines += [
            f'{results["repeats"]} rounds, in turn. "Of the best": against the fastest ready-made or by hand.',
            "",
        ]
    for name, title, (head, body), said in sections(results):
        lines += [f"## {name}", "", title[0].upper() + title[1:] + ".", ""]
        lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in body]
        lines += ["", *([said + ".", ""] if said else [])]
    return "\n".join(lines)
