"""Normalised cross-correlation: the correlation coefficient of what overlaps, at every lag, with or without masks.

At a lag the two signals overlap in n samples, x of in1 and y of in2 (those that both masks allow). The coefficient is

    mean(x y* - mean x mean y*) / (sqrt(variance x) sqrt(variance y))

``moments.py`` has means and variances of boxes that slide over a signal, ``sums.py`` everything else as correlations
of the whole signals, with bounds of their errors, and ``local.py`` the lags at which a bound is too large.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.execution.coefficient import local
from konvolve.execution.coefficient.moments import Moments, sliding
from konvolve.execution.coefficient.question import Question, Signal, added, axes_last, enough, magnitude, ready
from konvolve.execution.coefficient.sums import Sums, centred
from konvolve.execution.deferred import is_particular, record
from konvolve.execution.operations import OPERATIONS, Operation, Options
from konvolve.execution.signal import make, plan_arrays
from konvolve.planning import dtypes
from konvolve.planning.geometry import trailing, window
from konvolve.planning.operands import Operand
from konvolve.planning.signal.arguments import check_axes, check_lags, check_mask
from konvolve.planning.signal.plan import Plan


def correlate(
    in1: Any, in2: Any, masks: tuple[Any, Any], *, mode: str, method: str, axes: Any, lags: Any, max_memory: Any,
    min_overlap: float = 0, undefined: float = 0.0,
) -> Array:  # fmt: skip
    """Return the correlation coefficient at every lag; ``undefined`` where it is not defined."""
    named = {"in1": in1, "in2": in2, "mask1": masks[0], "mask2": masks[1]}
    if any(map(is_particular, named.values())):
        given = tuple(x for x in named.values() if x is not None)
        recorded = dict(zip(_ORDER, (mode, method, axes, lags, max_memory), strict=False))
        recorded |= {"mask1": masks[0] is not None, "mask2": masks[1] is not None}
        recorded |= {"min_overlap": float(min_overlap), "undefined_is_nan": bool(undefined != undefined)}
        return record("coefficient", given, recorded)
    xp, arrays = registry.resolve({name: x for name, x in named.items() if x is not None})
    by_name = dict(zip((name for name, x in named.items() if x is not None), arrays, strict=True))
    a, b = by_name["in1"], by_name["in2"]
    options = {"mode": mode, "method": method, "axes": axes, "lags": lags, "max_memory": max_memory}
    problem = plan_arrays(xp, "correlate", a, b, **options).problem
    present = []
    for name, x in (("mask1", a), ("mask2", b)):
        if name in by_name:
            mask = by_name[name]
            check_mask(name, xp.shape(mask), xp.shape(x))
            present.append(mask if xp.dtype(mask) == "bool" else mask != 0)
    result = dtypes.as_float(problem.result)
    limits = (float(min_overlap), bool(0 < min_overlap < 1), bool(undefined != undefined))
    masked = ("mask1" in by_name, "mask2" in by_name)
    wanted = tuple(sorted(check_axes(axes, len(problem.shape1))))
    pairs = check_lags(lags, check_axes(axes, len(problem.shape1)), mode)
    settled = (mode, method, tuple(pairs[axis] for axis in wanted) if pairs else None, max_memory)
    question = _question(xp, (a, b), wanted, masked, result, settled, limits)
    ordered = [axes_last(x, xp, wanted) for x in (a, b, *present)]
    # NumPy would warn of samples that are not finite. A compiler that reads this file has no such warnings.
    with contextlib.nullcontext() if xp.reads_code() else np.errstate(all="ignore"):
        y = xp.compiled(_coefficient)(xp, question, *ordered)
    layout = trailing(question.rank, wanted)
    y = y if layout is None else xp.transpose(y, layout[1])
    return xp.to_result(xp.cast(y, result))


_ORDER = ("mode", "method", "axes", "lags", "max_memory", "mask1", "mask2", "min_overlap", "undefined_is_nan")


def _compute(arrays: Sequence[Any], options: Options, owner: Any) -> Array:
    """Answer a call that was recorded with symbolic tensors: the masks follow in2, those that were given."""
    in1, in2, *masks = arrays
    both = tuple([masks.pop(0) if options[name] else None for name in ("mask1", "mask2")])
    undefined = math.nan if options.get("undefined_is_nan") else 0.0  # models saved by former versions have no limits
    common = {name: options[name] for name in _ORDER[:5]}
    return correlate(in1, in2, both, **common, min_overlap=options.get("min_overlap", 0), undefined=undefined)  # type: ignore[arg-type]


def _result(xp: Backend, operands: Sequence[Operand], options: Options) -> tuple[tuple[int | None, ...], str]:
    plan = _planned(xp.profile(), operands, options)
    return plan.output_shape, dtypes.as_float(plan.problem.result)


def _planned(library: str, operands: Sequence[Operand], options: Options) -> Plan:
    """Return the plan of the correlation itself."""
    common = {name: options[name] for name in _ORDER[:4]}
    return make("correlate", operands[0], operands[1], library, (None, None), **common)


OPERATIONS["coefficient"] = Operation(("in1", "in2", "mask1", "mask2"), _result, _compute, _ORDER, _planned)


def _question(
    xp: Backend, pair: tuple, axes: tuple, masked: tuple[bool, bool], result: str, options: tuple, limits: tuple
) -> Question:
    mode, _, lags, _ = options
    rank = len(xp.shape(pair[0]))
    sizes1, sizes2 = (tuple(xp.sizes(x)[axis] for axis in axes) for x in pair)
    windows = [
        window(mode if lags is None else lags[place], n, k, xp.minimum, xp.maximum)
        for place, (n, k) in enumerate(zip(sizes1, sizes2, strict=True))
    ]
    first = tuple(kept.start - (k - 1) for kept, k in zip(windows, sizes2, strict=True))
    shapes = xp.shape(pair[0]), xp.shape(pair[1])
    rows = math.prod([max(shapes[0][i] or 1, shapes[1][i] or 1) for i in range(rank) if i not in axes])
    wide = xp.canonical("complex128" if dtypes.is_complex(result) else "float64")
    tolerance = 1e-3
    if dtypes.parse(dtypes.real(wide)).bits >= 64:
        tolerance = {64: 1e-8, 32: 1e-6}.get(dtypes.parse(dtypes.real(result)).bits, 1e-3)
    facts: Any = (rank, sizes1, sizes2, first, tuple(kept.size for kept in windows))
    facts = (*facts, rows, masked, wide, tolerance, options, *limits)
    known = all(isinstance(n, int) for n in (*sizes1, *sizes2))
    # The same question as before, so that what was compiled for it is there again.
    return _remembered(*facts) if known and not xp.reads_code() else Question(*facts)


_remembered = functools.lru_cache(1024)(Question)


def _coefficient(xp: Backend, question: Question, a: Array, b: Array, *masks: Array) -> Array:
    given = list(masks)
    mask1 = given.pop(0) if question.masked[0] else None
    mask2 = given.pop(0) if question.masked[1] else None
    one, two = ready(xp, question, a, mask1), ready(xp, question, b, mask2)
    sums = Sums(xp, question, (one, two))
    count = sums.count
    moments = (
        sliding(xp, question, one, True) if question.known and mask2 is None else sums.moments(True),
        sliding(xp, question, two, False) if question.known and mask1 is None else sums.moments(False),
    )
    n = xp.where(count > 0.5, count, count * 0 + 1)
    products, wrong = _products(xp, question, sums, (one, two), moments, n)
    sufficient = enough(xp, question, count, mask2)
    # A sample that is not finite leaves nothing defined at the lags at which it takes part: they are NaN.
    broken = sums.meets_not_finite(products[0]) > 0.5
    trusted = broken | ~sufficient | _trusted(xp, question, moments, wrong)
    trusted = xp.broadcast_to(trusted, xp.sizes(products[0]))
    values = [*products, moments[0].variance, moments[1].variance]
    *products, variance1, variance2 = local.replaced(xp, question, (one, two), values, trusted)
    defined = sufficient & ~broken & (variance1 > 0) & (variance2 > 0)
    # Chosen before the root is taken, so that no gradient passes through the root of zero.
    zero = variance1 * 0
    roots = [xp.where(defined, v, zero + 1) ** 0.5 for v in (variance1, variance2)]
    gap = xp.where(sufficient & broken, zero + math.nan, zero + (math.nan if question.nan else 0.0))
    parts = [xp.where(defined, p / roots[0] / roots[1], g) for p, g in zip(products, (gap, zero), strict=False)]
    return parts[0] if len(parts) == 1 else xp.to_complex(*parts)


def _products(
    xp: Backend, question: Question, sums: Sums, signals: tuple[Signal, Signal], moments: tuple, n: Array
) -> tuple[list[Array], Array]:
    """Return the real parts of the mean product about both means, and a bound of their error."""
    parts = [centred(xp, question, signal) for signal in signals]
    x, y = (p[0] if len(p) == 1 else xp.to_complex(*p) for p in parts)
    product = sums.correlate(x, y)
    products = [product] if len(parts[0]) == 1 else list(xp.split_complex(product))
    first, second = (
        [m - mean for m, mean in zip(moment.mean, signal.mean, strict=True)]
        for moment, signal in zip(moments, signals, strict=True)
    )
    means = [first[0] * second[0]]
    if len(first) == 2:
        means = [means[0] + first[1] * second[1], first[1] * second[0] - first[0] * second[1]]
    products = [p / n - m for p, m in zip(products, means, strict=True)]
    # The means are rounded, that of the signal and those of what overlaps, and so is what is left of the samples.
    apart1, apart2 = [added([magnitude(xp, d) for d in each]) for each in (first, second)]
    mean1, mean2 = [added([magnitude(xp, m) for m in signal.mean]) for signal in signals]
    deviation1, deviation2 = [_root(xp, moment.variance) for moment in moments]
    rounded = (mean1 + apart1) * (deviation2 + apart2) + (mean2 + apart2) * (deviation1 + apart1)
    return products, sums.bound(x, y) / n + 4 * question.rounding * rounded


def _trusted(xp: Backend, question: Question, moments: tuple[Moments, Moments], wrong: Array) -> Array:
    """Return at which lags the coefficient's error stays below the tolerance."""
    one, two = (xp.constant(moment.variance) for moment in moments)
    roots = _root(xp, one) * _root(xp, two)
    relative = wrong / roots
    for variance, moment in ((one, moments[0]), (two, moments[1])):
        relative = relative + moment.error / xp.where(variance > 0, 2 * variance, variance * 0 + 1)
    right = (one > 0) & (two > 0) & (relative < question.tolerance)
    for variance, moment in ((one, moments[0]), (two, moments[1])):
        right = right | (variance == 0) if moment.exact else right
    return right


def _root(xp: Backend, x: Array) -> Array:
    """Return the root of a variance, and 1 in the place of that of zero."""
    x = xp.constant(x)
    return xp.where(x > 0, x, x * 0 + 1) ** 0.5
