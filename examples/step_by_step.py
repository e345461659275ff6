"""A network that goes on by itself: it hears a tone, and generates what follows, each output being the next input.

Two causal convolutions learn to predict the next sample of a tone. `layer.stream()` runs each of them one sample at a
time, with what its kernel reaches of the past as its state: a sample costs the same however long it has gone on.

    python examples/step_by_step.py                    # about twenty seconds on two cores; step_by_step.png
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


def tones(number: int, steps: int, seed: int) -> np.ndarray:
    """Return (number, steps, 1) of a tone and its octave, of 40 samples a period, at random phases."""
    first, second = np.random.default_rng(seed).uniform(0, 2 * np.pi, (2, number))
    at = np.arange(steps)[:, None]
    waves = 0.6 * np.sin(2 * np.pi * at / 40 + first) + 0.3 * np.sin(4 * np.pi * at / 40 + second)
    return waves.T[..., None].astype("float32")


def network(taps: int) -> list:
    """Return the layers: what has been heard, in 32 channels, and the next sample from them."""
    heard = layers.Conv1D(32, taps, padding="causal", activation="gelu")
    return [heard, layers.Conv1D(1, 1, padding="causal")]


def generated(net: list, prompt: np.ndarray, steps: int) -> np.ndarray:
    """Return the prompt and as many samples after it, (1, steps, 1), each from all before it."""
    streams = [layer.stream() for layer in net]
    samples, x = [prompt], prompt
    for _ in range(steps):
        for stream in streams:
            x = stream(x)
        x = keras.ops.convert_to_numpy(x)[:, -1:]
        samples.append(x)
    return np.concatenate(samples, 1)


def main(arguments: list[str] | None = None) -> tuple[float, float]:
    """Train, generate, draw; how far each sample is from the whole model's, and the tone from the true one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--taps", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--output", default="step_by_step.png")
    given = parser.parse_args(arguments)

    keras.utils.set_random_seed(0)
    net = network(given.taps)
    model = keras.Sequential([keras.Input((None, 1)), *net])
    x = tones(128, 512, seed=0)
    noisy = x + 0.01 * np.random.default_rng(1).standard_normal(x.shape).astype("float32")  # its own errors, later
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 8 * given.epochs)), "mse")
    weights = np.ones((len(x), x.shape[1] - 1), "float32")
    weights[:, : given.taps] = 0  # before the kernel is full there is silence in what it sees
    model.fit(noisy[:, :-1], x[:, 1:], sample_weight=weights, batch_size=16, epochs=given.epochs, verbose=0)

    true = tones(1, 400 + given.steps, seed=2)
    start = time.perf_counter()
    made = generated(net, true[:, :400], given.steps)
    seconds = time.perf_counter() - start
    whole = keras.ops.convert_to_numpy(model(made[:, :-1]))
    difference = float(np.abs(whole[:, 399:] - made[:, 400:]).max())
    off = float(np.abs(made - true)[:, 400:].mean() / np.abs(true).mean())
    print(f"{given.steps} samples in {seconds:.2f} s, {difference:.1e} from the whole model's; {off:.0%} from the tone")

    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    axes.plot(true[0, 300:, 0], color="gray", linestyle="--", label="the tone")
    axes.plot(np.arange(100), made[0, 300:400, 0], label="heard")
    axes.plot(np.arange(99, 100 + given.steps), made[0, 399:, 0], label="generated, sample by sample")
    axes.set(xlabel="sample", ylim=(-1.1, 1.1), title="The network goes on by itself")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    figure.savefig(given.output, dpi=120)
    plt.close(figure)
    return difference, off


if __name__ == "__main__":
    main()
