"""
A network that goes on by itself
================================

Two causal convolutions learn to predict the next sample of a tone. ``layer.stream()``
runs each of them one sample at a time, so that each output becomes the next input; a
sample costs the same however long the network has gone on.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from konvolve import layers

keras.utils.set_random_seed(0)
taps, epochs = 128, 60


def tones(number, steps, seed):
    """Return (number, steps, 1) of a tone of 40 samples a period and its octave."""
    first, second = np.random.default_rng(seed).uniform(0, 2 * np.pi, (2, number))
    at = np.arange(steps)[:, None]
    waves = 0.6 * np.sin(2 * np.pi * at / 40 + first) + 0.3 * np.sin(
        4 * np.pi * at / 40 + second
    )
    return waves.T[..., None].astype("float32")


# %%
# Training, on whole sequences
# ----------------------------

net = [
    layers.Conv1D(32, taps, padding="causal", activation="gelu"),
    layers.Conv1D(1, 1, padding="causal"),
]
model = keras.Sequential([keras.Input((None, 1)), *net])
x = tones(128, 512, seed=0)
noisy = x + 0.01 * np.random.default_rng(1).standard_normal(x.shape).astype(
    "float32"
)  # its own errors, later
model.compile(
    keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 8 * epochs)),
    "mse",
)
weights = np.ones((len(x), x.shape[1] - 1), "float32")
weights[:, :taps] = 0  # before the kernel is full there is silence in what it sees
model.fit(
    noisy[:, :-1],
    x[:, 1:],
    sample_weight=weights,
    batch_size=16,
    epochs=epochs,
    verbose=0,
)

# %%
# Generation, sample by sample
# ----------------------------

true = tones(1, 600, seed=2)
streams = [layer.stream() for layer in net]
heard = true[:, :400]
samples, sample = [heard], heard
start = time.perf_counter()
for _ in range(200):
    for stream in streams:
        sample = stream(sample)
    sample = keras.ops.convert_to_numpy(sample)[:, -1:]
    samples.append(sample)
seconds = time.perf_counter() - start
made = np.concatenate(samples, 1)

whole = keras.ops.convert_to_numpy(model(made[:, :-1]))
difference = float(np.abs(whole[:, 399:] - made[:, 400:]).max())
print(
    f"200 samples in {seconds:.2f} s, "
    f"{difference:.0e} from what the whole model says of them"
)
assert difference < 1e-5

figure, place = plt.subplots(figsize=(9, 3))
place.plot(true[0, 300:, 0], color="0.6", linestyle="--")
place.plot(np.arange(100), made[0, 300:400, 0])
place.plot(np.arange(99, 300), made[0, 399:, 0])
place.text(50, 1.0, "heard", color="C0", ha="center")
place.text(200, 1.0, "generated, sample by sample", color="C1", ha="center")
place.set(xlabel="sample", ylim=(-1.1, 1.2), title="The network goes on by itself")
