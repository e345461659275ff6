"""Image filters of images with holes: samples that are missing, being NaN or infinite.

With z the image (0 in its holes), h 1 in a hole and 0 elsewhere, and M the filter that takes a local mean, what is
there about a sample has the mean

    m = M(z) / (1 - M(h))

For a Gaussian and a box M is the filter itself, and m is its answer. A filter F that takes differences is

    F(z) + m F(h)

the filter of the image with m in the place of what is missing. Its M is the Gaussian without a derivative, or the mean
over the samples that the differences are of. What lies beyond the edges is there, unless ``cval`` is not finite.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from konvolve.backends.interface import Array, Backend
from konvolve.execution.filters.functions import FILTERS, derivative, summed
from konvolve.execution.filters.passes import Image, line
from konvolve.execution.holes import refuse, sums_to_zero
from konvolve.planning import dtypes
from konvolve.planning.filters import arguments
from konvolve.planning.operands import plain
from konvolve.planning.signal.arguments import check_fill
from konvolve.planning.signal.holes import ROUNDINGS, rounding

_NO_MEAN = (
    "nan='interpolate' fills holes with the filter's own means, and {} takes differences: use nan='omit' or 'fill', or "
    "fill the holes by another filter first"
)


class Holes(NamedTuple):
    """What becomes of holes: the choice, and what goes with it."""

    nan: str
    fill_value: Any
    min_weight: float
    keep_nan: bool


def filtered(name: str, image: Image, weights: Sequence[Array], options: dict[str, Any], asked: Holes) -> Image:
    """Filter an image of floating-point numbers with holes, by a filter's name and options."""
    xp, x = image.xp, image.x
    hole = ~xp.isfinite(x)
    found = _answered(name, image, weights, options, asked, hole).x
    if asked.keep_nan:
        found = xp.where(hole, xp.scalar(math.nan, xp.dtype(found), found), found)
    return image.then(found)


def _answered(
    name: str, image: Image, weights: Sequence[Array], options: dict[str, Any], asked: Holes, hole: Array
) -> Image:
    """Return the answer of each choice."""
    xp, x, run = image.xp, image.x, FILTERS[name]
    if asked.nan == "raise":
        refuse(xp, x, "input")
    if asked.nan == "fill":
        own = xp.dtype(x)
        value = check_fill(asked.fill_value, own, "fill_value")
        number = value if dtypes.is_complex(own) else complex(value).real
        image = image._replace(x=xp.where(hole, xp.scalar(number, own, x), x), local=not cmath.isfinite(value))
        return run(image, *weights, **options)
    if asked.nan in ("propagate", "raise"):
        return run(image._replace(local=asked.nan == "propagate"), *weights, **options)
    work = image._replace(dtype=arguments.work_dtype(xp.dtype(x), "float16"))
    if weights:  # a kernel of the user's, in one pass, whose sum may be anything
        kept = {"nan": "omit", "fill_value": 0.0, "weights": None, "min_weight": asked.min_weight, "keep_nan": False}
        found = run(work._replace(holes=kept), *weights, **options)
    else:
        z = work.then(xp.where(hole, xp.zeros((), xp.dtype(x), x), x))
        h = Image(xp, xp.cast(hole, dtypes.real(work.dtype)), dtypes.real(work.dtype))
        found = _omitted(name, z, h, options, asked)
    if asked.nan == "omit":
        return found
    if not _is_mean(xp, name, weights, options):
        raise ValueError(_NO_MEAN.format(name))
    filled = xp.where(hole, xp.cast(found.x, xp.dtype(x)), x)
    return run(image._replace(x=filled, local=True), *weights, **options)


def _omitted(name: str, z: Image, h: Image, options: dict[str, Any], asked: Holes) -> Image:
    """Return the filter of what is there, made up for what is missing; NaN where too little is there."""
    xp, run = z.xp, FILTERS[name]
    of_data, of_holes = ({**options, "cval": cval} for cval in _beyond(options["cval"]))
    near, away = _mean(name, z, of_data), _mean(name, h, of_holes)
    left = 1 - away.x
    nothing = ROUNDINGS * rounding(h.dtype)
    enough = xp.constant(left) > nothing
    if asked.min_weight:
        enough = enough & (xp.constant(left) >= asked.min_weight - nothing)
    # Chosen before the division, so that no gradient passes through one by zero.
    divisor = xp.where(enough, left, 0 * left + 1)
    mean = near.x * xp.cast(1 / divisor, z.dtype)
    if name == "gaussian_gradient_magnitude":
        y = _gradient(z, h, mean, of_data, of_holes).x
    elif _is_mean(xp, name, (), options):
        y = mean
    else:
        y = run(z, **of_data).x + mean * xp.cast(run(h, **of_holes).x, z.dtype)
    return z.then(xp.where(enough, y, xp.scalar(math.nan, z.dtype, y)))


def _beyond(cval: Any) -> tuple[Any, float]:
    """Return the constant beyond the image, and beyond its holes."""
    value = plain(cval)
    lost = isinstance(value, int | float | complex) and not cmath.isfinite(value)
    return (0.0, 1.0) if lost else (cval, 0.0)


def _is_mean(xp: Backend, name: str, weights: Sequence[Array], options: dict[str, Any]) -> bool:
    """Whether a filter takes means, and no differences; a kernel whose values nobody knows is taken to do so."""
    if weights:
        seen = None if xp.reads_code() else xp.values(weights[0])
        return seen is None or not sums_to_zero(seen, range(seen.ndim), xp.dtype(weights[0])).all()
    if name == "gaussian_filter":
        order = plain(options["order"])
        return not any(order) if isinstance(order, list | tuple) else not order
    return name == "uniform_filter"


def _mean(name: str, image: Image, options: dict[str, Any]) -> Image:
    """Take the local means that belong to a filter."""
    if name == "gaussian_filter":
        return FILTERS[name](image, **options | {"order": 0})
    if name == "uniform_filter":
        return FILTERS[name](image, **options)
    mode, cval = options["mode"], options["cval"]
    if name == "derivative_filter":
        modes = arguments.each_axis("mode", mode, image.ndim)
        along = arguments.check_axis(options["axis"], image.ndim)
        for axis, edge in enumerate(modes):
            image = line(image, (0.5, 0.0, 0.5) if axis == along else (1 / 3,) * 3, axis, edge, cval)
        return image
    if name == "laplace":
        return _cross(image, mode, cval, options["axes"])
    sigma, axes = options["sigma"], options["axes"]
    settings = {"truncate": 4.0, "radius": None} | dict(options["more"] or {})
    return FILTERS["gaussian_filter"](image, sigma=sigma, order=0, mode=mode, cval=cval, axes=axes, **settings)


def _cross(image: Image, mode: Any, cval: Any, axes: Any) -> Image:
    """Take the mean of each sample and its two neighbours along each axis."""
    count = len(arguments.check_axes(axes, image.ndim))
    if not count:
        return image
    lines = summed(image, lambda x, axis, edge: line(x, (1.0,) * 3, axis, edge, cval), axes, mode, squared=False)
    return image.then((lines.x - (count - 1) * image.x) / (2 * count + 1))


def _gradient(z: Image, h: Image, mean: Array, of_data: dict[str, Any], of_holes: dict[str, Any]) -> Image:
    """Return the length of the gradient, each of whose parts is made up for what is missing."""

    def part(given: Image, axis: int, edge: Any) -> Image:
        data, holes = (
            derivative(each, options["sigma"], 1, options["cval"], options["axes"], options["more"])(each, axis, edge)
            for each, options in ((z, of_data), (h, of_holes))
        )
        return given.then(data.x + mean * z.xp.cast(holes.x, z.dtype))

    return summed(z, part, of_data["axes"], of_data["mode"], squared=True)
