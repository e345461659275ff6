"""The taps of filters that are made from numbers: Gaussians and their derivatives."""

from __future__ import annotations

import numpy as np


def bell(sigma: float, size: int) -> np.ndarray:
    """Return so many samples of a Gaussian about its middle, where it is 1.

    >>> bell(1.0, 2).round(4)
    array([0.8825, 0.8825])
    """
    at = (np.arange(size) - (size - 1) / 2) / sigma
    with np.errstate(over="ignore"):  # far out it is 0
        return np.exp(-0.5 * at * at)


def gaussian(sigma: float, radius: int, order: int = 0) -> np.ndarray:
    """Return a Gaussian's samples from -radius to radius, of sum 1, or its derivative of an order.

    The derivative of order n of ``exp(-t**2 / 2)`` is ``(-1)**n He_n(t)`` times itself, with the probabilists' Hermite
    polynomials; SciPy's kernels are these samples too.

    >>> gaussian(1.0, 1).round(4)
    array([0.2741, 0.4519, 0.2741])
    >>> gaussian(1.0, 1, order=1).round(4)
    array([ 0.2741, -0.    , -0.2741])
    """
    sigma = max(sigma, float(np.finfo(float).tiny))
    samples = bell(sigma, 2 * radius + 1)
    samples /= samples.sum()
    if order == 0:
        return samples
    at = np.arange(-radius, radius + 1) / sigma
    return np.where(samples == 0, 0, hermite(at, order)) * samples * (-1 / sigma) ** order


def gaussian_taps(sigma: float, radius: int, order: int = 0) -> tuple[float, ...]:
    """Return the same as numbers, reversed: the taps of the correlation that is a convolution with it."""
    return tuple(gaussian(sigma, radius, order)[::-1].tolist())


# torch.compile shall call it and not look in: numbers are constants to it, and NumPy's arrays are not.
gaussian_taps._dynamo_marked_constant = True  # type: ignore[attr-defined]


def hermite(at, order: int):
    """Return a probabilists' Hermite polynomial at some places; He_1 = t, He_2 = t**2 - 1, and so on."""
    before, found = at * 0 + 1, at
    for n in range(1, order):
        before, found = found, at * found - n * before
    return found
