"""One pass of a filter: a correlation whose result lies on the image, stored as SciPy stores it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from konvolve.backends.interface import Array, Backend
from konvolve.execution import holes
from konvolve.execution.signal import solve as convolution
from konvolve.planning import dtypes
from konvolve.planning.filters import arguments
from konvolve.planning.filters.arguments import Placement


class Image(NamedTuple):
    """What is filtered: the library, the array, and the dtype of every result on the way.

    ``local``: whether what is not finite shall stay where a tap meets it. ``holes``: what becomes of samples that are
    not finite in a pass with a kernel of the user's, options of ``execution.holes.solve``; None for nothing. ``reach``
    is how many samples before and behind each one have had a part in it so far, along each axis; where that is asked,
    each pass adds what it comes to to ``seen``.
    """

    xp: Backend
    x: Array
    dtype: str
    local: bool = False
    holes: dict[str, Any] | None = None
    reach: tuple[tuple[int, int], ...] = ()
    seen: list | None = None

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.xp.shape(self.x))

    def then(self, y: Array) -> Image:
        """Return the same with the result of a step."""
        return self._replace(x=y)

    def reaching(self, taps: Sequence[Placement]) -> Image:
        """Return the same, about to be correlated with taps that lie on it so."""
        if self.seen is None:
            return self
        reach = list(self.reach)
        for axis, count, centre in taps:
            low, high = reach[axis]
            reach[axis] = low + centre, high + count - 1 - centre
        self.seen.append(tuple(reach))
        return self._replace(reach=tuple(reach))


def correlated(image: Image, kernel: Any, taps: Sequence[Placement], edges: Sequence[Any]) -> Image:
    """Correlate with a kernel of as many axes as the image, whose taps lie on it as is said, for each of its axes."""
    xp, x, image = image.xp, image.x, image.reaching(taps)
    if 0 in xp.shape(x):
        return image.then(xp.cast(x, image.dtype))
    given = xp.dtype(x)
    exact = dtypes.parse(given).integral and _is_whole(kernel, edges)
    work = "int64" if exact else arguments.work_dtype(given, image.dtype)
    if isinstance(kernel, np.ndarray) and dtypes.is_complex(kernel.dtype.name) and not dtypes.is_complex(work):
        work = dtypes.result_type(work, "complex64")
    if isinstance(kernel, tuple):  # the numbers of a line
        wide = [-1 if each == taps[0].axis else 1 for each in range(image.ndim)]
        kernel = xp.reshape(xp.asarray(list(kernel), x), wide)
    elif not isinstance(kernel, np.ndarray) and dtypes.is_complex(xp.dtype(kernel)):
        work = dtypes.result_type(work, "complex64")
    kernel = xp.cast(xp.asarray(kernel, x), work)
    kernel, window = _placed(xp, image, kernel, taps)
    solve, more = (convolution, {"local": image.local}) if image.holes is None else (holes.solve, image.holes)
    y = solve(
        "correlate", xp.cast(x, work), kernel, method="auto", axes=[each.axis for each in taps],
        boundary=[complex(each) if dtypes.is_complex(work) and not isinstance(each, str) else each for each in edges],
        max_memory=None, **window, **more,
    )  # fmt: skip
    return image.then(stored(xp, y, image.dtype, exact))


def _is_whole(kernel: Any, edges: Sequence[Any]) -> bool:
    """Whether a sum of integers with this kernel is one, constants beyond the edges included."""
    fills = [each for each in edges if not isinstance(each, str)]
    if any(isinstance(each, complex) or each != each // 1 for each in fills):
        return False
    if isinstance(kernel, tuple):
        return all(isinstance(tap, int) for tap in kernel)
    if not isinstance(kernel, np.ndarray):
        return False
    return kernel.dtype.kind in "iub" or (kernel.dtype.kind == "f" and bool(np.all(kernel == np.rint(kernel))))


def _placed(xp: Backend, image: Image, kernel: Array, taps: Sequence[Placement]) -> tuple[Array, dict]:
    """Return the kernel, and which samples of the correlation are the result: one for each of the image's.

    They are told by lags, or, where a size is not known yet and no lags can be told, by mode "same" for a kernel with
    zeros at one end, so that its middle lies on the output.
    """
    sizes = xp.shape(image.x)
    if all(each.taps == 2 * each.centre + 1 for each in taps):
        return kernel, {"mode": "same", "lags": None}
    if all(sizes[each.axis] for each in taps):
        lags = [(-each.centre, sizes[each.axis] - 1 - each.centre) for each in taps]  # type: ignore[operator]
        return kernel, {"mode": "full", "lags": lags}
    starts, ends = [0] * len(sizes), list(xp.sizes(kernel))
    for axis, count, centre in taps:
        starts[axis] = min(0, 2 * centre + 1 - count) if 2 * centre + 1 < count else 0
        ends[axis] = max(2 * centre + 1, 2 * (count - centre) - 1)
    return xp.window(kernel, starts, ends), {"mode": "same", "lags": None}


# How far below a whole number a sum may lie that is one but for rounding: absolute, and as a part of the sum.
_ROUNDING = {"float64": (1e-9, 1e-12), "float32": (1e-4, 1e-5)}


def stored(xp: Backend, y: Array, dtype: str, exact: bool) -> Array:
    """Return a sum in the dtype of results: an integer is cut off, as C does, but what rounding took is given back."""
    found = xp.dtype(y)
    if not exact and dtypes.parse(dtype).integral and found in _ROUNDING:
        absolute, relative = _ROUNDING[found]
        ahead = absolute + relative * xp.where(y < 0, -y, y)
        y = xp.cast(xp.where(y < 0, y - ahead, y + ahead), "int64")  # a truth, too, is what is left of it
    return xp.cast(y, dtype)


def line(image: Image, taps: tuple[float, ...], axis: int, mode: Any, cval: Any, origin: Any = 0) -> Image:
    """Correlate with numbers along an axis."""
    placed = arguments.placement(axis, len(taps), origin)
    return correlated(image, taps, [placed], [arguments.boundary(mode, cval, image.xp.dtype(image.x))])
