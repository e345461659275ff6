"""The kernels of `konvolve blur` and `konvolve filter`: Gaussians, those with a name, and those from files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from konvolve.command.mistake import Mistake
from konvolve.execution.filters.kernels import bell
from konvolve.files import pictures

LARGEST_SIZE = 10_000  # a kernel of 0.8 GB in float64; no picture we read is so wide and so high
TRUNCATE = 4  # standard deviations to each side, as scipy.ndimage.gaussian_filter has it

NAMED = {
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "edges": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}
NAMES = "sharpen, edges, emboss, box:9 (any size), gaussian:2 (any sigma)"


def gaussian_kernel(sigma: float, size: int | None, option: str = "--sigma") -> np.ndarray:
    """The normalised Gaussian, (size, size, 1), of 4 sigma to each side unless `size` says otherwise."""
    if not 0 < sigma < math.inf:
        raise Mistake(f"{option} {sigma:g}: allowed: a finite number above 0")
    if size is None:
        reach = TRUNCATE * sigma + 0.5
        if 2 * reach + 1 > LARGEST_SIZE:
            raise Mistake(
                f"{option} {sigma:g}: the kernel would be larger than {LARGEST_SIZE} x {LARGEST_SIZE}; allowed: up to "
                f"{(LARGEST_SIZE - 2) / (2 * TRUNCATE):g}"
            )
        size = 2 * int(reach) + 1
    if not 1 <= size <= LARGEST_SIZE:
        raise Mistake(f"--size {size}: allowed: 1 to {LARGEST_SIZE}")
    line = bell(sigma, size)
    if line.sum() == 0:  # of an even size no pixel is at the centre
        raise Mistake(f"{option} {sigma:g}: all {size} weights vanish; allowed: larger, or an odd --size")
    line /= line.sum()
    return np.outer(line, line)[..., np.newaxis]


def check_sigma(sigma: float) -> None:
    """Raise `Mistake` for a standard deviation that no Gaussian has."""
    if not 0 < sigma < math.inf:
        raise Mistake(f"--sigma {sigma:g}: allowed: a finite number above 0")


def is_name(name: str) -> bool:
    """Whether a kernel is named, rather than a file."""
    return name in NAMED or name.startswith(("box:", "gaussian:"))


def named_kernel(name: str) -> np.ndarray | None:
    """The kernel of a name, such as "sharpen" or "box:9"; None where it is not one, but perhaps a file."""
    if name in NAMED:
        return np.array(NAMED[name], np.float64)[..., np.newaxis]
    kind, colon, number = name.partition(":")
    if not colon or kind not in ("box", "gaussian"):
        return None
    try:
        value = float(number) if kind == "gaussian" else int(number)
    except ValueError:
        what = "a number" if kind == "gaussian" else "a whole number"
        raise Mistake(f"KERNEL {name}: {number!r} is not {what}; allowed: {NAMES}, or a file") from None
    if kind == "gaussian":
        return gaussian_kernel(value, None, "KERNEL gaussian:")
    if not 1 <= value <= LARGEST_SIZE:
        raise Mistake(f"KERNEL {name}: allowed: box:1 to box:{LARGEST_SIZE}")
    return np.full((int(value), int(value), 1), 1 / value**2)


def kernel_from(name: str, normalize: bool | None, max_pixels: int | None = None) -> np.ndarray:
    """The kernel of `filter`, normalised if asked for, or if it is a picture and nothing was asked for."""
    if not name:
        raise Mistake(f"KERNEL '': empty; allowed: {NAMES}, .npy or a picture")
    pictures.check_no_address(name)
    kernel = named_kernel(name)
    path = Path(name)
    if kernel is None:
        if path.suffix == "" and not path.exists():
            raise Mistake(f"KERNEL {name}: neither a file nor a name; allowed: {NAMES}, .npy or a picture")
        kernel = pictures.read_kernel(path, max_pixels)
        picture = path.suffix.lower() != ".npy"
    else:
        picture = False
    if picture if normalize is None else normalize:
        sums = kernel.sum(axis=(0, 1))
        if (np.abs(sums) <= 1e-9 * np.abs(kernel).sum(axis=(0, 1))).any():
            raise Mistake(f"{name}: the kernel's sum is 0, nothing to normalise; allowed: --no-normalize")
        kernel = kernel / sums
    return kernel
