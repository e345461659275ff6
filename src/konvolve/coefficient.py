"""Normalised cross-correlation: the correlation coefficient of what overlaps, at every lag, with or without masks.

At a lag the two signals overlap in n samples, x of in1 and y of in2 (those that both masks allow). The coefficient is

    (sum x y* - sum x sum y* / n) / sqrt((sum |x|^2 - |sum x|^2 / n) (sum |y|^2 - |sum y|^2 / n))

and each of the sums is itself a correlation: of the signals, of their squares, with each other's mask (Padfield,
"Masked object registration in the Fourier domain", IEEE Transactions on Image Processing 21, 2012). Where there are no
masks they are all ones, which is a separable kernel.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from konvolve import execute
from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.planning import dtypes
from konvolve.planning.arguments import check_axes, check_mask


def correlate(
    in1: Any, in2: Any, masks: tuple[Any, Any], mode: str, method: str, axes: Any, lags: Any, max_memory: Any
) -> Array:
    """Return the correlation coefficient at every lag; zero where it is not defined."""
    named = {"in1": in1, "in2": in2, "mask1": masks[0], "mask2": masks[1]}
    if any(map(registry.is_symbolic, named.values())):
        from konvolve import symbolic  # imports Keras, which whoever made the symbolic tensor has imported

        given = tuple(x for x in named.values() if x is not None)
        return symbolic.record(
            "coefficient", given, (mode, method, axes, lags, max_memory, *(x is not None for x in masks))
        )
    xp, arrays = registry.resolve({name: x for name, x in named.items() if x is not None})
    found = dict(zip((name for name, x in named.items() if x is not None), arrays, strict=True))
    a, b = found["in1"], found["in2"]
    options = (mode, method, axes, "zero", lags, max_memory)
    problem = execute.plan_arrays(xp, "correlate", a, b, *options).problem  # checks all but the masks
    convolved = check_axes(axes, len(problem.shape1))
    result = dtypes.as_float(problem.result)
    wide = xp.canonical("complex128" if dtypes.is_complex(result) else "float64")
    masked = []
    for name, x in (("mask1", a), ("mask2", b)):
        if name in found:
            check_mask(name, xp.shape(found[name]), xp.shape(x))
        masked.append(_present(xp, x, found.get(name), convolved, dtypes.real(wide)))
    ask = functools.partial(_sum, xp, a, options)
    return xp.finish(xp.cast(_coefficient(xp, ask, a, b, masked, _whole(problem, found), convolved, wide), result))


def recorded(arrays: list, *options: Any) -> Array:
    """Answer a call that was recorded with symbolic tensors: the masks follow in2, those that were given."""
    in1, in2, *masks = arrays
    *rest, first, second = options
    mask1 = masks.pop(0) if first else None
    return correlate(in1, in2, (mask1, masks.pop(0) if second else None), *rest)


def _coefficient(
    xp: Backend, ask: Any, a: Array, b: Array, masks: list, whole: bool, axes: tuple[int, ...], wide: str
) -> Array:
    mask1, mask2 = masks
    # The means cancel; less cancels in the sums without them.
    a, b = (_about_mean(xp, xp.cast(x, wide), m, axes) for x, m in ((a, mask1), (b, mask2)))
    count = ask(None, mask2) if whole else ask(mask1, mask2)
    some = count > 0.5
    n = xp.where(some, count, count * 0 + 1)
    sum1, sum2 = ask(a, mask2), ask(None if whole else mask1, b)
    power1, power2 = _power(xp, a), _power(xp, b)
    energy1 = ask(power1, mask2) - _power(xp, sum1) / n
    energy2 = ask(None if whole else mask1, power2) - _power(xp, sum2) / n
    product = ask(a, b) - sum1 * sum2 / xp.cast(n, wide)
    # What is left of a constant signal is the transforms' rounding: that has no correlation coefficient.
    floors = (_rounding(xp, power1, mask2, axes, wide), _rounding(xp, power2, mask1, axes, wide))
    defined = some & (energy1 > floors[0]) & (energy2 > floors[1])
    # Chosen before the root is taken, so that no gradient passes through the root of zero.
    energies = xp.where(defined, energy1 * energy2, energy1 * 0 + 1)
    return xp.where(defined, product / xp.cast(energies**0.5, wide), product * 0)


def _sum(xp: Backend, like: Array, options: tuple, x: Array | None, y: Array) -> Array:
    """Correlate x with y; without x every sample of y is in the sum at every lag."""
    if x is not None:
        return xp.asarray(execute.solve("correlate", x, y, *options), like)
    y = xp.asarray(y, like)
    axes = check_axes(options[2], len(xp.shape(y)))
    return xp.total(xp.conjugate(y) if dtypes.is_complex(xp.dtype(y)) else y, axes)


def _whole(problem: Any, found: dict) -> bool:
    """Whether all of in2 lies on samples of in1 at every lag."""
    sizes = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.axes]
    fits = all(None not in pair and pair[0] >= pair[1] for pair in sizes)
    return "mask1" not in found and problem.mode == "valid" and not problem.lags and fits


def _present(xp: Backend, x: Array, mask: Array | None, axes: tuple[int, ...], dtype: str) -> Array:
    """Return which samples of x count, as ones and zeros; as NumPy's where all do, so that planning can see it."""
    if mask is not None:
        return xp.cast(mask != 0, dtype) if xp.dtype(mask) != "bool" else xp.cast(mask, dtype)
    sizes = [n if axis in axes else 1 for axis, n in enumerate(xp.sizes(x))]
    if all(isinstance(n, int) for n in sizes):
        return np.ones(sizes, dtype)
    return xp.zeros(sizes, dtype, x) + 1


def _about_mean(xp: Backend, x: Array, mask: Array, axes: tuple[int, ...]) -> Array:
    mask = xp.cast(xp.asarray(mask, x), xp.dtype(x))
    total, inside = xp.total(mask, axes), mask != 0
    zero = xp.zeros((), xp.dtype(x), x)
    x = xp.where(inside, x, zero)  # chosen, because zero times NaN is NaN
    return xp.where(inside, x - xp.total(x, axes) / xp.where(total != 0, total, total * 0 + 1), zero)


def _power(xp: Backend, x: Array) -> Array:
    if not dtypes.is_complex(xp.dtype(x)):
        return x * x
    real, imaginary = xp.parts(x)
    return real * real + imaginary * imaginary


def _rounding(xp: Backend, power: Array, mask: Array, axes: tuple[int, ...], wide: str) -> Array:
    """Bound the error of a correlation by transforms: so many roundings of the product of the operands' norms."""
    epsilon = 2.0**-52 if dtypes.parse(wide).bits >= 64 else 2.0**-23
    samples = math.prod([n or 2**20 for n in xp.shape(power)])
    mask = xp.asarray(mask, power)
    norms = xp.total(power * power, axes) * xp.total(mask * mask, axes)
    return 8 * epsilon * math.log2(samples + 2) * norms**0.5
