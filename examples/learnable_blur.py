"""Which blur was it? A picture and its blurred copy are given; a 31x31 kernel is learned that turns one into the other.

The kernel is the weight of a depthwise convolution, kept positive by a constraint. The camera was shaken: the true
kernel is a crooked line, which no Gaussian is near.

    python examples/learnable_blur.py      # about half a minute on two cores; learnable_blur.png
"""

from __future__ import annotations

import argparse

import keras
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import skimage.transform

from konvolve import layers


def shake(size: int) -> np.ndarray:
    """Return a kernel of the given size: the path of a camera that moved, as (size, size), of sum 1."""
    time = np.linspace(0, 1, 400)
    reach = size // 2 * 0.8
    y = size // 2 + reach * np.sin(2.6 * time - 1.3)
    x = size // 2 + reach * np.sin(7.0 * time) * (0.3 + 0.7 * time)
    kernel, _, _ = np.histogram2d(y, x, bins=size, range=[[-0.5, size - 0.5]] * 2)
    return (kernel / kernel.sum()).astype("float32")


def main(arguments: list[str] | None = None) -> float:
    """Learn, draw the pictures and the kernels, and return the mean difference between the kernels' taps."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=31, help="of the kernel")
    parser.add_argument("--pixels", type=int, default=256, help="of the picture")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--output", default="learnable_blur.png")
    given = parser.parse_args(arguments)

    keras.utils.set_random_seed(0)
    picture = skimage.transform.resize(skimage.data.camera(), (given.pixels,) * 2, anti_aliasing=True)
    sharp = picture.astype("float32")[None, ..., None]
    truth = shake(given.size)
    blurred = np.asarray(keras.ops.convert_to_numpy(layers.Filter(truth)(sharp)))
    blurred += np.random.default_rng(0).normal(0, 0.002, blurred.shape).astype("float32")

    layer = layers.DepthwiseConv2D(
        given.size,
        padding="same",
        padding_mode="symmetric",
        use_bias=False,
        depthwise_initializer=keras.initializers.Constant(1 / given.size**2),
        depthwise_constraint="non_neg",
    )
    model = keras.Sequential([keras.Input((None, None, 1)), layer])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, given.steps)), "mse")
    # Edges tell the taps apart, smooth areas do not: what is learned from is the slopes, along both diagonals.
    slopes = layers.Filter([[0.0, 1.0], [-1.0, 0.0]], "valid"), layers.Filter([[1.0, 0.0], [0.0, -1.0]], "valid")
    x, y = (np.concatenate([np.asarray(keras.ops.convert_to_numpy(f(z))) for f in slopes]) for z in (sharp, blurred))
    scale = x.std()
    history = model.fit(x / scale, y / scale, batch_size=2, epochs=given.steps, verbose=0).history["loss"]
    found = np.flip(layer.kernel.numpy()[:, :, 0, 0])  # a layer correlates, a blur convolves
    difference = float(np.abs(found - truth).sum() / np.abs(truth).sum())
    print(f"{given.steps} steps; loss {history[-1]:.1e} after {history[0]:.1e}; kernel off by {100 * difference:.0f} %")

    figure, axes = plt.subplots(1, 4, figsize=(11, 2.95), layout="constrained")
    shown = {"picture": sharp[0, ..., 0], "blurred": blurred[0, ..., 0], "true kernel": truth, "learned kernel": found}
    for place, (title, image) in zip(axes, shown.items(), strict=True):
        top = 1 if "kernel" not in title else truth.max()
        place.imshow(image, cmap="gray" if top == 1 else "magma", vmin=0, vmax=top)
        place.set_title(title)
        place.axis("off")
    figure.savefig(given.output, dpi=120)
    plt.close(figure)
    return difference


if __name__ == "__main__":
    main()
