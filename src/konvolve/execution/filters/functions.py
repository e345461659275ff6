"""SciPy's image filters: each is one correlation along an axis after the other, each of which is planned."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.execution.filters.kernels import gaussian_taps
from konvolve.execution.filters.passes import Image, correlated, line, stored
from konvolve.execution.filters.widths import sigmas_of, taps_of
from konvolve.planning import dtypes
from konvolve.planning.filters import arguments
from konvolve.planning.operands import shown

FILTERS: dict[str, Callable[..., Image]] = {}
"""Each filter by its name, as a function of an image, perhaps weights, and options."""


def entered(function: Callable[..., Image]) -> Callable[..., Image]:
    """Enter a filter into the table."""
    FILTERS[function.__name__] = function
    return function


@entered
def correlate1d(image: Image, weights: Array, *, axis: Any, mode: Any, cval: Any, origin: Any, convolve: bool) -> Image:
    """Correlate or convolve along one axis."""
    xp, axis = image.xp, arguments.check_axis(axis, image.ndim)
    edge = arguments.boundary(mode, cval, xp.dtype(image.x))
    shape = _sizes(xp, weights)
    if len(shape) != 1:
        raise RuntimeError(f"no filter weights given: weights must have one axis, not shape {shape}")
    weights, origin = _turned(xp, weights, shape, [origin]) if convolve else (weights, [origin])
    seen = xp.values(weights)
    wide = [-1 if each == axis else 1 for each in range(image.ndim)]
    kernel = xp.reshape(weights, wide) if seen is None else seen.reshape(wide)
    return correlated(image, kernel, [arguments.placement(axis, shape[0], origin[0])], [edge])


def _sizes(xp: Backend, weights: Array) -> tuple[int, ...]:
    """Return the kernel's sizes; an error where there are no taps, or nobody knows how many."""
    shape = xp.shape(weights)
    if 0 in shape:
        raise RuntimeError(f"no filter weights given: weights are of shape {shape}")
    if None in shape:
        raise ValueError(f"weights must be of a known shape, not {shape}")
    return shape  # type: ignore[return-value]


def _turned(xp: Backend, weights: Array, shape: Sequence[Any], origins: Sequence[Any]) -> tuple[Array, list]:
    """Return the kernel and the origins of the correlation that is a convolution."""
    if dtypes.parse(xp.dtype(weights)).integral:  # of which PyTorch turns not every one round
        weights = xp.cast(weights, "int64")
    weights = xp.flip(weights, tuple(range(len(shape))))
    if dtypes.is_complex(xp.dtype(weights)):
        weights = xp.conjugate(weights)
    return weights, [arguments.mirrored(taps, origin) for taps, origin in zip(shape, origins, strict=True)]


@entered
def correlate(image: Image, weights: Array, *, mode: Any, cval: Any, origin: Any, axes: Any, convolve: bool) -> Image:
    """Correlate or convolve along several axes at once."""
    xp, axes = image.xp, arguments.check_axes(axes, image.ndim)
    shape = _sizes(xp, weights)
    if len(shape) != len(axes):
        raise RuntimeError(f"weights.ndim ({len(shape)}) must match len(axes) ({len(axes)})")
    origins = arguments.each_axis("origin", origin, len(axes))
    # As in SciPy the kernel's axes are those of the image in order, and so are the origins if all are filtered.
    order = sorted(range(len(axes)), key=lambda place: axes[place])
    if len(axes) < image.ndim:
        origins = [origins[place] for place in order]
    if convolve:
        weights, origins = _turned(xp, weights, shape, origins)
    if not isinstance(mode, str):
        raise RuntimeError(f"A sequence of modes is not supported: mode={shown(mode)}")
    wide = [1] * image.ndim
    for axis, taps in zip(sorted(axes), shape, strict=True):
        wide[axis] = taps
    seen = xp.values(weights)  # whole numbers are summed exactly
    kernel = xp.reshape(weights, wide) if seen is None else seen.reshape(wide)
    placed = [arguments.placement(*each) for each in zip(sorted(axes), shape, origins, strict=True)]
    return correlated(image, kernel, placed, [arguments.boundary(mode, cval, xp.dtype(image.x))] * len(placed))


@entered
def gaussian_filter(
    image: Image, *, sigma: Any, order: Any, mode: Any, cval: Any, truncate: Any, radius: Any, axes: Any
) -> Image:
    """Blur, or take derivatives of the blurred image, along one axis after the other."""
    axes = arguments.check_axes(axes, image.ndim)
    each = functools.partial(arguments.each_axis, count=len(axes))
    sigmas = sigmas_of(image.xp, sigma, axes)
    rows = zip(axes, sigmas, each("order", order), each("mode", mode), each("radius", radius), strict=True)
    for axis, spread, nth, edge, reach in list(rows):
        nth = arguments.integer("order", nth)
        if isinstance(spread, float):
            if spread < 0:
                raise ValueError(f"sigma must be numbers from 0 on, not sigma={shown(sigma)}")
            if spread > 1e-15:
                taps = gaussian_taps(spread, arguments.radius_of(spread, truncate, reach), nth)
                image = line(image, taps, axis, edge, cval)
            continue
        kernel, count = taps_of(image, spread, nth, truncate, reach, axis, axes)
        placed = [arguments.placement(axis, 2 * count + 1, 0)]
        image = correlated(image, kernel, placed, [arguments.boundary(edge, cval, image.xp.dtype(image.x))])
    return image.then(image.xp.cast(image.x, image.dtype))


@entered
def uniform_filter(
    image: Image, *, size: Any, mode: Any, cval: Any, origin: Any, axes: Any, least: int = 0
) -> Image:  # fmt: skip
    """Take means of boxes, along one axis after the other."""
    axes = arguments.check_axes(axes, image.ndim)
    each = functools.partial(arguments.each_axis, count=len(axes))
    rows = zip(axes, each("size", size), each("mode", mode), each("origin", origin), strict=True)
    for axis, taps, edge, shift in list(rows):
        taps = arguments.integer("size", int(taps) if isinstance(taps, float) else taps, least, RuntimeError)
        if taps > 1:
            image = _mean(image, taps, axis, edge, cval, shift)
    return image.then(image.xp.cast(image.x, image.dtype))


def _mean(image: Image, taps: int, axis: int, mode: Any, cval: Any, origin: Any) -> Image:
    """Take the mean of so many samples: of integers the exact sum first, which is then divided."""
    xp = image.xp
    if not dtypes.parse(xp.dtype(image.x)).integral:
        return line(image, (1 / taps,) * taps, axis, mode, cval, origin)
    work = "float64" if dtypes.parse(image.dtype).integral else image.dtype
    sums = line(image._replace(dtype="float64"), (1,) * taps, axis, mode, cval, origin).x
    return image.then(stored(xp, xp.cast(sums / taps, work), image.dtype, False))


@entered
def derivative_filter(image: Image, *, axis: Any, across: Sequence[int], mode: Any, cval: Any) -> Image:
    """Take differences along one axis and sums along the others: Sobel's and Prewitt's filters."""
    axis = arguments.check_axis(axis, image.ndim)
    modes = arguments.each_axis("mode", mode, image.ndim)
    image = line(image, (-1, 0, 1), axis, modes[axis], cval)
    for other in range(image.ndim):
        if other != axis:
            image = line(image, tuple(across), other, modes[other], cval)
    return image


@entered
def laplace(image: Image, *, mode: Any, cval: Any, axes: Any) -> Image:
    """Add up the second differences along each axis."""

    def second(given: Image, axis: int, edge: Any) -> Image:
        return line(given, (1, -2, 1), axis, edge, cval)

    return summed(image, second, axes, mode, squared=False)


@entered
def gaussian_laplace(image: Image, *, sigma: Any, mode: Any, cval: Any, axes: Any, more: Any) -> Image:
    """Add up second derivatives of Gaussians along each axis."""
    return summed(image, derivative(image, sigma, 2, cval, axes, more), axes, mode, squared=False)


@entered
def gaussian_gradient_magnitude(image: Image, *, sigma: Any, mode: Any, cval: Any, axes: Any, more: Any) -> Image:
    """Return the length of the gradient of the blurred image."""
    return summed(image, derivative(image, sigma, 1, cval, axes, more), axes, mode, squared=True)


def derivative(image: Image, sigma: Any, order: int, cval: Any, axes: Any, more: Any) -> Callable:
    """Return a function that blurs along all axes, with a derivative along one of them."""
    found = arguments.check_axes(axes, image.ndim)
    settings = {"truncate": 4.0, "radius": None} | dict(more or {})
    unknown = sorted(set(settings) - {"truncate", "radius"})
    if unknown:
        raise TypeError(f"gaussian_filter has no argument {unknown[0]!r} beside truncate and radius")

    def blurred(given: Image, axis: int, edge: Any) -> Image:
        orders = [order if each == axis else 0 for each in found]
        return gaussian_filter(given, sigma=sigma, order=orders, mode=edge, cval=cval, axes=found, **settings)

    return blurred


def summed(image: Image, step: Callable, axes: Any, mode: Any, *, squared: bool) -> Image:
    """Add up a filter along each axis, or the squares of it, and then take the root."""
    xp, axes = image.xp, arguments.check_axes(axes, image.ndim)
    total, integral = None, dtypes.parse(image.dtype).integral
    for axis, edge in zip(axes, arguments.each_axis("mode", mode, len(axes)), strict=True):
        part = step(image, axis, edge).x
        if integral:  # in which every library can add, and which wraps to any other integer
            part = xp.cast(part, "int64")
        part = part * part if squared else part
        total = part if total is None else total + part
    if total is None:
        return image
    total = xp.cast(total, image.dtype)
    return image.then(_root(xp, total, image.dtype) if squared else total)


def _root(xp: Backend, squares: Array, dtype: str) -> Array:
    """Return roots; their derivative at 0, which is infinite, is taken to be 0."""
    if dtypes.parse(dtype).integral:
        squares = xp.cast(squares, "float64")
    if dtypes.is_complex(xp.dtype(squares)):
        return squares**0.5
    one = xp.scalar(1, xp.dtype(squares), squares)
    return xp.cast(xp.where(squares > 0, xp.where(squares > 0, squares, one) ** 0.5, 0 * squares), dtype)
