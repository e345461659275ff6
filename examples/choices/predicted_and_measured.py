"""
Choosing a method: predicted against measured
=============================================

A direct sum costs as many products as there are samples times taps; a transform costs
hardly more for a large kernel than for a small one. ``convolve`` predicts what each
method would take, from the shapes alone, and takes the quickest.
"""

import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import konvolve

rng = np.random.default_rng(0)
picture = rng.random((512, 512), dtype="float32")
sizes = (3, 5, 9, 15, 25, 41, 65)
methods = ("direct", "fft", "overlap")

# %%
# A picture and kernels of growing size
# -------------------------------------


def milliseconds(call):
    """Return the quicker of several calls, after one that is not counted."""
    call()
    best, until = np.inf, time.perf_counter() + 0.15
    while time.perf_counter() < until:
        start = time.perf_counter()
        call()
        best = min(best, 1e3 * (time.perf_counter() - start))
    return best


measured = {method: [] for method in methods}
predicted = {method: [] for method in methods}
chosen = []
for size in sizes:
    kernel = rng.random((size, size), dtype="float32")
    for method in methods:
        if method == "direct" and size > 25:
            continue
        plan = konvolve.plan(
            picture.shape, kernel.shape, mode="same", method=method, library="numpy"
        )
        predicted[method].append(1e3 * plan.seconds)
        measured[method].append(
            milliseconds(partial(konvolve.convolve, picture, kernel, "same", method))
        )
    chosen.append(
        konvolve.plan(picture.shape, kernel.shape, mode="same", library="numpy").method
    )

figure, place = plt.subplots(figsize=(8, 4.4))
for colour, method in enumerate(methods):
    given = sizes[: len(measured[method])]
    place.loglog(given, measured[method], "o-", color=f"C{colour}")
    place.loglog(given, predicted[method], "--", color=f"C{colour}", alpha=0.6)
    place.text(
        given[-1] * 1.07, measured[method][-1], method, color=f"C{colour}", va="center"
    )
place.set(
    xticks=sizes, xticklabels=[f"{size}x{size}" for size in sizes], xlim=(2.7, 95)
)
place.minorticks_off()
place.set(
    xlabel="kernel",
    ylabel="ms",
    title="512x512 pixels on NumPy: measured (dots), predicted (dashed)",
)

# %%
# What was chosen:

for size, method in zip(sizes, chosen, strict=True):
    print(f"{size:2} x {size:<2} {method}")

# %%
# A plan can be printed, with what the other methods would take:

print(konvolve.plan(picture.shape, (25, 25), mode="same", library="numpy"))
