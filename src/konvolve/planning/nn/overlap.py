"""The method "overlap" on channels: overlap-save, transforms of blocks of the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.blocks import Blocks
from konvolve.planning.cost import Estimate
from konvolve.planning.lengths import fast_length
from konvolve.planning.nn.candidate import Case, ChannelWay, transform_seconds, transformed_rows
from konvolve.planning.nn.fft import sufficient
from konvolve.planning.profile import ChannelProfile, Profile
from konvolve.planning.way import Candidate

# Blocks of so many times the kernel are tried along every axis, and of as many times 8 samples at least.
_TIMES = (1.5, 2, 2.5, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_SHORTEST = 8

# Operations per call beside those of one transform, and arrays as large as a band that are alive at once.
_CALLS = 40
_ARRAYS = 3

# A band may be so many times as large as one of the family, where it has no channels.
_BANDS = 4


@dataclass(frozen=True, kw_only=True)
class Overlap(ChannelWay):
    """Blocks of the inputs, of ``lengths`` samples, each with ``steps`` new samples of output; 0 for no tiling.

    ``band`` rows of blocks along the first tiled axis are worked on at once.
    """

    name: ClassVar[str] = "overlap"
    spreads: ClassVar[bool] = True

    steps: tuple[int, ...]
    band: int

    @classmethod
    def propose(cls, case: Case, profile: Profile, speed: ChannelProfile) -> Candidate | None:
        """Tile the axes where blocks are cheaper than one transform; None where a single block holds everything."""
        rows = transformed_rows(case.problem, case.splits, case.batch)
        item = dtypes.item_size(case.problem.compute)
        best: Candidate | None = None
        least = math.inf
        for tiles in _tilings(case):
            counts = [-(-p.window.size // t.step) if t.step else 1 for t, p in zip(tiles, case.assumed, strict=True)]
            lengths = [tile.length for tile in tiles]
            total, points = math.prod(counts), math.prod(lengths)
            # Cutting the blocks out and laying them side by side again moves each sample.
            moved = (1 + len(tiles)) * (rows[0] + rows[2]) * total * points * item * speed.moved
            seconds = transform_seconds(case, profile, speed, lengths, total) + moved + _CALLS * profile.call
            if seconds >= least:
                continue
            first = next(i for i, tile in enumerate(tiles) if tile.step)
            row = (rows[0] + rows[2]) * points * total // counts[first]
            band = min(max(1, _BANDS * profile.band // row), counts[first])
            size = _ARRAYS * (row * band + rows[1] * points) * item
            way = cls(lengths=tuple(lengths), steps=tuple(tile.step for tile in tiles), band=band)
            best, least = Candidate(way, Estimate(cls.name, seconds, size)), seconds
        return best

    @property
    def preparation(self) -> tuple | None:
        """The kernel's spectrum, which depends on the lengths alone."""
        return (self.lengths,)

    @property
    def words(self) -> str:
        """The lengths and the blocks."""
        each = [
            f"{length}" + (f" in blocks of {step} new samples" if step else "")
            for length, step in zip(self.lengths, self.steps, strict=True)
        ]
        return f"{', '.join(each)}; {self.band} rows of blocks at once"


def _tilings(case: Case) -> Iterator[tuple[Blocks, ...]]:
    """Yield tilings: blocks of so many times the kernel along every axis, but where that holds everything."""
    whole = [fast_length(n) for n in sufficient(case)]
    for times in _TIMES:
        tiles = []
        for split, most, known in zip(case.splits, whole, case.places, strict=True):
            length = fast_length(max(math.ceil(split.taps * times), math.ceil(_SHORTEST * times)))
            small = length < most or known is None
            tiles.append(Blocks(length, length - split.taps + 1) if small else Blocks(most, 0))
        if any(tile.step for tile in tiles):
            yield tuple(tiles)
