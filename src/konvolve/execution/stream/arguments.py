"""A stream's kernel and blocks, as they are given: their library, their axes, and the errors for what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.execution.kernel import Kernel
from konvolve.planning import dtypes

_COMPILED = (
    "a stream keeps its state in itself, which a compiled function cannot change: use y, state = stream.step(x, state) "
    "there"
)


def check_kernel(kernel: Array) -> tuple[Array, str]:
    """Return a kernel as an array, a copy, and its library; an error for what is none."""
    if registry.is_symbolic(kernel):
        raise TypeError("kernel is a symbolic tensor of Keras and has no values")
    xp, (kernel,) = registry.resolve({"kernel": kernel.array if isinstance(kernel, Kernel) else kernel})
    shape = xp.shape(kernel)
    if dtypes.parse(xp.dtype(kernel)).kind == "other":
        raise TypeError(f"kernel must be an array of numbers, not of dtype {xp.dtype(kernel)}")
    if not 1 <= len(shape) <= 3 or 0 in shape:
        raise ValueError(
            f"kernel must be of shape (taps), (channels, taps) or (in, out, taps) with one tap at least, not {shape}"
        )
    kernel = xp.snapshot(kernel)
    floating = dtypes.parse(xp.dtype(kernel)).kind in ("float", "complex")
    if floating and not np.asarray(xp.to_numpy(xp.isfinite(kernel))).all():
        raise ValueError("kernel must be of finite numbers")
    return kernel, xp.name


def check_library(library: Any, home: str) -> str | None:
    """Return the library that blocks have to be of, None for any; an error for another than the kernel's."""
    if library is None:
        return home if home != "numpy" else None
    registry.backend(library)  # an error that names those there are
    if home not in ("numpy", library):
        raise TypeError(f"kernel is of {home} and library={library!r}: two libraries cannot be mixed")
    return library


def resolved(x: Array, home: str | None, *, alone: bool, eager: bool = False) -> tuple[Any, Array]:
    """Return the library of a block, and the block as its array.

    ``home`` is the library of the stream, if it is known. ``alone``: whether that is the first block's, which NumPy
    arrays do not become later.
    """
    xp: Any
    xp, (x,) = registry.resolve({"x": x})
    if home is not None and xp.name != home:
        if xp.name != "numpy" or alone:
            raise TypeError(f"x is of {xp.name}, and the stream of {home}")
        xp = registry.backend(home)
        x = xp.asarray(x)
    if dtypes.parse(xp.dtype(x)).kind == "other":
        raise TypeError(f"x must be an array of numbers, not of dtype {xp.dtype(x)}")
    if eager and (xp.traced(x) or xp.reads_code()):
        raise TypeError(_COMPILED)
    return xp, x


def rows_of(shape: tuple, axis: int, kernel: tuple[int, ...]) -> tuple[tuple, int]:
    """Return a block's sizes without the streamed axis, and the place of that axis."""
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"x has no axis {axis}: its shape is {shape}")
    place = axis % len(shape)
    rows = shape[:place] + shape[place + 1 :]
    if len(kernel) > 1 and (not rows or rows[-1] != kernel[0]):
        raise ValueError(
            f"x must have {kernel[0]} signals along the axis before the streamed one, for a kernel of shape {kernel}, "
            f"not the shape {shape}"
        )
    return rows, place


def dtype_of(x: Array) -> str:
    """Return the name of an array's dtype."""
    xp, (x,) = registry.resolve({"x": x})
    return xp.dtype(x)


def moved(xp: Backend, x: Array, source: int, target: int) -> Array:
    """Return an array with one axis elsewhere, the others in order."""
    ndim = len(xp.shape(x))
    source, target = source % ndim, target % ndim
    if source == target:
        return x
    order = [axis for axis in range(ndim) if axis != source]
    order.insert(target, source)
    return xp.transpose(x, order)
