"""The answer: which method runs, at which lengths, at what cost, and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from konvolve.planning import blocks, dtypes, exact
from konvolve.planning.cost import Estimate, Traits, fourier_seconds
from konvolve.planning.geometry import Window, broadcast, sufficient_length, trailing, window
from konvolve.planning.lengths import fast_length
from konvolve.planning.problem import Problem

# The sizes an integer convolution is assumed to have where they are not known: digits must be safe for these.
_UNKNOWN_SAMPLES = 2**24

# Up to so many taps an integer convolution is a loop of integer additions rather than several of floats.
_INTEGER_LOOP = 32


@dataclass(frozen=True)
class Plan:
    """How one problem is solved. Printing it tells a person what will run and why.

    Per convolved axis: ``windows``, the part of the full convolution that is kept; ``lengths``, of the transform
    (of one block where the axis is tiled); ``steps``, the new samples of output per block, 0 for no tiling.
    Sizes not known before the run are None. ``band`` blocks along the first tiled axis are worked on at once.
    ``digits`` splits integers so that floating point returns them exactly. ``layout`` is the transpose that
    brings the convolved axes last, and back. ``core`` is the problem that the method sees: where samples beyond
    the edges are wanted, in1 is extended first (by ``extension``) and the rest is a "valid" convolution.
    ``swap`` and ``loop`` say how the direct sum is taken.
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
            f"{problem.function}: {_shape(problem.shape1)} {problem.dtype1} with {_shape(problem.shape2)} "
            f"{problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
            f"  result   {_shape(self.output_shape)} {problem.result}",
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
            f"  {'->' if e.method == self.method else '  '} {e.method:<8} {_seconds(e.seconds):>9} {e.bytes / 2**20:9.1f} MiB"
            for e in self.estimates
        ]
        return "\n".join(lines)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def _length(axis: int, length: int | None, step: int) -> str:
    if length is None:
        return f"axis {axis}: known at run time"
    return f"axis {axis}: {length}" + (f", blocks of {step} new samples" if step else "")


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def axis_window(problem: Problem, axis: int) -> Window | None:
    """Return what is kept along an axis, or None where a size is not known yet."""
    n1, n2 = problem.shape1[axis], problem.shape2[axis]
    if n1 is None or n2 is None:
        return None
    kept = window(problem.mode, n1, n2)
    return Window(n2 // 2, n1) if problem.late else kept


def make_plan(problem: Problem, traits: Traits, bits: tuple[int | None, int | None] = (None, None)) -> Plan:
    """Choose a method for a problem on a library with these traits.

    ``bits`` are the magnitudes of integer operands where their values were looked at.
    """
    if problem.kind == "empty":
        return Plan(problem, problem, "nothing", reason="an input is empty")
    if problem.kind == "product":
        return Plan(problem, problem, "product", reason="no axis has more than one sample in both inputs")
    windows = tuple(axis_window(problem, axis) for axis in problem.axes)
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
    core = replace(problem, shape1=tuple(shape1), mode="valid", late=False, boundary="fill", fill=0)
    return core, windows, tuple(inner)


def _settle(
    problem: Problem, core: Problem, extension: tuple | None, windows: tuple, layout: tuple | None, traits: Traits, bits: tuple
) -> Plan:
    makers: dict[str, Callable] = {"direct": _direct, "fft": _fft, "overlap": _overlap}
    candidates: dict[str, tuple[dict, Estimate | None]] = {}
    for method in problem.methods:
        settled = makers[method](core, traits, windows, bits)
        if settled is not None:
            candidates[method] = settled
    if not candidates and problem.methods == ("direct",):
        raise ValueError(
            f"method='direct' has to know the kernel's size for this rank and dtype: {problem.shape1} with {problem.shape2}"
        )
    if not candidates:  # a single block holds everything: overlap-save is one transform
        candidates["fft"] = _fft(core, traits, windows, bits)
    method, reason = _choose(problem, {name: estimate for name, (_, estimate) in candidates.items()})
    estimates = tuple(sorted((e for _, e in candidates.values() if e), key=lambda e: e.seconds))
    settings = candidates[method][0]
    return Plan(
        problem, core, method, windows, extension=extension, layout=layout, reason=reason, estimates=estimates, **settings
    )


def _choose(problem: Problem, estimates: dict[str, Estimate | None]) -> tuple[str, str]:
    if len(estimates) == 1:
        method = next(iter(estimates))
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
    others = sorted(e.seconds for e in known if e is not best)
    return best.method, f"predicted {others[0] / best.seconds:.1f} times faster than the next"


def _rows(problem: Problem) -> tuple[int, int, int]:
    rows1, rows2 = (
        math.prod(shape[axis] or 1 for axis in problem.batch) for shape in (problem.shape1, problem.shape2)
    )
    return rows1, rows2, math.prod(n or 1 for n in problem.batch_shape)


def _samples(problem: Problem) -> tuple[int, int]:
    one, two = (
        math.prod(_UNKNOWN_SAMPLES if shape[axis] is None else shape[axis] or 1 for axis in problem.axes)
        for shape in (problem.shape1, problem.shape2)
    )
    return one, two


def _digits(
    problem: Problem, bits: tuple[int | None, int | None], points: int, *, fourier: bool
) -> exact.Digits | None:
    if not dtypes.parse(problem.compute).integral:
        return None
    one, two = (
        given or exact.magnitude_bits(name)
        for given, name in zip(bits, (problem.dtype1, problem.dtype2), strict=True)
    )
    return exact.digits(one, two, problem.compute, *_samples(problem), points, fourier=fourier)


def _working(problem: Problem, digits: exact.Digits | None) -> tuple[str, int]:
    """Return the dtype of one floating-point convolution, and how many of them there are."""
    return ("float64", len(digits.pairs)) if digits else (problem.compute, 1)


def _memory(problem: Problem, points: int, dtype: str) -> int:
    """Return the bytes of the padded inputs and spectra of ``points`` samples, and of the result."""
    return 3 * points * dtypes.item_size(dtype)


def _fft(
    problem: Problem, traits: Traits, windows: tuple, bits: tuple
) -> tuple[dict, Estimate | None] | None:
    lengths = tuple(
        None
        if kept is None
        else fast_length(sufficient_length(problem.shape1[axis], problem.shape2[axis], kept))
        for axis, kept in zip(problem.axes, windows, strict=True)
    )
    points = math.prod(_UNKNOWN_SAMPLES if length is None else length for length in lengths)
    digits = _digits(problem, bits, points, fourier=True)
    settings = {"lengths": lengths, "digits": digits}
    if not problem.known:
        return settings, None
    dtype, times = _working(problem, digits)
    rows = sum(_rows(problem))
    known = [length for length in lengths if length is not None]
    seconds = times * fourier_seconds(traits, rows, known, dtype) + 5 * traits.call
    return settings, Estimate("fft", seconds, times * _memory(problem, rows * points, dtype))


def _overlap(
    problem: Problem, traits: Traits, windows: tuple, bits: tuple
) -> tuple[dict, Estimate | None] | None:
    """Tile every axis where blocks are cheaper than one transform; None where no axis gains."""
    tiles = []
    for axis, kept in zip(problem.axes, windows, strict=True):
        taps, n1 = problem.shape2[axis], problem.shape1[axis]
        if taps is None or (n1 is not None and taps > n1):
            return None
        if kept is None:
            if len(problem.axes) > 1:
                return None
            tiles.append(blocks.choose(taps, None, None))
        else:
            tiles.append(blocks.choose(taps, kept.size, sufficient_length(n1, taps, kept)))
    if not any(tile.step for tile in tiles):
        return None
    first = next(i for i, tile in enumerate(tiles) if tile.step)
    lengths, steps = tuple(tile.length for tile in tiles), tuple(tile.step for tile in tiles)
    points = math.prod(lengths)
    digits = _digits(problem, bits, points, fourier=True)
    counts = [
        1 if not t.step or kept is None else -(-kept.size // t.step)
        for t, kept in zip(tiles, windows, strict=True)
    ]
    rows1, rows2, rows = _rows(problem)
    others = rows * points * math.prod(counts) // counts[first]
    band = max(1, traits.band // others)
    settings = {"lengths": lengths, "steps": steps, "band": band, "digits": digits}
    if not problem.known:
        return settings, None
    dtype, times = _working(problem, digits)
    total = math.prod(counts)
    # Cutting the blocks out and laying them side by side again moves each sample twice more.
    moved = 2 * (rows1 + rows) * total * points * traits.fft * 8 * dtypes.item_size(dtype) / 4
    seconds = fourier_seconds(traits, (rows1 + rows) * total, lengths, dtype) + fourier_seconds(
        traits, rows2, lengths, dtype
    )
    working = (rows1 + rows) * points * min(total, band * total // counts[first])
    return settings, Estimate(
        "overlap", times * (seconds + moved) + 12 * traits.call, times * _memory(problem, working, dtype)
    )


def _direct(problem: Problem, traits: Traits, windows: tuple, bits: tuple) -> tuple[dict, Estimate | None] | None:
    """Loop over a short kernel's taps, or use the library's own convolution where it has one for this."""
    sizes = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.axes]
    taps = None if any(n2 is None for _, n2 in sizes) else math.prod(n2 for _, n2 in sizes)
    swap = False
    if problem.known:
        swap = math.prod(n1 for n1, _ in sizes) < taps
        taps = min(math.prod(n1 for n1, _ in sizes), taps)
    kind = dtypes.parse(problem.compute)
    native = len(sizes) in traits.native_ranks and (len(sizes) <= 2 or _rows(problem)[int(not swap)] == 1)
    native = native and (kind.kind != "other" or traits.native_exact)
    fewest = _INTEGER_LOOP if kind.integral and not traits.native_exact else traits.loop_taps
    loop = taps is not None and (not native or taps <= fewest)
    if not native and not loop:
        return None
    digits = None if loop or traits.native_exact else _digits(problem, bits, 1, fourier=False)
    settings: dict = {"digits": digits, "swap": swap, "loop": loop}
    if not problem.known:
        return (settings, None) if problem.methods == ("direct",) or (taps is not None and taps <= 9) else None
    assert taps is not None
    dtype, times = _working(problem, digits)
    outputs = _rows(problem)[2] * math.prod(kept.size for kept in windows)
    each = traits.tap if loop else traits.direct
    width = dtypes.item_size(dtype) / 4
    seconds = times * outputs * taps * each * width + (3 * taps if loop else 6) * traits.call
    return settings, Estimate("direct", seconds, _memory(problem, 2 * outputs, dtype))
