"""The choice: what every allowed method would do and cost, and which of them is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.geometry import Window, trailing, window
from konvolve.planning.profile import Profile
from konvolve.planning.signal import candidate, ceiling, chunks, edges, integers, separable
from konvolve.planning.signal.candidate import Bits, SignalWay, Windows
from konvolve.planning.signal.direct import Direct
from konvolve.planning.signal.edges import Reduced
from konvolve.planning.signal.fft import Fft
from konvolve.planning.signal.matrix import Matrix, single_taps_behind
from konvolve.planning.signal.overlap import Overlap
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate

METHODS: dict[str, type[SignalWay]] = {each.name: each for each in (Direct, Fft, Overlap, Matrix)}
"""The record of each method. "separable" is made of plans by these."""

# So few multiply-adds are summed directly at any price: the sum is exact where SciPy's is, and its tests ask for that.
_FEW = 4096

# What is predicted to take less (in seconds) is not worth a look at the kernel's values.
_WORTH = 2e-4

# Axis by axis has to promise this part of another method's time: the kernel's values have to be looked at, and the
# passes have more overhead than is predicted. Of a prepared kernel the values are known, and any gain is one.
_GAIN = 0.8

# Operations that extend a signal along an axis: both ends are gathered and joined to it.
_CALLS_EXTENDED = 6

# A plan of so many bytes has arrays whose memory is the system's, and new to each of them: glibc keeps none of 32 MiB
# and more for the next one.
_MAPPED = 2**26

Layout = tuple[tuple[int, ...], tuple[int, ...]] | None


@dataclass(frozen=True, kw_only=True)
class Nothing(SignalWay):
    """An input is empty: so is the result, or it is zeros."""

    name: ClassVar[str] = "nothing"


@dataclass(frozen=True, kw_only=True)
class Product(SignalWay):
    """No axis has more than one sample in both inputs: they are multiplied."""

    name: ClassVar[str] = "product"

    def work_dtype(self, compute: str) -> str:
        """Integers are multiplied in 64 bits, which wrap to any other integer."""
        return "int64" if dtypes.parse(compute).integral else super().work_dtype(compute)


def make_plan(problem: Problem, profile: Profile, bits: Bits = (None, None)) -> Plan:
    """Choose a method for a problem on a library of this profile, below the problem's ceiling of memory.

    ``bits`` are the magnitudes of integer operands where their values were looked at.
    """
    bits = _with_fills(problem, bits)
    taken = _unlimited(problem, profile, bits)
    if ceiling.exceeded(problem, taken):
        taken = _below(problem, taken, profile, bits)
    if not profile.tiny or taken.seconds is None or problem.max_memory is not None:  # predicted for operations
        return taken
    # A banded matrix is a convolution on channels, in which NumPy is slow.
    tiny = taken.seconds < profile.tiny and taken.method != Matrix.name
    return replace(taken, eager="host" if tiny else "program")


def _with_fills(problem: Problem, bits: Bits) -> Bits:
    """Return the magnitudes of the operands, that of in1 with the constants beyond its edges."""
    fills = [edge.value for edge in problem.edges if edge.kind == "constant"]
    if not fills or not dtypes.parse(problem.compute).integral:
        return bits
    return max(bits[0] or integers.magnitude_bits(problem.dtype1), *map(integers.bits_of, fills)), bits[1]


def _below(problem: Problem, taken: Plan, profile: Profile, bits: Bits) -> Plan:
    """Return the quickest other plan that keeps below the ceiling: another method, smaller bands, or chunks."""
    limit = problem.max_memory
    assert limit is not None
    problem = replace(problem, max_memory=None)
    plans = [taken]
    for variant, its_profile in ceiling.variants(problem, profile):
        try:
            plan = _unlimited(variant, its_profile, bits)
        except ValueError:  # this method can't
            continue
        if (plan.method,) == variant.methods:
            plans.append(plan)
    for axis, rows, part in chunks.halved(problem):
        plan = _unlimited(part, profile, bits)
        plans.append(chunks.joined(problem, _windows(problem), plan, axis, rows, profile))
        if (plans[-1].bytes or 0) <= limit:
            break
    return ceiling.quickest(plans, limit)


def _unlimited(problem: Problem, profile: Profile, bits: Bits) -> Plan:
    if problem.kind == "empty":
        return Plan(problem, problem, Nothing(), reason="an input is empty")
    if problem.kind == "product":
        return Plan(problem, problem, Product(), reason="no axis has more than one sample in both inputs")
    windows = _windows(problem)
    layout = trailing(len(problem.shape1), problem.axes)
    if 0 in problem.shape1 or 0 in problem.shape2:
        return Plan(problem, problem, Nothing(), windows, layout, reason="an input is empty")
    if problem.methods == (separable.Separable.name,):
        return _separable(problem, windows, layout, profile)
    taken = _quickest(problem, windows, layout, profile, bits)
    if layout is not None:
        taken = _in_place(problem, taken, profile)
    asked = len(problem.axes) > 1 and "direct" in problem.methods and len(problem.methods) > 1
    worth = problem.prepared or (taken.seconds or 0) >= _WORTH
    if not asked or not worth or not separable.separates(problem):
        return taken
    apart = _separable(problem, windows, layout, profile)
    fits = problem.max_memory is None or (apart.bytes or 0) <= problem.max_memory
    return replace(taken, separable=apart) if fits and _clearly_quicker(apart, taken) else taken


def _windows(problem: Problem) -> Windows:
    """Return what is kept along each convolved axis, None where a size is not known yet."""
    found: list[Window | None] = []
    for place, axis in enumerate(problem.axes):
        n1, n2 = problem.shape1[axis], problem.shape2[axis]
        found.append(None if n1 is None or n2 is None else window(problem.keeps(place), n1, n2))
    return tuple(found)


def _in_place(problem: Problem, taken: Plan, profile: Profile) -> Plan:
    """Return the plan that leaves the axes where they are, if that is a cheaper one.

    Products with a banded matrix take any single axis, and so does a loop over taps that is compiled into one pass: the
    axes behind it become convolved ones, with a single tap. Such a loop reads a transposed signal across memory: 17
    taps along the first axis of 2048 x 2048 took 51 ms on JAX, and 5 in place.
    """
    single = len(problem.axes) == 1 and problem.shape2[problem.axes[0]] != 1
    methods = (Matrix.name, *([Direct.name] if profile.fused else []))
    methods = tuple(name for name in methods if name in problem.methods)
    if not single or not methods or not separable.separates(problem):
        return taken
    wide = replace(single_taps_behind(problem), methods=methods)
    other = _quickest(wide, _windows(wide), None, profile, (None, None))
    few = taken.method == Direct.name and candidate.products(problem, taken.windows) <= _FEW  # type: ignore[arg-type]
    if few or (taken.method not in methods and (other.seconds or 0) >= (taken.seconds or 0)):
        return taken
    others = tuple(each for each in taken.estimates if each.method not in methods)
    return replace(other, estimates=(*other.estimates, *others), reason="the axes stay where they are")


def _clearly_quicker(apart: Plan, taken: Plan) -> bool:
    """Whether the axes apart are worth a look at the kernel's values."""
    part = 1.0 if taken.problem.prepared else _GAIN
    return apart.seconds is not None and taken.seconds is not None and apart.seconds < part * taken.seconds


def _separable(problem: Problem, windows: Windows, layout: Layout, profile: Profile) -> Plan:
    """Plan one convolution per axis, for a kernel that is a product."""
    if not separable.separates(problem):
        raise ValueError(separable.Separable.refusal(problem))
    steps = separable.problems(problem, tuple(METHODS))
    passes = [_pass(each, profile, separable.given_bytes(each, profile, i)) for i, each in enumerate(steps)]
    way, estimate, _ = separable.settled(problem, passes, profile)
    estimates = (estimate,) if estimate else ()
    return Plan(problem, problem, way, windows, layout, reason="one pass per axis", estimates=estimates)


def _pass(problem: Problem, profile: Profile, given: int) -> Plan:
    """Plan one pass, which is given the result of the one before, below the ceiling where that can be kept."""
    if problem.max_memory is not None:
        try:
            return make_plan(replace(problem, max_memory=problem.max_memory - given), profile)
        except ValueError:  # the passes as a whole are too much, which is for the caller to weigh
            pass
    return make_plan(replace(problem, max_memory=None), profile)


def _quickest(problem: Problem, windows: Windows, layout: Layout, profile: Profile, bits: Bits) -> Plan:
    """Plan by each method that is allowed, and return the plan that is predicted to be the quickest."""
    reduced = edges.extended(problem, windows)
    found = _candidates(problem, reduced, layout, profile, bits)
    core = reduced.core
    few = core.known and candidate.products(core, reduced.windows) <= _FEW  # type: ignore[arg-type]
    plans = {}
    for name, ((way, estimate, _), its) in found.items():
        plan = Plan(problem, its.core, way, its.windows, layout, its.extension)
        plans[name] = replace(plan, estimates=(estimate,)) if estimate else plan
    method, reason = _choose(problem, {name: each.estimate for name, (each, _) in found.items()}, few)
    estimates = sorted((each.estimate for each, _ in found.values() if each.estimate), key=lambda e: e.seconds)
    taken = replace(plans.pop(method), reason=reason, estimates=tuple(estimates))
    return replace(taken, adjoint=_adjoint(taken, plans)) if taken.way.needs_adjoint(profile) else taken


def _candidates(
    problem: Problem, reduced: Reduced, layout: Layout, profile: Profile, bits: Bits
) -> dict[str, tuple[Candidate, Reduced]]:
    """Return what each method would do with what it is given to see, by its name."""
    core, found = reduced.core, {}
    methods = problem.methods
    if dtypes.parse(problem.compute).integral and not profile.has_float64:
        methods = (Direct.name,)  # no transform is precise enough to round to the right integer
    for method in methods:
        proposed = METHODS[method].propose(core, profile, reduced.windows, bits)
        if proposed is not None:
            found[method] = (
                _with_surroundings(proposed, reduced, reduced.extension is not None, layout, profile),
                reduced,
            )
    if Fft.name in found and (wrapped := edges.wrapped(problem, reduced)) is not None:
        its, offsets = wrapped
        proposed = Fft.propose(its.core, profile, its.windows, bits, offsets)
        if proposed is not None and proposed.estimate is not None:
            before = candidate.bytes_before(its.core, profile, None in offsets, layout is not None)
            proposed = proposed._replace(estimate=proposed.estimate._replace(bytes=proposed.estimate.bytes + before))
            if _quicker(proposed.estimate, found[Fft.name][0].estimate):
                found[Fft.name] = proposed, its
    if not found:
        refusal = METHODS[methods[0]].refusal(problem) if len(methods) == 1 else ""
        if refusal:
            raise ValueError(refusal)
        # A single block holds everything: overlap-save is one transform.
        proposed = Fft.propose(core, profile, reduced.windows, bits)
        if proposed is None:
            raise ValueError(f"no transform is long enough for {problem.shape1} with {problem.shape2}")
        found[Fft.name] = proposed, reduced
    return found


def _with_surroundings(
    proposed: Candidate, reduced: Reduced, extended: bool, layout: Layout, profile: Profile
) -> Candidate:
    """Return what a method would do with what is done around it in its costs: in1 extended, cast and transposed."""
    way, estimate, _ = proposed
    core = reduced.core
    if estimate is None or not core.known:
        return proposed
    moved = candidate.transposing_seconds(core, profile, reduced.windows) if layout is not None else 0.0  # type: ignore[arg-type]
    if way.takes_views and not profile.multiples.layout:  # a transposed signal is a view, where the library has them
        moved *= candidate.TRANSPOSED_VIEW
    before = candidate.bytes_before(core, profile, extended, layout is not None)
    around = way.around(core, profile) if extended else 0
    if extended:
        moved += _CALLS_EXTENDED * len(core.axes) * profile.call
    size = estimate.bytes + before + around
    if size >= _MAPPED:
        moved += size / 4 * profile.mapped
    return Candidate(way, Estimate(estimate.method, estimate.seconds + moved, size))


def _adjoint(taken: Plan, others: dict[str, Plan]) -> Plan | None:
    """Return the next best plan for the same signal, where its gradient is worth having instead of this one's."""
    seen = taken.core, taken.windows, taken.extension
    same = [other for other in others.values() if (other.core, other.windows, other.extension) == seen]
    kind = dtypes.parse(taken.problem.compute).kind
    if (taken.seconds or 0) < _WORTH or kind not in ("float", "complex") or not same:
        return None
    return min(same, key=lambda other: other.seconds or 0.0)


def _quicker(one: Estimate | None, other: Estimate | None) -> bool:
    return one is not None and other is not None and one.seconds < other.seconds


def _choose(problem: Problem, estimates: dict[str, Estimate | None], few: bool) -> tuple[str, str]:
    """Return the method that is taken, and why."""
    if len(estimates) == 1:
        method = next(iter(estimates))
        if method not in problem.methods and method == Direct.name:
            return method, "integers are exact in no transform without float64"
        if method not in problem.methods:
            return method, "one block would hold everything, so one transform does"
        return method, "the only one allowed here"
    known = [estimate for estimate in estimates.values() if estimate]
    if len(known) < len(estimates):
        for method, why in (
            (
                Direct.name,
                "the signal's size is known only at run time, and a sum over the kernel's taps has no use for it",
            ),
            (Overlap.name, "the kernel's size is known, the signal's only at run time"),
            (Fft.name, "sizes are known only at run time"),
        ):
            if method in estimates:
                return method, why
    best = min(known, key=lambda estimate: estimate.seconds)
    plain = estimates.get(Direct.name)
    if plain and plain is not best and few:
        return Direct.name, "so few products that the sum itself is taken, which has no rounding of transforms"
    others = sorted(e.seconds for e in known if e is not best)
    return best.method, f"predicted {others[0] / best.seconds:.1f} times faster than the next"
