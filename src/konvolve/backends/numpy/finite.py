"""What is finite, and what is done only where something is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

isfinite = np.isfinite


def all_finite(xs: Sequence[np.ndarray]) -> bool:
    """Whether all samples are finite."""
    return all(map(_finite, xs))


# Below so many samples (measured on x86) writing a truth for each takes less time than telling NumPy not to warn.
_FEW = 4096


def _finite(x: np.ndarray) -> bool:
    if x.size < _FEW:
        return bool(np.logical_and.reduce(np.isfinite(x), None))
    with np.errstate(all="ignore"):  # a sum is read faster than a truth is written for each sample
        return bool(np.isfinite(np.add.reduce(x, None)))


def summed(function: Callable, groups: Sequence[Sequence[Callable]]) -> list[np.ndarray]:
    """Return the sum of each group."""
    return [sum(function(*make()) for make in group[1:]) + function(*group[0]()) for group in groups]


def zeroed(x: np.ndarray, finite: bool) -> np.ndarray:
    """Return x with zeros in the place of what is not finite."""
    return np.where(np.isfinite(x), x, x.dtype.type(0))


def either(truth: bool, one: Callable[[], np.ndarray], other: Callable[[], np.ndarray]) -> np.ndarray:
    """Return what one of two functions computes."""
    return one() if truth else other()


def unless(truth: bool, compute: Callable[[], np.ndarray], y: np.ndarray) -> np.ndarray:
    """Add to y what is computed only where the truth does not hold."""
    return y if truth else y + compute()


def constant(x: np.ndarray) -> np.ndarray:
    """Return x: NumPy takes no derivatives."""
    return x
