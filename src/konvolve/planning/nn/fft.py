"""The method "fft" on channels: one transform over everything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.geometry import sufficient_length
from konvolve.planning.lengths import fast_length
from konvolve.planning.nn.candidate import Case, ChannelWay, transform_seconds, transformed_rows
from konvolve.planning.profile import ChannelProfile, Profile
from konvolve.planning.way import Candidate

# Arrays as large as the transforms of all operands that are alive at once.
_ARRAYS = 3


@dataclass(frozen=True, kw_only=True)
class Fft(ChannelWay):
    """One transform of ``lengths`` over everything, None where a length is known at run time."""

    name: ClassVar[str] = "fft"
    spreads: ClassVar[bool] = True

    @classmethod
    def propose(cls, case: Case, profile: Profile, speed: ChannelProfile) -> Candidate:
        """Transform everything at once, at the cheapest sufficient lengths."""
        lengths = [fast_length(n) for n in sufficient(case)]
        seconds = transform_seconds(case, profile, speed, lengths, 1)
        points = sum(transformed_rows(case.problem, case.splits, case.batch)[:3]) * math.prod(lengths)
        known = tuple(n if p is not None else None for n, p in zip(lengths, case.places, strict=True))
        size = _ARRAYS * points * dtypes.item_size(case.problem.compute)
        return Candidate(cls(lengths=known), Estimate(cls.name, seconds, size))

    @property
    def preparation(self) -> tuple | None:
        """The kernel's spectrum, of known lengths."""
        return None if None in self.lengths else (self.lengths,)

    @property
    def words(self) -> str:
        """The lengths."""
        return ", ".join("known at run time" if length is None else f"{length}" for length in self.lengths)


def sufficient(case: Case) -> list[int]:
    """Return the least length of one transform along each axis."""
    return [sufficient_length(p.size, split.taps, p.window) for p, split in zip(case.assumed, case.splits, strict=True)]
