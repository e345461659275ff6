"""
float32 against float64: what a transform rounds
================================================

The rounding error of a transform is relative to the largest value of all its input;
that of a sum is relative to the values that it adds up. Next to something very loud,
a transform in float32 loses what is quiet.
"""

import matplotlib.pyplot as plt
import numpy as np

import konvolve

rng = np.random.default_rng(0)
signal = np.sin(np.arange(4096) / 25) * 2e-5
signal[3000:3200] += 1e3 * rng.standard_normal(
    200
)  # a crash, fifty million times as loud
kernel = np.hanning(201) / np.hanning(201).sum()
exact = konvolve.convolve(signal, kernel, "same", "direct")

# %%
# The quiet passage before the crash
# ----------------------------------

ways = {
    "float64, transform": konvolve.convolve(signal, kernel, "same", "fft"),
    "float32, direct sum": konvolve.convolve(
        signal.astype("f4"), kernel.astype("f4"), "same", "direct"
    ),
    "float32, transform": konvolve.convolve(
        signal.astype("f4"), kernel.astype("f4"), "same", "fft"
    ),
}
figure, places = plt.subplots(1, 2, figsize=(11, 4))
for colour, (name, result) in enumerate(ways.items()):
    error = np.abs(result - exact) + 1e-22
    smooth = np.exp(
        konvolve.convolve(
            np.log(error), np.full(65, 1 / 65), "same", boundary="nearest"
        )
    )
    places[0].semilogy(smooth, color=f"C{colour}")
    places[0].text(150, smooth[600] * 12, name, color=f"C{colour}")
    print(
        f"{name:20} error before the crash {error[:2700].max():.0e}, "
        f"of {np.abs(exact[:2700]).max():.0e}"
    )
places[0].set(xlabel="sample", title="error of each sample")
passage = slice(1000, 1400)
for colour, name in ((2, "float32, transform"), (1, "float32, direct sum")):
    places[1].plot(
        np.arange(4096)[passage], ways[name][passage], color=f"C{colour}", linewidth=1
    )
places[1].set(
    xlabel="sample", title="the quiet passage: by a transform, and by the sum"
)

# %%
# ``method="direct"`` keeps the quiet passage, and so does float64. ``method="auto"``
# chooses by time: say which one it shall be where tiny values stand next to huge
# ones.

assert np.abs(ways["float32, direct sum"] - exact)[:2700].max() < 1e-8
