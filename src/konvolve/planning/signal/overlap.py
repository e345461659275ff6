"""The method "overlap": overlap-save, transforms of blocks of the signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from konvolve.planning import blocks, dtypes
from konvolve.planning.blocks import Blocks
from konvolve.planning.cost import Estimate, few_rows, fourier_seconds
from konvolve.planning.geometry import sufficient_length
from konvolve.planning.lengths import fast_length
from konvolve.planning.profile import MemoryMultiples, Profile
from konvolve.planning.signal import candidate
from konvolve.planning.signal.candidate import Bits, SignalWay, Windows
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate
from konvolve.planning.words import lengths_text

# TensorFlow cuts and pads arrays of up to eight axes.
_MOST_AXES = 8

# Of what a band of digits takes: a single one is not joined with others.
_ONE_BAND = 0.6

# Operations per call: those of one transform, and cutting blocks out and laying them side by side.
_CALLS = 14

# Passes over the samples of all blocks by which these are cut out and laid side by side, where one axis is cut; where
# both are, they are moved twice as often. A pass takes as long as so many stages of a transform.
_PASSES, _PASSES_OF_SEVERAL, _STAGES_PER_PASS = 2, 3, 8


@dataclass(frozen=True, kw_only=True)
class Overlap(SignalWay):
    """Blocks of the signal, of ``lengths`` samples, each with ``steps`` new samples of output; 0 for no tiling.

    ``band`` rows of blocks along the first tiled axis are worked on at once. ``taps`` are the sizes of the operand that
    is not cut: in2, or in1 with ``swap``, since convolution commutes.
    """

    name: ClassVar[str] = "overlap"
    spreads: ClassVar[bool] = True
    splits_bands: ClassVar[bool] = True

    steps: tuple[int, ...] = ()
    taps: tuple[int, ...] = ()
    band: int = 1
    swap: bool = False

    @classmethod
    def propose(cls, problem: Problem, profile: Profile, windows: Windows, bits: Bits) -> Candidate | None:
        """Tile every axis where blocks are cheaper than one transform; None where no axis gains."""
        pairs = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.axes]
        swap = problem.known and math.prod([n or 0 for n, _ in pairs]) < math.prod([n or 0 for _, n in pairs])
        if swap:  # the longer operand is the one that is cut into blocks
            pairs = [(n2, n1) for n1, n2 in pairs]
        tiles = _tiles(problem, profile, windows, pairs)
        if tiles is None:
            return None
        lengths, steps = tuple(tile.length for tile in tiles), tuple(tile.step for tile in tiles)
        way = cls(
            lengths=lengths, steps=steps, taps=tuple(taps or 0 for _, taps in pairs), swap=swap,
            digits=candidate.digits_for(problem, bits, math.prod(lengths), fourier=True),
        )  # fmt: skip
        return way._settled(problem, profile, windows, pairs, tiles)

    def _settled(
        self, problem: Problem, profile: Profile, windows: Windows, pairs: list, tiles: Sequence[Blocks]
    ) -> Candidate:
        """Return these settings with a band of the size that suits the library, and what they cost."""
        lengths = [tile.length for tile in tiles]
        points = math.prod(lengths)
        counts = [
            1 if not tile.step or kept is None else -(-kept.size // tile.step)
            for tile, kept in zip(tiles, windows, strict=True)
        ]
        dtype, times = candidate.working(problem, self.digits)
        rows1, rows2, rows = (each * parts for each, parts in zip(problem.rows, times, strict=True))
        signal, kernel = (rows2, rows1) if self.swap else (rows1, rows2)
        first = next(i for i, tile in enumerate(tiles) if tile.step)
        total = math.prod(counts)
        others = rows * points * total // counts[first]
        band = max(1, profile.band // others)
        if len(tiles) == 1 and profile.band > 1:  # bands of as many rows as are worked on at once
            turns = profile.rows_at_once // math.gcd(rows, profile.rows_at_once)
            band = max(turns, band // turns * turns)
        way = replace(self, band=band)
        if not problem.known:
            return Candidate(way, None)
        working = rows * points * min(total, band * total // counts[first])
        seconds = fourier_seconds(profile, (signal + rows) * total, lengths, dtype, working)
        if not problem.prepared or self.swap:
            seconds += fourier_seconds(profile, kernel, lengths, dtype)
        passes = _PASSES if len(tiles) == 1 else _PASSES_OF_SEVERAL
        moved = passes * (signal + rows) * total * points * profile.fft * _STAGES_PER_PASS * dtypes.item_size(dtype) / 4
        samples = way._samples(problem, profile.multiples, windows, pairs, tiles, counts, working)
        size = int(samples * candidate.item_size(dtype, profile.has_float64))
        return Candidate(way, Estimate(self.name, seconds + moved + _CALLS * profile.call, size))

    def _samples(
        self, problem: Problem, multiples: MemoryMultiples, windows: Windows, pairs: list, tiles: Sequence[Blocks],
        counts: list[int], working: int,
    ) -> float:  # fmt: skip
        """Return the result, what one band takes, and the padded signal where more than one axis is cut."""
        outputs = problem.rows[2] * math.prod([kept.size for kept in windows])  # type: ignore[union-attr]
        padded = problem.rows[1 if self.swap else 0] * _padded_to_blocks(tiles, windows, pairs, counts)
        of_blocks, of_one_band = multiples.blocks[min(len(tiles), 2) - 1], multiples.one_band
        if self.digits is not None:
            of_blocks, of_one_band = multiples.digit_blocks, max(multiples.one_band, _ONE_BAND * multiples.digit_blocks)
        first = next(i for i, tile in enumerate(tiles) if tile.step)
        if self.band >= counts[first]:
            samples = outputs + of_one_band * working + padded
        else:
            samples = multiples.joined * outputs + of_blocks * working + padded
        if self.digits is not None:  # both operands as int64; digits are joined to integers band by band
            samples += candidate.samples(problem) + math.prod(candidate.sizes(problem)[1])
        return samples

    @property
    def preparation(self) -> tuple | None:
        """The spectrum of the kernel, where it is the operand that is not cut."""
        return None if self.swap else (self.name, self.lengths, self.steps, self.digits)

    @property
    def words(self) -> str:
        """The lengths and the blocks."""
        steps = " x ".join(str(step) if step else "all" for step in self.steps)
        return f"transforms of {lengths_text(self.lengths)}, blocks of {steps} new samples"

    def lines(self, axes: tuple[int, ...]) -> list[str]:
        """Return the length and the blocks along each axis, and the digits."""
        each = [
            f"axis {axis}: {length}" + (f", blocks of {step} new samples" if step else "")
            for axis, length, step in zip(axes, self.lengths, self.steps, strict=True)
        ]
        return ["  lengths  " + ", ".join(each), *super().lines(axes)]


def _tiles(problem: Problem, profile: Profile, windows: Windows, pairs: list) -> list[Blocks] | None:
    """Return the cheapest blocks along each axis of so many samples and taps, None where none is cut."""
    few, many = blocks.MANY, 2
    if len(pairs) == 1 and problem.known:
        few, many = few_rows(profile, problem.compute), problem.rows[2]
    tiles = []
    # Blocks are counted along an axis of their own, and digits stand along one.
    room = _MOST_AXES - len(problem.shape1) - dtypes.parse(problem.compute).integral
    for kept, (signal, taps) in zip(windows, pairs, strict=True):
        if taps is None or (signal is not None and taps > signal):
            return None
        if kept is None:
            if len(pairs) > 1:
                return None
            tiles.append(blocks.choose(taps, None, None))
        else:
            least = sufficient_length(signal, taps, kept)
            tile = blocks.choose(taps, kept.size, least, many, few)
            tiles.append(tile if room > 0 else Blocks(fast_length(least), 0))
            room -= tile.step > 0
    if not any(tile.step for tile in tiles):
        if not profile.parts or not problem.known or room < 1:
            return None
        assert windows[0] is not None
        tiles[0] = blocks.part(pairs[0][1] or 1, windows[0].size, profile.parts)
    return tiles


def _padded_to_blocks(tiles: Sequence[Blocks], windows: Windows, pairs: list, counts: Sequence[int]) -> int:
    """Return the samples of a signal with zeros around it along the axes that are cut after the first one, if any."""
    first = next(place for place, tile in enumerate(tiles) if tile.step)
    extents, outside = [], False
    for place, (tile, kept, (n, taps)) in enumerate(zip(tiles, windows, pairs, strict=True)):
        assert kept is not None
        cut = tile.step > 0 and place != first
        extents.append(counts[place] * tile.step + taps - 1 if cut else n)
        begin = kept.start - (taps - 1)
        outside = outside or (cut and (begin < 0 or begin + extents[-1] > n))
    return math.prod(extents) if outside else 0
