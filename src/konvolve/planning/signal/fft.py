"""The method "fft": one transform over everything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate, fourier_seconds
from konvolve.planning.geometry import sufficient_length, trailing
from konvolve.planning.lengths import fast_length, table
from konvolve.planning.profile import MemoryMultiples, Profile
from konvolve.planning.signal import candidate, integers
from konvolve.planning.signal.candidate import UNKNOWN_SAMPLES, Bits, Rows, SignalWay, Windows
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate
from konvolve.planning.words import lengths_text

# Operations per call: casts, pads, two transforms, a product, the transform back and a crop.
_CALLS = 10

# A batch of fewer parts is transformed as a whole; of more, it takes so much of the time: 8192 rows of 1000 samples
# with 64 taps 0.56 on two cores of an AMD EPYC, and 1.1 on two of an Intel Xeon. Memory is predicted for so many parts
# at once.
_FEWEST_PARTS, _IN_CACHE, _CORES = 8, 0.9, 2


@dataclass(frozen=True, kw_only=True)
class Fft(SignalWay):
    """One transform of ``lengths`` over everything.

    ``wrap_offsets`` has a number for each periodic axis whose transform is exactly as long as the signal: the kernel is
    wrapped onto the period from its sample of that number on. It is empty where no axis is. ``rows`` of the batch's
    first axis are taken at a time where that is quicker, 0 stands for all of them.
    """

    name: ClassVar[str] = "fft"
    spreads: ClassVar[bool] = True

    wrap_offsets: tuple[int | None, ...] = ()
    rows: int = 0

    @classmethod
    def propose(
        cls, problem: Problem, profile: Profile, windows: Windows, bits: Bits, wrap_offsets: tuple[int | None, ...] = ()
    ) -> Candidate | None:
        """Transform everything at once, at the cheapest sufficient lengths; None where no transform is so long."""
        least = [
            None if kept is None else sufficient_length(problem.shape1[axis], problem.shape2[axis], kept)
            for axis, kept in zip(problem.axes, windows, strict=True)
        ]
        if any(n is not None and n > table()[-1] for n in least):
            return None
        lengths = tuple(None if n is None else fast_length(n) for n in least)
        if wrap_offsets:
            periods = (problem.shape1[axis] for axis in problem.axes)
            lengths = tuple(
                length if offset is None else period
                for offset, length, period in zip(wrap_offsets, lengths, periods, strict=True)
            )
        known = [length for length in lengths if length is not None]
        points = math.prod(known) if len(known) == len(lengths) else 2 * UNKNOWN_SAMPLES
        digits = candidate.digits_for(problem, bits, points, fourier=True)
        rows = _rows_at_a_time(problem, profile, points) if digits is None else 0
        way = cls(lengths=lengths, wrap_offsets=wrap_offsets, digits=digits, rows=rows)
        return Candidate(way, way._estimate(problem, profile, windows, points) if problem.known else None)

    def _estimate(self, problem: Problem, profile: Profile, windows: Windows, points: int) -> Estimate:
        dtype, times = candidate.working(problem, self.digits)
        rows = Rows(*(each * parts for each, parts in zip(problem.rows, times, strict=True)))
        known = [length for length in self.lengths if length is not None]
        transformed = rows._replace(in2=0) if problem.prepared and self.preparation is not None else rows
        seconds = sum(fourier_seconds(profile, each, known, dtype) for each in transformed if each)
        seconds += _CALLS * profile.call
        if self.rows:
            seconds *= _IN_CACHE
        rank = len(known)
        if self.rows:
            part = rows._replace(out=_CORES * self.rows * _rest(problem))
            kept = rows.out * math.prod([kept.size for kept in windows])  # type: ignore[union-attr]
            moved = trailing(len(problem.shape1), problem.axes) is not None  # the result, once more, with its axes back
            samples = _samples(profile.multiples, part, points, rank, dtypes.is_complex(dtype)) + (1 + moved) * kept
        elif self.digits is None:
            samples = _samples(profile.multiples, rows, points, rank, dtypes.is_complex(dtype))
        else:
            samples = _samples_in_digits(profile.multiples, self.digits, problem.rows, points, rank)
        outputs = problem.rows[2] * math.prod([kept.size for kept in windows])  # type: ignore[union-attr]
        samples = candidate.in_digits(problem, self.digits, outputs, samples)
        return Estimate(self.name, seconds, int(samples * candidate.item_size(dtype, profile.has_float64)))

    @classmethod
    def around(cls, problem: Problem, profile: Profile) -> int:
        """Return what ``SignalWay.around`` says."""
        multiple = profile.multiples.extended[1]
        signal = candidate.samples(problem) * candidate.item_size(problem.compute, profile.has_float64)
        return int(multiple * signal)

    @property
    def preparation(self) -> tuple | None:
        """The kernel's spectrum, of known lengths."""
        return None if None in self.lengths else (self.name, self.lengths, self.wrap_offsets, self.digits)

    @property
    def words(self) -> str:
        """The lengths."""
        return f"transforms of {lengths_text(self.lengths)}" + (f", {self.rows} rows at a time" if self.rows else "")

    def lines(self, axes: tuple[int, ...]) -> list[str]:
        """Return the length along each axis, and the digits."""
        offsets = self.wrap_offsets or (None,) * len(self.lengths)
        each = [
            f"axis {axis}: "
            + ("known at run time" if length is None else f"{length}" + (", the period" if offset is not None else ""))
            for axis, length, offset in zip(axes, self.lengths, offsets, strict=True)
        ]
        return [
            "  lengths  " + ", ".join(each), *([f"  rows     {self.rows} at a time"] if self.rows else []),
            *super().lines(axes),
        ]  # fmt: skip


def _rest(problem: Problem) -> int:
    """Return the rows of the batch for each of its first axis."""
    return math.prod([max(problem.shape1[axis] or 1, problem.shape2[axis] or 1) for axis in problem.batch[1:]])


def _rows_at_a_time(problem: Problem, profile: Profile, points: int) -> int:
    """Return how many rows of the batch's first axis fill the cache, 0 where all of them are taken at once."""
    if not profile.rows or not problem.known or not problem.batch or problem.rows[1] != 1:
        return 0
    rows = max(1, profile.rows // (points * _rest(problem)))
    return rows if problem.shape1[problem.batch[0]] >= _FEWEST_PARTS * rows else 0  # type: ignore[operator]


def _samples(multiples: MemoryMultiples, rows: Rows, points: int, rank: int, of_complex: bool) -> float:
    """Return the kernel's spectrum, and what the transforms of the signal and back leave alive."""
    if rank == 1 and rows.out == 1:
        return points * (rows.in2 + multiples.single_fft[of_complex])
    batched = multiples.batched if rank > 1 and rows.out > 1 else 0.0
    return points * (rows.in2 + (multiples.fft[min(rank, 3) - 1] + batched) * rows.out)


def _samples_in_digits(
    multiples: MemoryMultiples, digits: integers.Digits, rows: tuple[int, int, int], points: int, rank: int
) -> float:
    """Return the kernel's spectra and the places their products are added up in, twice, and the most there is beside.

    That is the signal's spectra and a term, or what one-dimensional transforms back take for themselves.
    """
    places, kernels = len(digits.shifts), rows[1] * digits.count2
    several = any(len(pairs) > 1 for pairs in digits.shifts)
    forward = rows[0] * digits.count1 + rows[2] * several
    backward = 2 * min(places, 2) if rank == 1 else 0
    return multiples.digits * points * (kernels + 2 * rows[2] * places + max(forward, backward))
