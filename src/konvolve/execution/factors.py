"""Kernels that are products: a matrix of rank 1, or low rank, as factors of one axis each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Term = tuple[np.ndarray, ...]
"""One factor per convolved axis; their outer product is one term of the kernel."""

# Beyond this size of its shorter side a matrix is not decomposed: that costs more than it can save.
_MOST = 512


def terms(kernel: np.ndarray, axes: Sequence[int], epsilon: float, most: int = 1) -> list[Term]:
    """Return the fewest terms that sum up to the kernel, none if more than ``most`` would be needed.

    Args:
        kernel: Of one sample on every axis not in ``axes``; floating or complex.
        axes: The axes to separate, ascending.
        epsilon: The relative spacing of the dtype the work is done in: what is left over may be four times that,
            in the Frobenius norm, which is what rounding the kernel to the dtype leaves.
        most: The largest number of terms; more than one is found for two axes only.

    A product is recognised by the lines through its largest sample, in as many steps as it has samples. The terms of
    a matrix of low rank are its singular vectors, which leave the least over (Eckart and Young 1936).

    >>> found = terms(np.outer([1.0, 2.0, 1.0], [1.0, 0.0, -1.0]), (0, 1), 2.0**-52)
    >>> [factor.shape for factor in found[0]]
    [(3, 1), (1, 3)]
    """
    wide = kernel.astype(np.complex128 if kernel.dtype.kind == "c" else np.float64)
    taps = wide.reshape([kernel.shape[axis] for axis in axes])
    largest = float(np.abs(taps).max())
    if not np.isfinite(largest) or largest == 0:
        return []
    scale = 2.0 ** (math.frexp(largest)[1] - 1)  # a power of two, which costs no digits
    taps = taps / scale  # whose squares are in the range of the dtype
    bound = 4 * epsilon * float(np.linalg.norm(taps.ravel()))
    found = [_factors(taps)] if _is_product(taps, bound) else _low_rank(taps, bound, most)
    found = [(*term[:-1], term[-1] * scale) for term in found]
    return [tuple(_along(factor, axis, kernel.ndim) for factor, axis in zip(t, axes, strict=True)) for t in found]


def _along(factor: np.ndarray, axis: int, ndim: int) -> np.ndarray:
    return factor.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _outer(factors: Sequence[np.ndarray]) -> np.ndarray:
    y = factors[0]
    for factor in factors[1:]:
        y = np.multiply.outer(y, factor)
    return y


def _is_product(taps: np.ndarray, bound: float) -> bool:
    """Whether the lines through the largest sample multiply to all of it."""
    peak = np.unravel_index(np.argmax(np.abs(taps)), taps.shape)
    lines = []
    for i in range(taps.ndim):
        line: Any = (*peak[:i], slice(None), *peak[i + 1 :])
        lines.append(taps[line])
    product = _outer([line / taps[peak] for line in lines]) * taps[peak]
    return bool(np.linalg.norm((taps - product).ravel()) <= 2 * bound)


def _factors(taps: np.ndarray) -> Term:
    """Return the factors of a product, of equal norms: axis after axis, by one step of the power method."""
    factors = []
    for _ in range(taps.ndim - 1):
        # Every row is a multiple of one vector, up to rounding: one step from the largest is enough.
        rows = taps.reshape(taps.shape[0], -1)
        right = rows[np.argmax(np.abs(rows).max(axis=1))].conj()
        left = rows @ (right / np.linalg.norm(right))
        factors.append(left / np.linalg.norm(left))
        taps = (factors[-1].conj() @ rows).reshape(taps.shape[1:])
    norm = np.linalg.norm(taps)
    share = norm ** (1 / (len(factors) + 1))
    return (*(factor * share for factor in factors), taps / norm * share)


def _low_rank(taps: np.ndarray, bound: float, most: int) -> list[Term]:
    if most < 2 or taps.ndim != 2 or min(taps.shape) > _MOST:
        return []
    left, values, right = np.linalg.svd(taps, full_matrices=False)
    # What is left over after r terms is the root of the sum of the squares of the other singular values.
    left_over = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1]
    rank = int(np.count_nonzero(left_over > bound))
    if rank > most:
        return []
    roots = np.sqrt(values)
    return [(left[:, r] * roots[r], right[r] * roots[r]) for r in range(rank)]
