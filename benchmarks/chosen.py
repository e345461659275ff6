"""One picture of a race that a person reads: few workloads, konvolve beside the quickest function of another library.

``python -m benchmarks`` draws it beside the results of a whole race; every contestant is in the tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# One workload of each kind, the two in which another library is quicker among them, and what its line says.
CHOSEN = {
    "face": "a colour picture, 60x60 Gaussian",
    "reverb": "10 s of sound in a 2 s room",
    "fir": "10^7 samples, 1001 taps",
    "volume": "128^3 volume, 21^3 kernel",
    "short_signals": "8192 signals, 64 taps",
    "template": "200x200 template in 1024x1024",
    "blur_30": "Gaussian of sigma 30, 2048x2048",
    "gaps": "2048x2048 with holes, 61x61",
    "conv2d_31": "a layer of 16 to 32 channels, 31x31",
    "depthwise_31": "a depthwise layer, 31x31",
}
_QUICKER, _SLOWER = "#0072b2", "#d55e00"  # Okabe and Ito's blue and vermilion


def pairs(results: dict) -> list[tuple[str, float, str, float]]:
    """Return (line, konvolve's ms in a tf.function, the quickest other function, its ms) of each chosen workload."""
    found = []
    for name, line in CHOSEN.items():
        if name not in results["workloads"]:
            continue
        rows = [row for row in results["workloads"][name]["contestants"] if "median_ms" in row]
        others = [row for row in rows if row["role"] == "ready-made"]
        ours = [row for row in rows if row["role"] == "konvolve" and row["name"].endswith("tf.function")]
        if others and ours:
            best = min(others, key=lambda row: row["median_ms"])
            found.append((line, ours[0]["median_ms"], best["name"], best["median_ms"]))
    return found


def draw(results: dict) -> Any:
    """Return the figure: for each workload konvolve's time as a part of the other's, a bar with words at its end."""
    from matplotlib.figure import Figure

    rows = pairs(results)
    figure = Figure(figsize=(9, 0.42 * len(rows) + 1.1), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for place, (_, ours, other, theirs) in enumerate(rows):
        axes.barh(place, ours / theirs, 0.6, color=_QUICKER if ours < theirs else _SLOWER)
        words = f"{ours / theirs:.2f} of {other}: {ours:.0f} of {theirs:.0f} ms"
        axes.text(ours / theirs + 0.02, place, words, va="center", fontsize=9, color="#222222", backgroundcolor="white")
    axes.axvline(1, color="#222222", linewidth=1, zorder=0)
    axes.set(xlim=(0, 2.4), ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)), yticklabels=[row[0] for row in rows])
    axes.set(xticks=(0, 0.5, 1), xlabel="konvolve's time in a tf.function, as a part of the other's")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title("konvolve beside the quickest function of another library", loc="left", fontsize=11)
    return figure


def write(path: Path, results: dict) -> None:
    """Draw the picture to a file."""
    draw(results).savefig(path)
