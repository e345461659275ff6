"""What the methods of the family have in common: the record's face, and the counts that their predictions are made of.

Memory is counted in samples of the dtype that is worked in, beside the inputs and with the result included. The sums
follow what is alive at the widest point of each method; the multiples (`profile.MemoryMultiples`) were measured with
`python -m benchmarks --memory`, each in fresh processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.geometry import Window
from konvolve.planning.profile import Profile
from konvolve.planning.signal import integers
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate, Way

# The samples an operand of integers may have where its sizes are not known: digits are safe for up to these, which
# are 2 GiB of float64.
UNKNOWN_SAMPLES = 2**28

# As many copies in order as transposing takes, and the part of that which is left where the signal may stay a view.
# Chosen with the first constants on pictures with the channels last, and not fitted since.
_TRANSPOSED, TRANSPOSED_VIEW = 3.0, 1 / 3

Windows = tuple[Window | None, ...]
Bits = tuple[int | None, int | None]


@dataclass(frozen=True, kw_only=True)
class SignalWay(Way):
    """How one method goes about one problem of the family.

    ``digits`` splits integers so that floating point returns them exactly. The method is given the signal in digits,
    unless it writes them itself, a band of the signal at a time (``splits_bands``).
    """

    splits_bands: ClassVar[bool] = False

    digits: integers.Digits | None = None

    @classmethod
    def propose(cls, problem: Problem, profile: Profile, windows: Windows, bits: Bits) -> Candidate | None:
        """Return what the method would do on a library of this profile, None where it can't or does not pay.

        ``problem`` has no samples beyond the edges: in1 is extended already. ``windows`` are what is kept of the full
        convolution along each axis, ``bits`` the magnitudes of integer operands where their values were looked at.
        """
        raise NotImplementedError

    @classmethod
    def refusal(cls, problem: Problem) -> str:
        """Return the error where this method alone is allowed and proposes nothing; none where one transform does."""
        return ""

    @classmethod
    def around(cls, problem: Problem, profile: Profile) -> int:
        """Return the bytes that extending a signal beyond its edges takes besides its result, before this method."""
        return 0

    @property
    def takes_views(self) -> bool:
        """Whether a transposed signal need not be copied."""
        return False

    def needs_adjoint(self, profile: Profile) -> bool:
        """Whether the gradient by the kernel is better taken by another method."""
        return False

    def lines(self, axes: tuple[int, ...]) -> list[str]:
        """Return what ``Way.lines`` says: the digits."""
        digits = self.digits
        if digits is None:
            return []
        return [f"  integers in {digits.count1} x {digits.count2} digits of {digits.width} bits, exact"]

    def work_dtype(self, compute: str) -> str:
        """Return the dtype that the operands are given in, for sums in ``compute``."""
        if self.digits is not None:
            return "int64"
        return "int32" if compute == "bool" else compute  # a sum of products of truths is a count


class Rows(NamedTuple):
    """The rows of in1, of in2 and of the result, digits counted."""

    in1: int
    in2: int
    out: int


def samples_per_sum(problem: Problem) -> tuple[int, int]:
    """Return how many samples of each operand enter one sum at most."""
    along = ([shape[axis] for axis in problem.axes] for shape in (problem.shape1, problem.shape2))
    one, two = (UNKNOWN_SAMPLES if None in sizes else math.prod([n for n in sizes if n]) for sizes in along)
    return one, two


def digits_for(problem: Problem, bits: Bits, points: int, *, fourier: bool) -> integers.Digits | None:
    """Return the digits in which integers are exact in sums or in transforms of so many points, None for others."""
    if not dtypes.parse(problem.compute).integral:
        return None
    one, two = (
        given or integers.magnitude_bits(name)
        for given, name in zip(bits, (problem.dtype1, problem.dtype2), strict=True)
    )
    return integers.digits(one, two, problem.compute, *samples_per_sum(problem), points, fourier=fourier)


def working(problem: Problem, digits: integers.Digits | None) -> tuple[str, tuple[int, int, int]]:
    """Return the dtype of the floating-point work, and how many digits of in1, of in2 and places there are."""
    if digits is None:
        return problem.compute, (1, 1, 1)
    return "float64", (digits.count1, digits.count2, len(digits.shifts))


def products(problem: Problem, windows: Sequence[Window]) -> int:
    """Return the products of samples that the sum itself takes, where all sizes are known."""
    taps = min(samples_per_sum(problem))
    return problem.rows[2] * math.prod([kept.size for kept in windows]) * taps


def item_size(name: str, has_float64: bool) -> int:
    """Return the bytes of a sample; a library without 64-bit types works in half of them."""
    size = dtypes.item_size(name)
    wide = name in ("float64", "complex128", "int64", "uint64")
    return size // 2 if wide and not has_float64 else size


def sizes(problem: Problem) -> tuple[list[int], list[int]]:
    """Return the sizes of both operands along the convolved axes; all are known."""
    one, two = ([shape[axis] or 0 for axis in problem.axes] for shape in (problem.shape1, problem.shape2))
    return one, two


def samples(problem: Problem) -> int:
    """Return the samples of all rows of in1."""
    return math.prod(problem.shape1[axis] or 1 for axis in problem.batch) * math.prod(sizes(problem)[0])


def in_digits(problem: Problem, digits: integers.Digits | None, outputs: int, method: float) -> float:
    """Return what a method takes, given a signal in digits, whose results are joined to integers at the end."""
    if digits is None:
        return method
    signal = samples(problem) * digits.count1
    # Split into digits, which are then stacked; and at the end the sum, a place as an integer and what they add up to.
    joined = signal + outputs * (len(digits.shifts) + 3)
    return max(signal * (1 if digits.count1 == 1 else 2) + samples(problem), signal + method, joined)


def transposing_seconds(problem: Problem, profile: Profile, windows: Sequence[Window]) -> float:
    """Predict the time of bringing the convolved axes last and back, where they are not."""
    rows1, rows2, rows = problem.rows
    taken = [
        math.prod([problem_shape[axis] or 0 for axis in problem.axes])
        for problem_shape in (problem.shape1, problem.shape2)
    ]
    moved = rows1 * taken[0] + rows2 * taken[1] + rows * math.prod([kept.size for kept in windows])
    return _TRANSPOSED * moved * profile.move * dtypes.item_size(problem.compute) / 4


def bytes_before(problem: Problem, profile: Profile, extended: bool, laid_out: bool) -> int:
    """Return the bytes of what is made of the signal before a method begins, and lives until it ends.

    It is extended beyond its edges, brought to the dtype of the work, or its axes to where they are wanted.
    """
    signal = problem.rows[0] * math.prod([problem.shape1[axis] or 0 for axis in problem.axes])
    cast = problem.dtype1 != problem.compute and not dtypes.parse(problem.compute).integral
    copies = extended + cast + profile.multiples.layout * laid_out
    return int(copies * signal * item_size(problem.compute, profile.has_float64))
