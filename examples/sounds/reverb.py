"""
Put a sound into a room
=======================

A room answers a clap with its impulse response: the clap, the first echoes from its
walls, and a tail that dies away. Any sound in this room is that sound convolved with
the response.
"""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

import konvolve

rate = 22050
rng = np.random.default_rng(1)


def plucked(pitch, seconds=0.6):
    """Return a plucked string: overtones that die away, the higher the sooner."""
    time = np.arange(int(seconds * rate)) / rate
    return sum(
        np.sin(2 * np.pi * pitch * k * time) * np.exp(-(2 + 1.5 * k) * time) / k
        for k in range(1, 9)
    )


melody = np.concatenate(
    [0.25 * plucked(pitch) for pitch in (262, 330, 392, 523, 392, 330)]
).astype("float32")

# A hall: a few echoes from the walls, then noise that takes 2.2 seconds to fall by 60
# dB, its high tones sooner.
time = np.arange(int(2.2 * rate)) / rate
tail = rng.standard_normal(time.size) * np.exp(-6.9 * time / 2.2)
tail = konvolve.convolve(tail, np.hanning(9) / np.hanning(9).sum(), "same")
room = 0.08 * tail
room[0] = 1
for seconds, strength in ((0.013, 0.6), (0.021, 0.5), (0.034, 0.45), (0.047, 0.3)):
    room[int(seconds * rate)] += strength
room = room.astype("float32")

# %%
# Dry and wet
# -----------
#
# 48,510 taps: :func:`konvolve.oaconvolve` works in overlapping blocks, as SciPy's
# does.

wet = konvolve.oaconvolve(melody, room)
print(melody.shape, room.shape, wet.shape)
Audio(melody, rate=rate)

# %%

Audio(wet, rate=rate)

# %%

figure, places = plt.subplots(3, 1, figsize=(9, 6))
for place, sound, title in zip(
    places, (melody, room, wet), ("dry", "the room", "wet"), strict=True
):
    place.specgram(
        np.pad(sound, (0, wet.size - sound.size))
        + 1e-6 * rng.standard_normal(wet.size),
        Fs=rate,
        NFFT=512,
        noverlap=256,
        cmap="magma",
        vmin=-110,
    )
    place.set(title=title, ylim=(0, 8000), ylabel="Hz")
places[2].set_xlabel("seconds")

# %%
# ``konvolve reverb voice.flac hall.wav`` does the same with files of any length.
