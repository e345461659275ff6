"""How a stream's kernel is cut into partitions: small ones at its head, larger ones behind; and when each is worked on.

A partition of p taps is one product of spectra of 2 p samples for each p samples of signal (overlap-save). Large ones
cost less for each tap, but their blocks of signal have to be complete first. Gardner (1995, "Efficient convolution
without input-output delay") has partitions that grow towards the kernel's end, Garcia (2002, "Optimal filter
partition") chooses their sizes by what they cost, and Wefers (2015, "Partitioned convolution algorithms for real-time
auralization") compares such schedules.

Level 0 has partitions of one block, which are added up when the block comes. A level of m blocks a partition, s
samples, begins at tap 2 s: its block of signal is complete s samples before it is first needed, and in the m blocks
between, its transform, its products and its inverse are done, a part at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.cost import few_rows, fourier_seconds
from konvolve.planning.operands import plain, shown
from konvolve.planning.profile import Profile
from konvolve.planning.words import bytes_text, seconds_text

BLOCK = 256
"""The block that a stream is planned for where none is named."""

MOST_BLOCK = 2**22
_GROWTHS = (2, 4, 8, 16, 32)  # by how much the partitions of a level may be larger than those before
_MOST_LEVELS = 5
# What the longest block counts for beside the mean one, in the choice of the partitions.
_WORST = 0.1
# s: one complex product added to a spectrum, in NumPy on the machine of profiles/shipped.py (4000 to 90000 of them).
_PRODUCT = 1.1e-9
# A transform, a product or what else a level does with small arrays takes so many of `Profile.call`, in NumPy on the
# same machine: blocks of 256 with 88200 taps took 55 to 87 us, of which the sums themselves are 15.
_STEP = 1.6


class Level(NamedTuple):
    """Partitions of one size: their taps, how many there are, and how many of the first have only zeros."""

    size: int
    parts: int
    silent: int = 0


@dataclass(frozen=True)
class StreamPlan:
    """How a stream is worked on: the partitions of its kernel, and what a block is predicted to take.

    ``taps`` are those of the kernel, ``latency`` the samples by which the output comes later, ``block`` the samples for
    which it was planned. ``seconds`` is the predicted mean time of a block, ``longest`` that of the longest, ``bytes``
    what the stream holds. Printing it tells a person what is done and why.
    """

    taps: int
    block: int
    latency: int
    levels: tuple[Level, ...]
    seconds: float = field(compare=False)
    longest: float = field(compare=False)
    bytes: int = field(compare=False)

    def slots(self, place: int) -> int:
        """Return over how many blocks the work of a level is spread."""
        return self.levels[place].size // self.block

    def start(self, place: int) -> int:
        """Return the first tap of a level, latency included."""
        return 2 * self.levels[place].size if place else 0

    def due(self, place: int, slot: int) -> tuple[bool, tuple[int, int], bool]:
        """Return what a level behind the first has to do in one of its slots.

        Whether to transform, which of its partitions to multiply, and whether to transform back. The transforms of the
        levels do not fall together.
        """
        slots, level = self.slots(place), self.levels[place]
        first = min(place - 1, (slots - 2) // 2)
        last = slots - 1 - first
        steps = max(1, last - first - 1)  # those between the two transforms, if there are any
        step = slot - first - 1 if last - first > 1 else slot - first
        low, count = level.silent, level.parts - level.silent
        done = (low + count * step // steps, low + count * (step + 1) // steps)
        if not 0 <= step < steps or (slot == last and last > first):
            done = (0, 0)
        return slot == first, done, slot == last

    def __str__(self) -> str:
        lines = [f"stream of blocks of {self.block} samples with {self.taps} taps, {self.latency} samples of latency"]
        for place, level in enumerate(self.levels):
            when = "when a block comes" if place == 0 else f"a part in each of {self.slots(place)} blocks"
            lines.append(f"  taps from {self.start(place):>9}: {level.parts:>5} partitions of {level.size:>7}, {when}")
        per_second = self.block / self.seconds
        lines.append(
            f"  a block {seconds_text(self.seconds)}, the longest {seconds_text(self.longest)}: "
            f"{per_second:.3g} samples a second; {bytes_text(self.bytes)} held"
        )
        return "\n".join(lines)


def check_block(block: Any) -> int:
    """Return the samples of a block; ValueError for what is no number of them."""
    found = BLOCK if block is None else plain(block)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MOST_BLOCK:
        raise ValueError(f"block must be a number of samples from 1 to {MOST_BLOCK}, or None, not block={shown(block)}")
    return found


def check_count(argument: str, given: Any) -> int:
    """Return a number of samples from 0 on; ValueError for what is none."""
    found = plain(given)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise ValueError(f"{argument} must be a number of samples from 0 on, not {argument}={shown(given)}")
    return found


def make_plan(
    taps: int, block: int, latency: int, rows: tuple[int, int, int], dtype: str, profile: Profile, *,
    uniform: bool = False,
) -> StreamPlan:  # fmt: skip
    """Choose the partitions of a kernel of so many taps.

    ``rows`` are how many signals come in, how many go out, and how many kernels lie between them. ``uniform`` asks for
    one level alone, whose state has one shape and whose every step is the same.
    """
    length = taps + latency
    plans = [_planned(taps, block, latency, sizes, rows, dtype, profile) for sizes in _sizes(block, length, uniform)]
    return min(plans, key=lambda plan: plan.seconds + _WORST * plan.longest)


def _sizes(block: int, length: int, uniform: bool) -> Iterator[tuple[int, ...]]:
    """Yield the sizes of the levels that may be taken for a kernel of this length."""
    yield (block,)
    if uniform:
        return
    for levels in range(1, _MOST_LEVELS):
        for growths in itertools.product(_GROWTHS, repeat=levels):
            sizes = tuple(itertools.accumulate((block, *growths), lambda size, growth: size * growth))
            if 2 * sizes[-1] < length and sizes[-1] <= MOST_BLOCK:
                yield sizes


def _planned(
    taps: int, block: int, latency: int, sizes: Sequence[int], rows: tuple[int, int, int], dtype: str,
    profile: Profile,
) -> StreamPlan:  # fmt: skip
    levels = []
    for place, size in enumerate(sizes):
        start = 2 * size if place else 0
        end = 2 * sizes[place + 1] if place + 1 < len(sizes) else taps + latency
        count = -(-(end - start) // size)
        silent = min(count, max(0, latency - start) // size)
        levels.append(Level(size, 0) if silent == count else Level(size, count, silent))
    plan = StreamPlan(taps, block, latency, tuple(levels), 0.0, 0.0, 0)
    mean, longest = _seconds(plan, rows, dtype, profile)
    return StreamPlan(taps, block, latency, tuple(levels), mean, longest, _bytes(levels, rows, dtype))


def _seconds(plan: StreamPlan, rows: tuple[int, int, int], dtype: str, profile: Profile) -> tuple[float, float]:
    """Predict the mean and the longest time of a block."""
    incoming, outgoing, kernels = rows
    width = dtypes.item_size(dtype) / 4
    mean = longest = 0.0
    single = few_rows(profile, dtype).single  # a block's transforms fit the cache
    for place, level in enumerate(plan.levels):
        slots = plan.slots(place)
        step = _STEP * profile.call
        forward = incoming * fourier_seconds(profile, 1, [2 * level.size], dtype) / single + step
        inverse = outgoing * fourier_seconds(profile, 1, [2 * level.size], dtype) / single + step
        used = level.parts - level.silent
        products = kernels * used * (level.size + 1) * _PRODUCT * width
        if place == 0:
            mean += forward + inverse + products + step
            longest += forward + inverse + products + step
            continue
        mean += (forward + inverse + products) / slots + step
        longest = max(longest, mean + max(forward, inverse, products / max(1, slots - 2)))
    return mean, longest


def _bytes(levels: Sequence[Level], rows: tuple[int, int, int], dtype: str) -> int:
    """Return what the spectra of kernels and signals, and the blocks that wait, take."""
    incoming, outgoing, kernels = rows
    size = dtypes.item_size(dtype)
    held = 0
    for level in levels:
        spectrum = 2 * size * (level.size + 1)
        held += level.parts * spectrum * (kernels + incoming) + level.size * size * (3 * incoming + 2 * outgoing)
    return held
