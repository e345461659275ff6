"""The method "direct": the sum itself, tap by tap or by the library's own convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.geometry import is_odd_row, rows_collide
from konvolve.planning.profile import Profile
from konvolve.planning.signal import candidate, integers
from konvolve.planning.signal.candidate import Bits, SignalWay, Windows
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate

# A loop over more taps than that is an unwieldy program: 864 taps took fifteen times as long for each as 28 did.
_LONG_LOOP, _LONG_LOOP_FACTOR = 256, 10

# A kernel of so few taps is summed directly also where the signal's size is not known.
_SHORT = 9

# So few outputs are not summed side by side (`Profile.few_outputs`): 9 of 1224 x 1503 samples with 657 x 524 took 4 to
# 13 times what was predicted without it.
_FEW_OUTPUTS = 16

# Operations per call: of a loop that is compiled into one pass, for each tap of one that is not, of the library's own
# convolution, and of that where integers are split into digits.
_CALLS_COMPILED, _CALLS_PER_TAP, _CALLS_NATIVE, _CALLS_DIGITS = 8, 2, 8, 16

# A compiled loop is one pass over so many taps after the other (`folded` in backends/jax), each of which takes half as
# long as a call: 100 outputs of 12561 taps took 0.54 ms (an AMD EPYC) and 1.1 ms (an Intel Xeon), and not 0.14.
_TAPS_OF_A_PASS = 64

# Fewer outputs than these stay in the cache as they are written, which takes this part of the time: 3 taps on JAX took
# 0.2 ns for each of 2^17 to 2^19 outputs, and where `move` is fitted, among millions, a nanosecond (an AMD EPYC).
_CACHED, _WRITTEN_TO_CACHE = 2**19, 0.2

# NumPy adds so few products up itself, and more of them by a call of BLAS for each output: 0.8 ns for each of 3 taps,
# 2.8 of 11, 10 of 12, 7.6 of 64 and 53 of 1024 (float32, NumPy 2.4, an AMD EPYC).
_SHORT_SUM, _SHORT_OUTPUT = 11, 0.25


@dataclass(frozen=True, kw_only=True)
class Direct(SignalWay):
    """The sum itself: a ``loop`` over the taps, or the library's own convolution.

    ``swap`` exchanges the operands, since convolution commutes: in1 is the shorter one. ``in_parts`` takes complex
    operands part by part, real and imaginary, where the library's convolution is of real numbers only.
    """

    name: ClassVar[str] = "direct"

    swap: bool = False
    loop: bool = False
    in_parts: bool = False

    @classmethod
    def propose(cls, problem: Problem, profile: Profile, windows: Windows, bits: Bits) -> Candidate | None:
        """Loop over the kernel's taps, or use the library's own convolution where it has one and it is cheaper."""
        pairs: list[tuple[Any, Any]] = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.axes]
        taps = None if any(n2 is None for _, n2 in pairs) else math.prod([n2 for _, n2 in pairs])
        swap = False
        if problem.known:
            assert taps is not None
            swap = math.prod([n1 for n1, _ in pairs]) < taps
            taps = min(math.prod([n1 for n1, _ in pairs]), taps)
        native = _is_native(problem, profile, swap)
        if not native and taps is None:
            return None
        kind = dtypes.parse(problem.compute)
        digits = None
        if native and not profile.native_exact:
            digits = candidate.digits_for(problem, bits, 1, fourier=False)
        in_parts = kind.kind == "complex" and not profile.native_complex
        if not problem.known:
            if not _pays_for_unknown(problem, profile, windows, taps):
                return None
            few = taps is not None and taps <= _SHORT
            loop = not native or (kind.integral and not profile.native_exact and few)
            return Candidate(cls(digits=None if loop else digits, loop=loop, in_parts=in_parts), None)
        assert taps is not None
        by_loop = _loop_seconds(problem, profile, windows, taps)
        by_library = _native_seconds(problem, profile, windows, taps, digits) if native else math.inf
        loop = by_loop < by_library
        way = cls(digits=None if loop else digits, swap=swap, loop=loop, in_parts=in_parts)
        size = way._bytes(problem, profile, windows, pairs, taps)
        return Candidate(way, Estimate(cls.name, min(by_loop, by_library), size))

    def _bytes(self, problem: Problem, profile: Profile, windows: Windows, pairs: list, taps: int) -> int:
        """Return the padded signal, and the result as often as a loop over taps or the library's convolution has it."""
        rows1, rows2, rows = problem.rows
        outputs = rows * math.prod([kept.size for kept in windows])  # type: ignore[union-attr]
        integral, multiples = dtypes.parse(problem.compute).integral, profile.multiples
        dtype = "int64" if self.loop and integral else candidate.working(problem, self.digits)[0]
        padded = (rows2 if self.swap else rows1) * _padded_by_taps(windows, pairs)
        if self.loop:
            kept = [window.size for window in windows if window is not None]
            if profile.fused and not padded:
                padded = (rows2 if self.swap else rows1) * _moved_apart(kept, pairs, dtypes.item_size(dtype))
            samples = padded + multiples.loop * outputs
            long = profile.fused and taps > _TAPS_OF_A_PASS
            if long and is_odd_row([rows2 if self.swap else rows1, *kept[:-1]], kept):
                samples += 2 * outputs  # the sum of a pass and of the one before; one pass is written in place
        elif multiples.unfolded and dtype in ("float64", "complex128"):
            # A convolution that lays out all the samples of each sum: the most of them there are at once.
            of_complex = self.in_parts or dtypes.is_complex(dtype)
            unfolded = min(taps * outputs, max(multiples.unfolded, taps))
            samples = padded + (3.5 if of_complex else 1.5) * outputs + unfolded
        else:
            multiple = multiples.direct[min(len(pairs), 3) - 1]
            if len(pairs) == 1:  # what a row takes for itself
                multiple += (multiples.single_row - multiple) / rows
            samples = max(padded + multiple * outputs, multiples.returned * outputs)
        if self.digits is not None:
            sums = multiples.digit_sums * (samples + outputs * len(self.digits.shifts))
            samples = candidate.in_digits(problem, self.digits, outputs, sums)
        if self.loop and integral:
            samples += (multiples.integer_loop - multiples.loop) * outputs
            samples += rows1 * math.prod(candidate.sizes(problem)[0])  # as int64
        return int(samples * candidate.item_size(dtype, profile.has_float64))

    @classmethod
    def refusal(cls, problem: Problem) -> str:
        """Return what ``SignalWay.refusal`` says."""
        return (
            "method='direct' has to know the kernel's size for this rank and dtype: "
            f"{problem.shape1} with {problem.shape2}"
        )

    @classmethod
    def around(cls, problem: Problem, profile: Profile) -> int:
        """Return what ``SignalWay.around`` says."""
        # A compiler that takes a sum and the edges together has what each axis was extended from, and to.
        multiple = profile.multiples.extended[0] * (3 * len(problem.axes) - 2)
        signal = candidate.samples(problem) * candidate.item_size(problem.compute, profile.has_float64)
        return int(multiple * signal)

    @property
    def takes_views(self) -> bool:
        """A loop over taps does."""
        return self.loop

    def needs_adjoint(self, profile: Profile) -> bool:
        """A loop that is compiled into one pass does: its gradient by the kernel is a sum for each tap."""
        return profile.fused and self.loop and not self.swap

    def work_dtype(self, compute: str) -> str:
        """Integers are added in 64 bits, in which every library can, and which wrap to any other integer."""
        integral = self.loop and dtypes.parse(compute).integral
        return "int64" if integral else super().work_dtype(compute)

    @property
    def words(self) -> str:
        """That it is the sum."""
        return "the sum itself"


def _is_native(problem: Problem, profile: Profile, swap: bool) -> bool:
    """Whether the library's own convolution can take the sum."""
    kind, rank = dtypes.parse(problem.compute), len(problem.axes)
    native = rank in profile.direct and (kind.kind != "other" or profile.native_exact)
    if rank > 2:  # no library has a kernel per row in three dimensions, and digits are rows
        kernels = problem.shape1 if swap else problem.shape2
        native = native and all(kernels[axis] == 1 for axis in problem.batch) and not kind.integral
    return native


def _pays_for_unknown(problem: Problem, profile: Profile, windows: Windows, taps: int | None) -> bool:
    """Whether a sum over so many taps is proposed where the signal's size is not known."""
    if problem.methods == ("direct",):
        return True
    # Blocks are for a single axis. Where no transform may have a length that is not known, a long sum is left.
    left = not profile.late_lengths and None in windows and len(windows) > 1
    return taps is not None and (taps <= _SHORT or left)


def _sums(problem: Problem, windows: Windows, taps: int) -> int:
    return problem.rows[2] * math.prod([kept.size for kept in windows]) * taps  # type: ignore[union-attr]


def _few(profile: Profile, outputs: float) -> float:
    """Return how many times as long a sum of few outputs takes for each of them."""
    return profile.few_outputs if outputs < _FEW_OUTPUTS else 1.0


def _loop_seconds(problem: Problem, profile: Profile, windows: Windows, taps: int) -> float:
    """Predict the loop over taps."""
    kind = dtypes.parse(problem.compute)
    # Integers are looped over as int64, and complex numbers take four products where real ones take one.
    products = profile.complex_product if kind.kind == "complex" else 1.0
    width = 2 if kind.integral else dtypes.item_size(problem.compute) / 4 * products
    sums = _sums(problem, windows, taps)
    many = _few(profile, sums / taps)
    if taps > _LONG_LOOP and not profile.fused:
        many *= _LONG_LOOP_FACTOR
    calls = _CALLS_COMPILED + taps // (2 * _TAPS_OF_A_PASS) if profile.fused else _CALLS_PER_TAP * taps
    written = sums / taps * profile.move * profile.fused  # beside few taps that is felt
    if sums / taps < _CACHED:
        written *= _WRITTEN_TO_CACHE
    return (sums * profile.tap * many + written) * width + calls * profile.call


def _native_seconds(
    problem: Problem, profile: Profile, windows: Windows, taps: int, digits: integers.Digits | None
) -> float:
    """Predict the library's own convolution."""
    kind = dtypes.parse(problem.compute)
    parts = profile.complex_product if kind.kind == "complex" else 1
    width = dtypes.item_size(problem.compute) / 4 * parts
    if problem.compute in ("float64", "complex128"):
        width *= profile.direct_double
    if digits or kind.integral:
        width = 2 if digits else 4  # without vector instructions
    times = sum(map(len, digits.shifts)) if digits else 1
    sums = _sums(problem, windows, taps)
    copied = 2 * sums / taps * profile.move
    tap = profile.direct[len(problem.axes)] * _few(profile, sums / taps)
    outputs = sums / taps * profile.output * (len(problem.axes) == 1)
    if taps <= _SHORT_SUM and kind.kind != "complex":
        outputs *= _SHORT_OUTPUT
    each = (sums * tap + copied) * width + outputs + problem.rows[2] * profile.row
    return times * each + (_CALLS_DIGITS if digits else _CALLS_NATIVE) * profile.call + parts * profile.start


def _moved_apart(kept: Sequence[int], pairs: Sequence[tuple[int, int]], item: int) -> int:
    """Return the samples of the longer operand where its rows are moved apart (``methods/sums.py``), else none."""
    taps = [min(pair) for pair in pairs]
    sizes = [n + k - 1 for n, k in zip(kept, taps, strict=True)]
    return math.prod(sizes) if rows_collide(sizes[-1], item, taps) else 0


def _padded_by_taps(windows: Windows, pairs: Sequence[tuple[int, int]]) -> int:
    """Return the samples of the longer operand with zeros around it; none where no sample outside is needed."""
    every = [(kept, min(pair), max(pair)) for kept, pair in zip(windows, pairs, strict=True) if kept is not None]
    if all(kept.start >= k - 1 and kept.start + kept.size <= n for kept, k, n in every):
        return 0
    return math.prod([kept.size + k - 1 for kept, k, _ in every])
