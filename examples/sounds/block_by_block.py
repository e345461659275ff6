"""
A stream, block by block
========================

A sound card hands over 256 samples at a time and wants 256 samples back before the
next ones come. :class:`konvolve.Stream` convolves block by block with a kernel of two
seconds, without any latency.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import konvolve

rate, block = 44100, 256
rng = np.random.default_rng(0)
room = (rng.standard_normal(2 * rate) * np.exp(-np.arange(2 * rate) / 12000)).astype(
    "float32"
)
sound = rng.standard_normal(4 * rate).astype("float32") * np.repeat(
    rng.random(16) > 0.5, rate // 4
)

# %%
# The plan
# --------
#
# The kernel is cut into partitions. The first ones are as long as a block, so that no
# sample has to wait; those behind are longer, which is cheaper, and their work is
# spread over many blocks.

stream = konvolve.Stream(room, block=block)
stream(sound[:block])
print(stream.plan)
stream.reset()

# %%
# Every block in time
# -------------------

answers, times = [], []
for start in range(0, sound.size, block):
    begin = time.perf_counter()
    answers.append(stream(sound[start : start + block]))
    times.append(1e3 * (time.perf_counter() - begin))
answers.append(stream.flush())
wet = np.concatenate(answers)
whole = konvolve.oaconvolve(sound, room)
print(
    f"off by {np.abs(wet - whole).max() / np.abs(whole).max():.0e} "
    "of the largest value, from all at once"
)
assert np.allclose(wet, whole, atol=1e-4 * np.abs(whole).max())

limit = 1e3 * block / rate
figure, places = plt.subplots(2, 1, figsize=(9, 5))
seconds = np.arange(wet.size) / rate
places[0].plot(seconds, wet, linewidth=0.3, color="C0")
places[0].plot(seconds[: sound.size], sound, linewidth=0.3, color="C1")
places[0].text(4.3, 0.6 * wet.max(), "wet", color="C0")
places[0].text(3.1, 1.2 * np.abs(sound).max(), "dry", color="C1")
places[0].set(xlabel="seconds", yticks=(), title="the sound and the room's answer")
places[1].semilogy(times, ".", markersize=3)
places[1].axhline(limit, color="C1")
places[1].text(0, 1.15 * limit, "what a block lasts", color="C1")
places[1].set(
    xlabel="block",
    ylabel="ms",
    title=f"what each block takes: {np.median(times):.2f} ms in the median",
    ylim=(None, 30),
)
