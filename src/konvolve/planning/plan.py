"""The answer: which method runs, at which lengths, at what cost, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from konvolve.planning import candidates, dtypes, exact
from konvolve.planning.cost import Estimate, Traits
from konvolve.planning.geometry import Window, broadcast, trailing, window
from konvolve.planning.problem import Problem
from konvolve.planning.separable import passes, separates

# A direct sum this fast (in seconds) is taken whatever a transform would cost: it is exact where SciPy's is.
_CHEAP = 2e-4

# Axis by axis has to promise this part of another method's time: the kernel's values have to be looked at, and the
# passes have more overhead than is predicted.
_GAIN = 0.8


@dataclass(frozen=True)
class Plan:
    """How one problem is solved. Printing it tells a person what will run and why.

    Per convolved axis: ``windows``, the part of the full convolution that is kept; ``lengths``, of the transform
    (of one block where the axis is tiled); ``steps``, the new samples of output per block, 0 for no tiling.
    Sizes not known before the run are None. ``band`` blocks along the first tiled axis are worked on at once.
    ``digits`` splits integers so that floating point returns them exactly. ``layout`` is the transpose that
    brings the convolved axes last, and back. ``core`` is the problem that the method sees: where samples beyond
    the edges are wanted, in1 is extended first (by ``extension``) and the rest is a "valid" convolution; only along
    periodic axes whose transform is as long as the signal nothing is extended, and the kernel is wound onto the period
    instead, from its sample ``turns`` on. ``swap`` exchanges the operands, ``loop`` and ``in_parts`` (real and
    imaginary) say how the direct sum is taken. ``passes`` are the plans of a separable kernel, one per axis;
    ``separable`` is such a plan, where it is cheaper than this one if the kernel proves to be a product.
    """

    problem: Problem
    core: Problem
    method: str
    windows: tuple[Window | None, ...] = ()
    lengths: tuple[int | None, ...] = ()
    steps: tuple[int, ...] = ()
    band: int = 1
    digits: exact.Digits | None = None
    extension: tuple[Window | None, ...] | None = None
    turns: tuple[int | None, ...] = ()
    swap: bool = False
    loop: bool = False
    in_parts: bool = False
    layout: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    reason: str = field(default="", compare=False)
    estimates: tuple[Estimate, ...] = field(default=(), compare=False)
    passes: tuple[Plan, ...] = ()
    separable: Plan | None = field(default=None, compare=False)

    @property
    def preparable(self) -> bool:
        """Whether the kernel can be prepared before the signal is seen: all sizes known, and the same rows kept."""
        problem = self.problem
        centred = problem.mode == "same" and any(problem.shape2[axis] != 1 for axis in problem.batch)
        known = None not in self.windows and None not in self.lengths
        return self.method in ("fft", "overlap") and known and not self.swap and not centred

    @property
    def preparation(self) -> tuple:
        """All that a prepared kernel depends on beside the kernel."""
        problem = self.problem
        work = (problem.compute, problem.conjugate, problem.flip, self.layout, problem.axes)
        return (self.method, self.lengths, self.steps, self.turns, self.digits, *work)

    @property
    def seconds(self) -> float | None:
        """The predicted time, None where sizes are not known."""
        return next((each.seconds for each in self.estimates if each.method == self.method), None)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the result, None where a size is not known."""
        problem = self.problem
        if problem.kind == "empty":
            return (0,)
        shape = [broadcast(n1, n2) for n1, n2 in zip(problem.shape1, problem.shape2, strict=True)]
        for axis, kept in zip(problem.axes, self.windows, strict=True):
            shape[axis] = kept.size if kept is not None else None
        if problem.mode == "same":
            shape = [
                n1 if axis in problem.batch else n
                for axis, (n1, n) in enumerate(zip(problem.shape1, shape, strict=True))
            ]
        return tuple(shape)

    def __str__(self) -> str:
        problem = self.problem
        lines = [
            f"{problem.function}: {shape_text(problem.shape1)} {problem.dtype1} with {shape_text(problem.shape2)} "
            f"{problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
            f"  result   {shape_text(self.output_shape)} {problem.result}",
            f"  method   {self.method}: {self.reason}",
        ]
        if self.method in ("fft", "overlap"):
            none = (0,) * len(self.lengths)
            named = zip(problem.axes, self.lengths, self.steps or none, self.turns or (None,) * len(none), strict=True)
            lines.append("  lengths  " + ", ".join(_length(*each) for each in named))
        if self.digits:
            lines.append(
                f"  integers in {self.digits.count1} x {self.digits.count2} digits of {self.digits.width} bits, exact"
            )
        lines += [
            f"  {'->' if each.method == self.method else '  '} {each.method:<8} {seconds_text(each.seconds):>9} "
            f"{each.bytes / 2**20:9.1f} MiB"
            for each in self.estimates
        ]
        if self.separable is not None and self.separable.seconds is not None:
            lines.append(f"     separable {seconds_text(self.separable.seconds):>8}   if the kernel is a product")
        lines += [f"  pass along axis {each.problem.axes[0]}: {each.method}" for each in self.passes]
        return "\n".join(lines)


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Return a shape as plans print it."""
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def _length(axis: int, length: int | None, step: int, turn: int | None) -> str:
    if length is None:
        return f"axis {axis}: known at run time"
    if turn is not None:
        return f"axis {axis}: {length}, the period"
    return f"axis {axis}: {length}" + (f", blocks of {step} new samples" if step else "")


def seconds_text(seconds: float) -> str:
    """Return a time as plans print it."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _window(problem: Problem, place: int) -> Window | None:
    """Return what is kept along a convolved axis, or None where a size is not known yet."""
    axis = problem.axes[place]
    n1, n2 = problem.shape1[axis], problem.shape2[axis]
    return None if n1 is None or n2 is None else window(problem.keeps(place), n1, n2)


def make_plan(problem: Problem, traits: Traits, bits: tuple[int | None, int | None] = (None, None)) -> Plan:
    """Choose a method for a problem on a library with these traits.

    ``bits`` are the magnitudes of integer operands where their values were looked at.
    """
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
    asked = len(problem.axes) > 1 and "direct" in problem.methods and len(problem.methods) > 1
    if not asked or (found.seconds or 0) < _CHEAP or not separates(problem):
        return found
    apart = _separable(problem, windows, layout, traits)
    return replace(found, separable=apart) if _clearly_quicker(apart, found) else found


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
    steps = tuple(make_plan(each, traits) for each in passes(problem))
    seconds = sum(step.seconds or 0 for step in steps)
    most = max((each.bytes for step in steps for each in step.estimates if each.method == step.method), default=0)
    return Plan(
        problem, problem, "separable", windows, layout=layout, passes=steps, reason="one pass per axis",
        estimates=(Estimate("separable", seconds, most),),
    )  # fmt: skip


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
    makers: dict[str, Callable] = {"direct": candidates.direct, "fft": candidates.fft, "overlap": candidates.overlap}
    found: dict[str, tuple[dict, Estimate | None]] = {}
    methods = problem.methods
    if dtypes.parse(problem.compute).integral and not traits.has_float64:
        methods = ("direct",)  # no transform is precise enough to round to the right integer
    for method in methods:
        settled = makers[method](core, traits, windows, bits)
        if settled is not None:
            found[method] = settled
    wound = _wind(problem, core, extension, windows) if extension is not None and "fft" in found else None
    if wound is not None:
        settled = candidates.fft(wound["core"], traits, wound["windows"], bits, wound["turns"])
        if settled and _quicker(settled[1], found["fft"][1]):
            found["fft"] = settled[0] | wound, settled[1]
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
    method, reason = _choose(problem, {name: estimate for name, (_, estimate) in found.items()})
    estimates = tuple(sorted((e for _, e in found.values() if e), key=lambda e: e.seconds))
    settings = {"core": core, "windows": windows} | found[method][0]
    return Plan(
        problem, method=method, extension=extension, layout=layout, reason=reason, estimates=estimates, **settings
    )


def _quicker(one: Estimate | None, other: Estimate | None) -> bool:
    return one is not None and other is not None and one.seconds < other.seconds


def _choose(problem: Problem, estimates: dict[str, Estimate | None]) -> tuple[str, str]:
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
            ("direct", "the kernel is short and the signal's size is known only at run time"),
            ("overlap", "the kernel's size is known, the signal's only at run time"),
            ("fft", "sizes are known only at run time"),
        ):
            if method in estimates:
                return method, why
    best = min(known, key=lambda estimate: estimate.seconds)
    plain = estimates.get("direct")
    if plain and plain is not best and plain.seconds < _CHEAP:
        return "direct", "cheap enough to take the sum itself, which has no rounding of transforms"
    others = sorted(e.seconds for e in known if e is not best)
    return best.method, f"predicted {others[0] / best.seconds:.1f} times faster than the next"
