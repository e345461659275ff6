"""
Change the room while the sound goes on
=======================================

A player walks from a bathroom into a church. ``set_kernel(new, fade=)`` goes over
from one room to the other along a straight line, without a click.
"""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

import konvolve

rate, block = 22050, 512
rng = np.random.default_rng(2)


def room(seconds, brightness):
    """Return a response of energy 1 that falls by 60 dB in so many seconds."""
    time = np.arange(int(seconds * rate)) / rate
    tail = rng.standard_normal(time.size) * np.exp(-6.9 * time / seconds)
    tail = konvolve.convolve(
        tail, np.hanning(brightness) / np.hanning(brightness).sum(), "same"
    )
    return (tail / np.sqrt((tail**2).sum())).astype("float32")


time = np.arange(6 * rate) / rate
clicks = np.exp(-((time % 0.5) * 60)) * np.sin(2 * np.pi * 880 * time)
hum = 0.1 * np.sin(2 * np.pi * 110 * time)
sound = (clicks + hum).astype("float32")
bathroom, church = room(0.4, 3), room(3.0, 15)

# %%
# With and without a fade
# -----------------------


def walk(fade):
    """Return the sound in the bathroom, and from the third second on in the church."""
    stream = konvolve.Stream(bathroom, block=block)
    answers = []
    for start in range(0, sound.size, block):
        if start <= 3 * rate < start + block:
            stream.set_kernel(church, fade=fade)
        answers.append(stream(sound[start : start + block]))
    return np.concatenate(answers)


abrupt, smooth = walk(fade=0), walk(fade=rate // 4)
Audio(smooth, rate=rate)

# %%

figure, places = plt.subplots(2, 2, figsize=(10, 5), width_ratios=(3, 2))
at = 3 * rate // block * block
for row, (answer, title) in enumerate(
    ((abrupt, "fade=0"), (smooth, "fade of a quarter of a second"))
):
    places[row, 0].specgram(
        answer + 1e-7 * rng.standard_normal(answer.size),
        Fs=rate,
        NFFT=512,
        noverlap=256,
        cmap="magma",
        vmin=-120,
    )
    places[row, 0].set(title=title, ylabel="Hz", ylim=(0, 6000))
    near = slice(at - 150, at + 150)
    places[row, 1].plot(1e3 * (np.arange(-150, 150)) / rate, answer[near])
    places[row, 1].axvline(0, color="0.7", zorder=0)
    places[row, 1].set(title="at the change", yticks=())
places[1, 0].set_xlabel("seconds")
places[1, 1].set_xlabel("milliseconds")

jump = [float(np.abs(np.diff(answer))[at - 1]) for answer in (abrupt, smooth)]
print(
    f"the jump from one sample to the next: {jump[0]:.4f} without a fade, "
    f"{jump[1]:.4f} with it"
)
assert jump[1] < jump[0]
