"""
A network that remembers
========================

Each sequence is noise in which a few samples are marked; the network has to repeat
each marked sample 350 steps later, and to be silent otherwise. Two causal
convolutions of 512 taps learn it. A network that sees less than 350 steps cannot do
better than silence.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from konvolve import layers

keras.utils.set_random_seed(0)
taps, delay, steps, number, epochs = 512, 350, 2048, 64, 50

rng = np.random.default_rng(0)
noise = rng.uniform(-1, 1, (number, steps)).astype("float32")
marks = (rng.uniform(size=(number, steps)) < 0.2).astype("float32")
wanted = np.zeros_like(noise)
wanted[:, delay:] = (noise * marks)[:, : steps - delay]
heard, wanted = np.stack([noise, marks], -1), wanted[..., None]

# %%
# Two long convolutions
# ---------------------
#
# :class:`konvolve.layers.LongConv1D` has a skip term, so that it starts as its input
# itself; the second is Keras's ``Conv1D`` by name and arguments. Their kernels start
# from zeros: the network starts silent.

entry = keras.Input((None, 2))
x = keras.layers.Dense(16, activation="gelu")(entry)
x = layers.LongConv1D(taps, kernel_initializer="zeros")(x)
x = layers.Conv1D(8, taps, padding="causal", kernel_initializer="zeros")(x)
model = keras.Model(entry, keras.layers.Dense(1)(x))

schedule = keras.optimizers.schedules.CosineDecay(2e-3, epochs * number // 4)
model.compile(keras.optimizers.Adam(schedule), "mse")
start = time.perf_counter()
losses = model.fit(heard, wanted, batch_size=4, epochs=epochs, verbose=0).history[
    "loss"
]
silence = float((wanted**2).mean())
print(
    f"{epochs} epochs in {time.perf_counter() - start:.0f} s; "
    f"loss {losses[-1]:.1e}, of silence {silence:.1e}"
)
assert losses[-1] < 0.5 * silence

# %%

figure, place = plt.subplots(figsize=(7, 3.6))
place.semilogy(range(1, epochs + 1), losses)
place.axhline(silence, color="C1", linestyle="--")
place.text(epochs, 1.15 * silence, "silence", color="C1", ha="right")
place.set(
    xlabel="epoch",
    ylabel="mean squared error",
    title=f"Repeat what was marked {delay} steps ago",
)
