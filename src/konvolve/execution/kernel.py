"""A kernel prepared once for many calls: its spectra, and its factors if it is separable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.execution import factors
from konvolve.planning import dtypes
from konvolve.planning.operands import plain, shown
from konvolve.planning.signal.plan import Plan

# A kernel is transformed anew for every length; so many of its spectra are kept.
_MOST_SPECTRA = 16


class Kernel:
    """A kernel for many calls: what can be computed of it alone is computed once.

    Args:
        array: The kernel, an array of any library konvolve knows; it is copied. Variables give their present value.
        most_terms: A matrix that is not a product may still be the sum of a few products, which `method="auto"` then
            takes where they are cheaper. No more than so many terms are looked for.

    Pass it as in2 to any of the functions, or as the kernel to ``conv``, ``depthwise_conv`` and ``conv_transpose`` of
    ``konvolve.nn``. The result is that of the array itself, within rounding, and is differentiable in the signal; the
    kernel is a constant. The signal may be of another library than the kernel if the kernel is a NumPy array.

    Raises TypeError when the array is being traced and has no values, or holds no numbers; ValueError when it is empty.

    What is kept are up to 16 spectra, one for each length of transform that the signals ask for, and the factors.

    >>> blur = Kernel(np.full((3, 3), 1 / 9))
    >>> from konvolve import fftconvolve
    >>> fftconvolve(np.ones((4, 4)), blur, mode="valid").round(6)
    array([[1., 1.],
           [1., 1.]])
    >>> blur
    Kernel(shape=(3, 3), dtype='float64', library='numpy')
    """

    def __init__(self, array: Any, *, most_terms: int = 4) -> None:
        if isinstance(array, Kernel):
            array = array.array
        if registry.is_symbolic(array):
            raise TypeError("array is a symbolic tensor of Keras and has no values: pass it to the function itself")
        xp, (array,) = registry.resolve({"array": array})
        shape, dtype = xp.shape(array), xp.dtype(array)
        if dtypes.parse(dtype).kind == "other" and dtype != "object":
            raise TypeError(f"array must be an array of numbers, not of dtype {dtype}")
        if 0 in shape:
            raise ValueError(f"array must have at least one sample, not the shape {shape}")
        if not isinstance(plain(most_terms), int) or most_terms < 1:
            raise ValueError(f"most_terms must be a positive integer, not most_terms={shown(most_terms)}")
        self.array: Array = xp.snapshot(array)
        self.shape, self.dtype, self.library = xp.shape(self.array), xp.dtype(self.array), xp.name
        self._most_terms = int(most_terms)
        self.finite = _finite(xp, self.array)
        self._spectra: dict[tuple, Array] = {}
        self._terms: dict[tuple, list[factors.Term]] = {}

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(registry.backend(self.library).to_numpy(self.array), dtype)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: not what can be computed anew."""
        return {**self.__dict__, "_spectra": {}, "_terms": {}}

    def __repr__(self) -> str:
        return f"Kernel(shape={self.shape}, dtype={self.dtype!r}, library={self.library!r})"

    def prepared(self, xp: Backend, plan: Any, b: Array, prepare: Callable) -> Array:
        """Return what ``prepare`` makes of the kernel for a plan, computed at the first call."""
        key = (xp.profile(), xp.device(b), plan.preparation)
        found = self._spectra.get(key)
        if found is None:
            if len(self._spectra) >= _MOST_SPECTRA:
                self._spectra.clear()
            with xp.outside_trace():
                # b may belong to a graph that is being built: the constant it stands for does not.
                found = xp.compiled(prepare)(xp, plan, xp.asarray(self.array, b) if xp.traced(b) else b)
            if not xp.traced(found):  # in a graph of TensorFlow 1 nothing is computed at once
                self._spectra[key] = found
        return found

    def terms(self, plan: Plan) -> list[factors.Term]:
        """Return the terms of a separable kernel for a plan, none if it is not separable."""
        axes = plan.problem.axes
        key = (axes, plan.problem.compute)
        found = self._terms.get(key)
        if found is None:
            found = self._terms[key] = terms(np.asarray(self), plan, self._most_terms)
        return found


def _finite(xp: Backend, array: Array) -> bool:
    """Whether all samples are finite, as far as they can be looked at."""
    if dtypes.parse(xp.dtype(array)).kind not in ("float", "complex") or xp.reads_code():
        return True
    with xp.outside_trace():
        found = xp.all_finite((array,))
    return found is None or bool(found)


def terms(kernel: np.ndarray, plan: Plan, most: int = 1) -> list[factors.Term]:
    """Return the terms of an array of values, to the precision the plan computes in."""
    kind = dtypes.parse(plan.problem.compute)
    if kernel.dtype.kind not in "biufc":
        return []
    return factors.terms(kernel, plan.problem.axes, 2.0**-52 if kind.bits >= 64 else 2.0**-23, most)
