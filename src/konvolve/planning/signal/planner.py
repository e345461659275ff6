"""The choice: what every allowed method would do and cost, and which of them is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate, Traits
from konvolve.planning.geometry import Window, trailing, window
from konvolve.planning.signal import candidates, footprint, integers, matrix
from konvolve.planning.signal.ceiling import within
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.problem import Problem
from konvolve.planning.signal.separable import passes, separates, single_taps_behind
from konvolve.planning.words import shape_text

# So few multiply-adds are summed directly at any price: the sum is exact where SciPy's is, and its tests ask for that.
_FEW = 4096

# What is predicted to take less (in seconds) is not worth a look at the kernel's values.
_WORTH = 2e-4

# Axis by axis has to promise this part of another method's time: the kernel's values have to be looked at, and the
# passes have more overhead than is predicted.
_GAIN = 0.8

_MAKERS: dict[str, Callable] = {
    "direct": candidates.direct,
    "fft": candidates.fft,
    "overlap": candidates.overlap,
    "matrix": matrix.matrix,
}


def _window(problem: Problem, place: int) -> Window | None:
    """Return what is kept along a convolved axis, or None where a size is not known yet."""
    axis = problem.axes[place]
    n1, n2 = problem.shape1[axis], problem.shape2[axis]
    return None if n1 is None or n2 is None else window(problem.keeps(place), n1, n2)


def make_plan(problem: Problem, traits: Traits, bits: tuple[int | None, int | None] = (None, None)) -> Plan:
    """Choose a method for a problem on a library with these traits, below the problem's ceiling of memory.

    ``bits`` are the magnitudes of integer operands where their values were looked at.
    """
    bits = _with_fills(problem, bits)
    found = _unlimited(problem, traits, bits)
    return within(problem, traits, found, lambda problem, traits: _unlimited(problem, traits, bits))


def _with_fills(problem: Problem, bits: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    """Return the magnitudes of the operands, that of in1 with the constants beyond its edges."""
    fills = [edge.value for edge in problem.edges if edge.kind == "constant"]
    if not fills or not dtypes.parse(problem.compute).integral:
        return bits
    return max(bits[0] or integers.magnitude_bits(problem.dtype1), *map(integers.bits_of, fills)), bits[1]


def _unlimited(problem: Problem, traits: Traits, bits: tuple[int | None, int | None]) -> Plan:
    if problem.kind == "empty":
        return Plan(problem, problem, "nothing", reason="an input is empty")
    if problem.kind == "product":
        return Plan(problem, problem, "product", reason="no axis has more than one sample in both inputs")
    windows = tuple(_window(problem, place) for place in range(len(problem.axes)))
    layout = trailing(len(problem.shape1), problem.axes)
    if 0 in problem.shape1 or 0 in problem.shape2:
        return Plan(problem, problem, "nothing", windows, layout=layout, reason="an input is empty")
    if problem.methods == ("separable",):
        return _separable(problem, windows, layout, traits)
    found = _general(problem, windows, layout, traits, bits)
    if layout is not None:
        found = _in_place(problem, found, traits)
    asked = len(problem.axes) > 1 and "direct" in problem.methods and len(problem.methods) > 1
    if not asked or (found.seconds or 0) < _WORTH or not separates(problem):
        return found
    apart = _separable(problem, windows, layout, traits)
    fits = problem.max_memory is None or (apart.bytes or 0) <= problem.max_memory
    return replace(found, separable=apart) if fits and _clearly_quicker(apart, found) else found


def _in_place(problem: Problem, found: Plan, traits: Traits) -> Plan:
    """Return the plan that leaves the axes where they are, if that is a cheaper one.

    Products with a banded matrix take any single axis: the axes behind it become convolved ones, with a single tap.
    """
    single = len(problem.axes) == 1 and problem.shape2[problem.axes[0]] != 1
    if not single or "matrix" not in problem.methods or not separates(problem):
        return found
    wide = single_taps_behind(problem)
    windows = tuple(_window(wide, place) for place in range(len(wide.axes)))
    other = _general(replace(wide, methods=("matrix",)), windows, None, traits, (None, None))
    few = found.method == "direct" and candidates.products(problem, found.windows) <= _FEW
    if few or (found.method != "matrix" and (other.seconds or 0) >= (found.seconds or 0)):
        return found
    others = tuple(each for each in found.estimates if each.method != "matrix")
    return replace(other, estimates=(*other.estimates, *others), reason="the axes stay where they are")


def _clearly_quicker(apart: Plan, found: Plan) -> bool:
    """Whether the axes apart are worth a look at the kernel's values."""
    return apart.seconds is not None and found.seconds is not None and apart.seconds < _GAIN * found.seconds


def _separable(problem: Problem, windows: tuple, layout: tuple | None, traits: Traits) -> Plan:
    """Plan one convolution per axis, for a kernel that is a product."""
    if not separates(problem):
        raise ValueError(
            "method='separable' is for floating-point numbers, sizes that are known, one kernel for all rows and no "
            f"constant beyond the edges, not for {shape_text(problem.shape1)} {problem.dtype1} with "
            f"{shape_text(problem.shape2)} {problem.dtype2}"
        )
    steps: list[Plan] = []
    seconds, most = 0.0, 0
    for each in passes(problem):
        given = math.prod(size or 1 for size in each.shape1) * dtypes.item_size(each.dtype1) if steps else 0
        step = _pass(each, traits, given)
        steps.append(step)
        seconds, most = seconds + (step.seconds or 0.0), max(most, given + (step.bytes or 0))
    most = max(most, footprint.looked_at(problem)) + footprint.factors(problem)
    return Plan(
        problem, problem, "separable", windows, layout=layout, passes=tuple(steps), reason="one pass per axis",
        estimates=(Estimate("separable", seconds, most),),
    )  # fmt: skip


def _pass(problem: Problem, traits: Traits, given: int) -> Plan:
    """Plan one pass, which is given the result of the one before, below the ceiling where that can be kept."""
    if problem.max_memory is not None:
        try:
            return make_plan(replace(problem, max_memory=problem.max_memory - given), traits)
        except ValueError:  # the passes as a whole are too much, which is for the caller to weigh
            pass
    return make_plan(replace(problem, max_memory=None), traits)


def _general(problem: Problem, windows: tuple, layout: tuple | None, traits: Traits, bits: tuple) -> Plan:
    core, extension = problem, None
    if problem.extended:
        core, extension, windows = _extend(problem, windows)
    return _settle(problem, core, extension, windows, layout, traits, bits)


def _extend(problem: Problem, windows: tuple[Window | None, ...]) -> tuple[Problem, tuple, tuple]:
    """Turn a problem with samples beyond the edges into a "valid" one on the extended signal."""
    shape1 = list(problem.shape1)
    inner = []
    for axis, kept in zip(problem.axes, windows, strict=True):
        taps = problem.shape2[axis]
        shape1[axis] = None if kept is None or taps is None else kept.size + taps - 1
        inner.append(None if kept is None or taps is None else Window(taps - 1, kept.size))
    core = replace(problem, shape1=tuple(shape1), mode="valid", late=False, edges=(), lags=())
    return core, windows, tuple(inner)


def _wind(problem: Problem, core: Problem, extension: tuple, windows: tuple) -> dict | None:
    """Leave the periodic axes as they are, their transforms as long as the signal; None where there are none.

    ``core``, ``extension`` and ``windows`` are those of the signal extended along every axis.
    """
    shape1, inner = list(core.shape1), list(windows)
    turns: list[int | None] = [None] * len(windows)
    for place, (axis, kept, edge) in enumerate(zip(problem.axes, extension, problem.edges, strict=True)):
        n = problem.shape1[axis]
        if edge.kind == "wrap" and kept is not None and n is not None and kept.size <= n:
            shape1[axis], inner[place], turns[place] = n, Window(0, kept.size), kept.start % n
    if not problem.known or not any(turn is not None for turn in turns):
        return None
    return {"core": replace(core, shape1=tuple(shape1)), "windows": tuple(inner), "turns": tuple(turns)}


def _settle(
    problem: Problem,
    core: Problem,
    extension: tuple | None,
    windows: tuple,
    layout: tuple | None,
    traits: Traits,
    bits: tuple,
) -> Plan:
    found: dict[str, tuple[dict, Estimate | None]] = {}
    methods = problem.methods
    if dtypes.parse(problem.compute).integral and not traits.has_float64:
        methods = ("direct",)  # no transform is precise enough to round to the right integer
    moved = candidates.moved(core, traits, windows) if layout is not None and core.known else 0.0
    layouts = traits.held.layout
    held = candidates.held_before(core, traits, extension is not None, layout is not None) if core.known else 0
    around = candidates.held_around(core, traits) if core.known and extension is not None else {}
    for method in methods:
        settled = _MAKERS[method](core, traits, windows, bits)
        if settled is not None:
            settings, estimate = settled
            if estimate is not None and (moved or held):
                # A loop over taps takes the transposed signal as a view, where the library has them.
                extra = moved / 3 if settings.get("loop") and not layouts else moved
                estimate = Estimate(method, estimate.seconds + extra, estimate.bytes + held + around.get(method, 0))
            found[method] = settings, estimate
    wound = _wind(problem, core, extension, windows) if extension is not None and "fft" in found else None
    if wound is not None:
        settled = candidates.fft(wound["core"], traits, wound["windows"], bits, wound["turns"])
        if settled and settled[1] is not None:
            extended = None in wound["turns"]
            extra_bytes = candidates.held_before(wound["core"], traits, extended, layout is not None)
            settled = settled[0], settled[1]._replace(bytes=settled[1].bytes + extra_bytes)
        if settled and _quicker(settled[1], found["fft"][1]):
            found["fft"] = settled[0] | wound, settled[1]
    if not found and methods == ("matrix",):
        raise ValueError(
            "method='matrix' is for floating-point numbers, sizes that are known and one kernel for all rows, and "
            "along several axes for real numbers and libraries that convolve channels, not for "
            f"{shape_text(problem.shape1)} {problem.dtype1} with {shape_text(problem.shape2)} {problem.dtype2} along "
            f"axes {problem.axes}"
        )
    if not found and methods == ("direct",):
        raise ValueError(
            "method='direct' has to know the kernel's size for this rank and dtype: "
            f"{problem.shape1} with {problem.shape2}"
        )
    if not found:  # a single block holds everything: overlap-save is one transform
        settled = candidates.fft(core, traits, windows, bits)
        if settled is None:
            raise ValueError(f"no transform is long enough for {problem.shape1} with {problem.shape2}")
        found["fft"] = settled
    few = core.known and candidates.products(core, windows) <= _FEW
    method, reason = _choose(problem, {name: estimate for name, (_, estimate) in found.items()}, few)
    estimates = tuple(sorted((e for _, e in found.values() if e), key=lambda e: e.seconds))
    settings = {"core": core, "windows": windows} | found[method][0]
    plan = Plan(
        problem, method=method, extension=extension, layout=layout, reason=reason, estimates=estimates, **settings
    )
    return replace(plan, adjoint=_adjoint(plan, found)) if traits.fused and plan.loop and not plan.swap else plan


def _adjoint(plan: Plan, found: dict[str, tuple[dict, Estimate | None]]) -> Plan | None:
    """Return the next best plan for the same signal, where its gradient is worth having instead of this one's."""
    others = {name: each for name, each in found.items() if name != plan.method and not each[0].get("turns")}
    kind = dtypes.parse(plan.problem.compute).kind
    if (plan.seconds or 0) < _WORTH or kind not in ("float", "complex") or not others:
        return None
    method, (settings, estimate) = min(others.items(), key=lambda each: each[1][1].seconds if each[1][1] else 0.0)
    return Plan(
        plan.problem, plan.core, method, plan.windows, estimates=(estimate,) if estimate else (),
        **{name: value for name, value in settings.items() if name not in ("core", "windows")},
    )  # fmt: skip


def _quicker(one: Estimate | None, other: Estimate | None) -> bool:
    return one is not None and other is not None and one.seconds < other.seconds


def _choose(problem: Problem, estimates: dict[str, Estimate | None], few: bool) -> tuple[str, str]:
    if len(estimates) == 1:
        method = next(iter(estimates))
        if method not in problem.methods and method == "direct":
            return method, "integers are exact in no transform without float64"
        if method not in problem.methods:
            return method, "one block would hold everything, so one transform does"
        return method, "the only one allowed here"
    known = [estimate for estimate in estimates.values() if estimate]
    if len(known) < len(estimates):
        for method, why in (
            (
                "direct",
                "the signal's size is known only at run time, and a sum over the kernel's taps has no use for it",
            ),
            ("overlap", "the kernel's size is known, the signal's only at run time"),
            ("fft", "sizes are known only at run time"),
        ):
            if method in estimates:
                return method, why
    best = min(known, key=lambda estimate: estimate.seconds)
    plain = estimates.get("direct")
    if plain and plain is not best and few:
        return "direct", "so few products that the sum itself is taken, which has no rounding of transforms"
    others = sorted(e.seconds for e in known if e is not best)
    return best.method, f"predicted {others[0] / best.seconds:.1f} times faster than the next"
