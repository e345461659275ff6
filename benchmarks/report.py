"""Tables and a chart from the results file: ``python -m benchmarks --report RESULTS.json``."""

from pathlib import Path

from .contestants import APART, BY_HAND, KONVOLVE, PEER

COLOURS = {KONVOLVE: "#d1495b", PEER: "#5c6b8a", BY_HAND: "#a3b0c9", APART: "#dddddd"}
LABELS = {
    KONVOLVE: "konvolve", PEER: "ready-made function", BY_HAND: "put together by hand",
    APART: "told more: not compared with",
}  # fmt: skip
# A bar that stands for more times than this is cut off, so that the others can be told apart.
LONGEST = 60


def _digits(value: float) -> str:
    """Three digits, or as many as stand before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _time(row: dict, key: str, scale: float) -> str:
    return _digits(row[key] * scale) if key in row else row["status"]


def _speed(result: dict) -> tuple[str, float]:
    """The unit that suits a workload, and how many of it are in a millisecond."""
    small = [row["median_ms"] for row in result["contestants"] if "median_ms" in row]
    return ("µs", 1e3) if small and min(small) < 0.5 else ("ms", 1.0)


def ordered(result: dict) -> list[dict]:
    """The contestants, fastest first, those without a time last."""
    return sorted(result["contestants"], key=lambda row: row.get("median_ms", float("inf")))


def verdict(result: dict) -> str:
    """One sentence: konvolve against the best of all, against the best ready-made function, and the aim."""
    aim = "no aim" if result["aim"] is None else f"aim {result['aim']}"
    if result["judged"] is None:
        return f"konvolve was not timed; {aim}"
    others = [result["best"], result["best_ready_made"]]
    # One part only, where the best of all is a ready-made function.
    others = [other for number, other in enumerate(others) if other and other not in others[:number]]
    if not others:
        return f"no peer was timed; {aim}"
    parts = []
    for other in others:
        word = {True: ", met", False: ", NOT met", None: ""}[other["met"]]
        parts.append(f"{other['ratio']:.2f} of {other['name']}{word}")
    return f"{result['judged']} takes {' and '.join(parts)} ({aim})"


def workload_rows(result: dict) -> tuple[list[str], list[list[str]]]:
    """Head and body of one workload's table."""
    unit, scale = _speed(result)
    body = []
    for row in ordered(result):
        ratio = ""
        if "ratio" in row:
            low, high = row["quartiles"]
            ratio = f"{row['ratio']:.2f} ({low:.2f} to {high:.2f})"
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
    return f"{text}; aim {1e3 * result['aim_s']:.0f} ms: {'met' if result['met'] else 'NOT met'}"


def memory_rows(result: list[dict]) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table of memory: a line per workload and library."""
    functions = list(dict.fromkeys(row["function"] for row in result))
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in result:
        cell = f"{row['peak_mib']:.0f}" if row["status"] == "ok" else row["status"]
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
    parts = [(n, r["title"], workload_rows(r), verdict(r)) for n, r in results["workloads"].items()]
    if "import_time" in results:
        result, title = results["import_time"], "an import in a fresh process"
        parts.append(("import_time", title, import_rows(result), import_verdict(result)))
    if "peak_memory" in results:
        title = "peak of resident memory during one call, above the inputs"
        parts.append(("peak_memory", title, memory_rows(results["peak_memory"]), ""))
    return parts


def machine_line(machine: dict) -> str:
    """The machine in one line."""
    versions = {"Python": machine["python"], **machine["versions"]}
    parts = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"revision {machine['revision']}",
        machine["date"],
    ]
    if machine["load"] is not None:
        parts.append(f"load at the start {machine['load']:.2f}")
    return "; ".join(parts)


def markdown(results: dict) -> str:
    """The whole results file as Markdown."""
    repeats = results["repeats"]
    lines = ["# Benchmarks", "", machine_line(results["machine"]) + ".", ""]
    lines += [f'{repeats} rounds, in turn. "Of the best": against the fastest ready-made or by hand.', ""]
    for name, title, (head, body), said in sections(results):
        lines += [f"## {name}", "", title[0].upper() + title[1:] + ".", ""]
        lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in body]
        lines += ["", *([said + ".", ""] if said else [])]
    return "\n".join(lines)


def chart(results: dict, path: Path) -> None:
    """A panel of bars for each workload, fastest on top, times on a logarithmic axis."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    timed = {n: [row for row in ordered(r) if "median_ms" in row] for n, r in results["workloads"].items()}
    timed = {name: rows for name, rows in timed.items() if rows}
    if not timed:
        return
    columns = 2 if len(timed) > 1 else 1
    panels = [list(timed)[start : start + columns] for start in range(0, len(timed), columns)]
    heights = [max(len(timed[name]) for name in names) + 3 for names in panels]
    figure = Figure(figsize=(8 * columns, 0.27 * sum(heights) + 0.6), layout="constrained")
    grid = figure.subplots(len(panels), columns, squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.set_visible(False)
    for line, names in zip(grid, panels, strict=True):
        for axes, name in zip(line, names, strict=False):
            axes.set_visible(True)
            _panel(axes, name, timed[name], results["workloads"][name])
    patches = [Patch(color=COLOURS[role], label=label) for role, label in LABELS.items()]
    figure.legend(handles=patches, loc="outside upper center", ncols=len(patches), frameon=False)
    figure.savefig(path, dpi=120)


def _panel(axes, name: str, rows: list[dict], result: dict) -> None:
    from matplotlib.ticker import LogFormatter

    unit, scale = _speed(result)
    times = [row["median_ms"] * scale for row in rows]
    # A bar on a logarithmic axis has no zero to start from: all start a little before the fastest.
    left, right = min(times) / 1.6, min(max(times) * 1.6, min(times) * LONGEST)
    places = range(len(rows))
    widths = [min(t, right) - left for t in times]
    axes.barh(places, widths, left=left, color=[COLOURS[row["role"]] for row in rows])
    for place, t, row in zip(places, times, rows, strict=True):
        inside = t > right / 1.5  # a bar that is cut off has no room beside it
        dark = inside and row["role"] in (KONVOLVE, PEER)
        axes.text(
            min(t, right) * (0.94 if inside else 1.06), place, _digits(t) + (" →" if t > right else ""),
            va="center", ha="right" if inside else "left", color="white" if dark else "black", fontsize=8,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    for of in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        of(LogFormatter(minor_thresholds=(3, 0.5)))
    axes.tick_params(axis="x", which="both", labelsize=7)
    axes.set_yticks(places, [row["name"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_title(f"{name}: {result['title']}", fontsize=9, loc="left")
    axes.set_xlabel(f"median, {unit}", fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
