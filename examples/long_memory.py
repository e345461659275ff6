"""A network that remembers: two causal convolutions of 1024 taps learn to repeat what they heard long ago.

Each sequence is noise in which a few samples are marked; the network has to repeat each marked sample 700 steps later,
and be silent otherwise. A kernel that sees less than 700 steps cannot do better than silence, which is the
dashed line in the picture.

    python examples/long_memory.py                     # about a minute on two cores; long_memory.png
    python examples/long_memory.py --method direct     # the same with the direct sum, to see the difference
"""

from __future__ import annotations

import argparse
import time

import keras
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from konvolve import layers


def sequences(number: int, steps: int, delay: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (number, steps, 2) of noise and marks, and (number, steps, 1) of the marked noise, delayed."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-1, 1, (number, steps)).astype("float32")
    marks = (rng.uniform(size=(number, steps)) < 0.2).astype("float32")
    repeated = np.zeros_like(noise)
    repeated[:, delay:] = (noise * marks)[:, : steps - delay]
    return np.stack([noise, marks], -1), repeated[..., None]


def network(taps: int, method: str) -> keras.Model:
    """Return a network of two causal convolutions; their kernels start from zeros, so that it starts silent."""
    entry = keras.Input((None, 2))
    x = keras.layers.Dense(16, activation="gelu")(entry)
    x = layers.LongConv1D(taps, kernel_initializer="zeros", method=method)(x)  # with a skip term: starts as x itself
    x = layers.Conv1D(8, taps, padding="causal", kernel_initializer="zeros", method=method)(x)
    return keras.Model(entry, keras.layers.Dense(1)(x))


def main(arguments: list[str] | None = None) -> list[float]:
    """Train, draw the loss, and return it epoch by epoch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--taps", type=int, default=1024)
    parser.add_argument("--delay", type=int, default=700)
    parser.add_argument("--steps", type=int, default=4096)
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--output", default="long_memory.png")
    given = parser.parse_args(arguments)

    keras.utils.set_random_seed(0)
    x, y = sequences(given.sequences, given.steps, given.delay, seed=0)
    model = network(given.taps, given.method)
    batches = given.epochs * -(-given.sequences // 4)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, batches)), "mse")
    start = time.perf_counter()
    losses = model.fit(x, y, batch_size=4, epochs=given.epochs, verbose=0).history["loss"]
    seconds = time.perf_counter() - start
    silence = float((y**2).mean())
    print(f"{given.epochs} epochs in {seconds:.0f} s; loss {losses[-1]:.2e}, of silence {silence:.2e}")

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axes.semilogy(range(1, len(losses) + 1), losses, label=f"convolutions of {given.taps} taps")
    axes.axhline(silence, color="gray", linestyle="--", label="silence")
    axes.set(xlabel="epoch", ylabel="mean squared error", title=f"Repeat what was marked {given.delay} steps ago")
    axes.legend()
    figure.savefig(given.output, dpi=120)
    plt.close(figure)
    return losses


if __name__ == "__main__":
    main()
