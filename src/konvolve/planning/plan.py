"""The answer: which method runs, at which lengths, at what cost, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from konvolve.planning import candidates, dtypes, exact
from konvolve.planning.cost import Estimate, Traits
from konvolve.planning.geometry import Window, broadcast, trailing, window
from konvolve.planning.problem import Problem

# A direct sum this fast (in seconds) is taken whatever a transform would cost: it is exact where SciPy's is.
_CHEAP = 2e-4


@dataclass(frozen=True)
class Plan:
    """How one problem is solved. Printing it tells a person what will run and why.

    Per convolved axis: ``windows``, the part of the full convolution that is kept; ``lengths``, of the transform
    (of one block where the axis is tiled); ``steps``, the new samples of output per block, 0 for no tiling.
    Sizes not known before the run are None. ``band`` blocks along the first tiled axis are worked on at once.
    ``digits`` splits integers so that floating point returns them exactly. ``layout`` is the transpose that
    brings the convolved axes last, and back. ``core`` is the problem that the method sees: where samples beyond
    the edges are wanted, in1 is extended first (by ``extension``) and the rest is a "valid" convolution.
    ``swap`` exchanges the
    operands, ``loop`` and ``in_parts`` (real and imaginary) say how the direct sum is taken.
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
    swap: bool = False
    loop: bool = False
    in_parts: bool = False
    layout: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    reason: str = ""
    estimates: tuple[Estimate, ...] = ()

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
            named = zip(problem.axes, self.lengths, self.steps or (0,) * len(self.lengths), strict=True)
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
        return "\n".join(lines)


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Return a shape as plans print it."""
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def _length(axis: int, length: int | None, step: int) -> str:
    if length is None:
        return f"axis {axis}: known at run time"
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
    settings = found[method][0]
    return Plan(
        problem,
        core,
        method,
        windows,
        extension=extension,
        layout=layout,
        reason=reason,
        estimates=estimates,
        **settings,
    )


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
