"""One picture of a race that a person reads: few workloads, konvolve beside the quickest function of another library.

``python -m benchmarks --readme RESULTS.json`` draws it beside the results file. Every contestant is in the table.
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
_OURS, _OTHERS = "#0072b2", "#999999"  # Okabe and Ito's blue, and grey


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
    """Return the figure: two bars for each workload, its ratio at their end."""
    from matplotlib.figure import Figure

    rows = pairs(results)
    figure = Figure(figsize=(8.5, 0.62 * len(rows) + 1.1), layout="constrained")
    axes = figure.add_subplot()
    for place, (line, ours, other, theirs) in enumerate(rows):
        for offset, value, colour, words in (
            (-0.2, ours, _OURS, f"konvolve {ours:.0f} ms, {ours / theirs:.2f} of"),
            (0.2, theirs, _OTHERS, f"{other} {theirs:.0f} ms"),
        ):
            axes.barh(place + offset, value, 0.36, color=colour)
            axes.text(value * 1.05, place + offset, words, va="center", fontsize=8, color="#333333")
        axes.text(0.98, place, line, transform=axes.get_yaxis_transform(), va="center", ha="right", fontsize=9)
    axes.set(xscale="log", xlim=(5, 60000), yticks=(), ylim=(len(rows) - 0.4, -0.6), xlabel="milliseconds")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title("konvolve in a tf.function, and the quickest function of another library", loc="left", fontsize=11)
    return figure


def write(path: Path, results: dict) -> None:
    """Draw the picture to a file."""
    draw(results).savefig(path, dpi=110)
