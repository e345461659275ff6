"""The sigma of a Gaussian as it may be given: numbers, or arrays to which derivatives are taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from konvolve.backends.interface import Array, Backend
from konvolve.execution.filters.kernels import hermite
from konvolve.execution.filters.passes import Image
from konvolve.planning import dtypes
from konvolve.planning.filters import arguments
from konvolve.planning.operands import plain


def sigmas_of(xp: Backend, sigma: Any, axes: Sequence[int]) -> list:
    """Return for each axis a number, or an array of a library: one sigma, or one for each sample of the batch."""
    count = len(axes)
    if _is_array(sigma, 1):
        shape = tuple(sigma.shape)
        if not shape:
            sigma = [sigma] * count
        elif shape[-1] in (1, count):
            sigma = [sigma[..., 0 if shape[-1] == 1 else place] for place in range(count)]
        else:
            raise ValueError(
                f"sigma must be one number, one for each of the {count} axes, or an array of those for each sample of "
                f"the batch, not of shape {shape}"
            )
    several = isinstance(sigma, list | tuple) and len(sigma) == count  # of which each may be an array
    found = list(sigma) if several else arguments.each_axis("sigma", sigma, count)
    return [each if _is_array(each, 0) else arguments.number_of("sigma", each) for each in found]


def _is_array(sigma: Any, plain_axes: int) -> bool:
    """Whether this is an array, and none of NumPy's with so few axes, whose values are as good as Python's numbers."""
    return hasattr(sigma, "shape") and (
        len(sigma.shape) > plain_axes or not isinstance(plain(sigma), int | float | list)
    )


def taps_of(
    image: Image, sigma: Any, order: int, truncate: Any, radius: Any, axis: int, axes: Sequence[int]
) -> tuple[Array, int]:
    """Return the taps of a Gaussian whose sigma is an array, differentiable in it, and its radius."""
    xp = image.xp
    sigma = xp.cast(xp.asarray(sigma, image.x), dtypes.real(arguments.work_dtype(xp.dtype(image.x), image.dtype)))
    if radius is None:
        if xp.traced(sigma):
            raise ValueError("radius must be given where sigma is traced: how far a Gaussian reaches sets the shapes")
        largest = float(np.max(xp.to_numpy(xp.constant(sigma)), initial=0.0))
        radius = arguments.radius_of(largest, truncate, None)
    reach = arguments.radius_of(0.0, truncate, radius)
    batch = iter(xp.sizes(sigma))
    own = len(xp.shape(sigma))
    if own not in (0, image.ndim - len(axes)):
        raise ValueError(
            f"sigma must have one value, or one for each sample along the {image.ndim - len(axes)} axes that are not "
            f"filtered, not shape {xp.shape(sigma)}"
        )
    if own:
        sigma = xp.reshape(sigma, [1 if each in axes else next(batch) for each in range(image.ndim)])
    at = xp.cast(xp.arange(-reach, reach + 1, image.x), xp.dtype(sigma))
    at = xp.reshape(at, [-1 if each == axis else 1 for each in range(image.ndim)]) / sigma
    bell = math.e ** (-0.5 * at * at)
    bell = bell / xp.total(bell, (axis,))
    if order:
        bell = hermite(at, order) * bell * (-1 / sigma) ** order
        bell = xp.flip(bell, (axis,))
    return bell, reach
