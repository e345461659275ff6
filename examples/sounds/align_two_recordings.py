"""
Align two recordings
====================

Two microphones record the same speaker; one of them started later. The lag at which
their cross-correlation is largest says by how much.
"""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

import konvolve

rate = 16000
rng = np.random.default_rng(0)


def voice(seconds):
    """Return something like speech: tones that glide and stop, and hiss."""
    time = np.arange(int(seconds * rate)) / rate
    pitch = (
        140 + 40 * np.sin(2 * np.pi * 0.7 * time) + 15 * np.sin(2 * np.pi * 2.3 * time)
    )
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    loudness = np.clip(
        np.sin(2 * np.pi * 1.9 * time) + 0.3 * np.sin(2 * np.pi * 0.5 * time), 0, None
    )
    tone = sum(np.sin(k * phase) / k for k in range(1, 12))
    return 0.3 * loudness * tone + 0.05 * (1 - loudness) * rng.standard_normal(
        time.size
    )


speech = voice(6)
late = 20_333  # samples: 1.27 seconds
near = speech[: 4 * rate] + 0.03 * rng.standard_normal(4 * rate)
far = 0.4 * speech[late : late + 4 * rate] + 0.1 * rng.standard_normal(4 * rate)

# %%
# The recordings, to listen to: the far microphone is quiet, noisy, and late.

Audio(near, rate=rate)

# %%

Audio(far, rate=rate)

# %%
# The lag
# -------
#
# ``correlation_lags`` has the lag of each sample of the correlation.

scores = konvolve.correlate(near, far)
lags = konvolve.correlation_lags(near.size, far.size)
lag = int(lags[np.argmax(scores)])
print(f"the far microphone started {lag} samples later: {lag / rate:.3f} s")

figure, places = plt.subplots(3, 1, figsize=(9, 5.5))
places[0].plot(np.arange(near.size) / rate, near, linewidth=0.5)
places[0].set_title("near")
places[1].plot((np.arange(far.size) + lag) / rate, far, linewidth=0.5, color="C1")
places[1].set_title("far, moved by the lag")
for place in places[:2]:
    place.set(xlim=(0, 5.4), yticks=(), xlabel="seconds")
places[2].plot(lags / rate, scores, color="C2", linewidth=0.7)
places[2].annotate(
    f"{lag / rate:.3f} s",
    (lag / rate, scores.max()),
    xytext=(12, -8),
    textcoords="offset points",
)
places[2].set(title="cross-correlation", xlabel="lag in seconds", yticks=())
assert lag == late

# %%
# When the lag is known to be small, ``lags=`` computes only those lags:

some = konvolve.correlate(near, far, lags=(20_000, 21_000))
print(20_000 + int(np.argmax(some)))
assert 20_000 + int(np.argmax(some)) == late
