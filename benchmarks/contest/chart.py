"""The chart of a race of few workloads: a panel of bars for each."""

from __future__ import annotations

import textwrap
from typing import Any

from benchmarks.contest.contestants import EASIER, PART, TRANSFORMS
from benchmarks.report import ordered, speed
from konvolve.bench.contestants import BY_HAND, KONVOLVE, PEER
from konvolve.bench.results import digits

# Okabe and Ito's, and lighter ones of the same hue for what is of the same side: told apart by every colour vision.
COLOURS = {
    KONVOLVE: "#d55e00",
    PART: "#f0b98d",
    PEER: "#0072b2",
    BY_HAND: "#80b9d9",
    EASIER: "#dddddd",
    TRANSFORMS: "#999999",
}
LABELS = {
    KONVOLVE: "konvolve", PEER: "ready-made function", BY_HAND: "put together by hand",
    EASIER: "with an easier question", TRANSFORMS: "the transforms alone", PART: "konvolve, forward pass alone",
}  # fmt: skip
# A bar that stands for more times than this is cut off, so that the others can be told apart.
LONGEST = 60
# A page with more panels is read by nobody: of a whole race `chosen.py` draws the chosen few.
MOST_PANELS = 6
# Entries of the legend side by side above each panel; a third would be cut off.
LEGEND_COLUMNS = 2


def chart(results: dict) -> Any:
    """A panel of bars for each workload, fastest on top, times on a logarithmic axis; None if nothing was timed."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    timed = {n: [row for row in ordered(r) if "median_ms" in row] for n, r in results["workloads"].items()}
    timed = {name: rows for name, rows in timed.items() if rows}
    if not timed:
        return None
    columns = min(3, len(timed))
    panels = [list(timed)[start : start + columns] for start in range(0, len(timed), columns)]
    heights = [max(len(timed[name]) for name in names) + 4 for names in panels]
    figure = Figure(figsize=(6.4 * columns, 0.23 * sum(heights) + 0.6), layout="constrained", dpi=80)
    grid = figure.subplots(len(panels), columns, squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.set_visible(False)
    for line, names in zip(grid, panels, strict=True):
        for axes, name in zip(line, names, strict=False):
            axes.set_visible(True)
            _panel(axes, name, timed[name], results["workloads"][name])
    drawn = {row["role"] for rows in timed.values() for row in rows}
    patches = [Patch(color=COLOURS[role], label=label) for role, label in LABELS.items() if role in drawn]
    figure.legend(handles=patches, loc="outside upper center", ncols=LEGEND_COLUMNS * columns, frameon=False)
    return figure


def _panel(axes, name: str, rows: list[dict], result: dict) -> None:
    from matplotlib.ticker import LogFormatter

    unit, scale = speed(result)
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
            min(t, right) * (0.94 if inside else 1.06), place, digits(t) + (" →" if t > right else ""),
            va="center", ha="right" if inside else "left", color="white" if dark else "black", fontsize=8,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    for of in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        of(LogFormatter(minor_thresholds=(3, 0.5)))
    axes.tick_params(axis="x", which="both", labelsize=7)
    axes.set_yticks(places, [row["name"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_title(textwrap.fill(f"{name}: {result['title']}", 52), fontsize=9, loc="left")
    axes.set_xlabel(f"median, {unit}", fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
