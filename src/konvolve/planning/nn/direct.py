"""The method "direct" on channels: the library's own convolution, or a loop over the taps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.nn.candidate import Case, ChannelWay, transformed_rows
from konvolve.planning.nn.fft import Fft
from konvolve.planning.nn.overlap import Overlap
from konvolve.planning.profile import ChannelProfile, Profile
from konvolve.planning.way import Candidate

# Operations per call of the library's own convolution, and for each tap of a loop.
_CALLS, _CALLS_PER_TAP = 8, 4


@dataclass(frozen=True, kw_only=True)
class Direct(ChannelWay):
    """The sum itself: a ``loop`` over the taps, or the library's own convolution.

    ``in_parts`` takes complex operands part by part, real and imaginary, where that is of real numbers only.
    """

    name: ClassVar[str] = "direct"

    loop: bool = False
    in_parts: bool = False

    @classmethod
    def propose(cls, case: Case, profile: Profile, speed: ChannelProfile) -> Candidate:
        """Use the library's own convolution; loop over the taps where it has none for this problem."""
        problem = case.problem
        taps = math.prod([axis.taps for axis in problem.axes])
        places = case.spatial if problem.transposed else tuple(p.output for p in case.assumed)
        outputs = case.batch * math.prod(places) * problem.outputs
        memory = outputs * dtypes.item_size(problem.compute)
        if _needs_loop(case, speed):
            return Candidate(cls(loop=True), Estimate(cls.name, _loop_seconds(case, profile, speed), memory))
        sums = case.batch * math.prod(places) * taps * problem.channels // problem.groups * problem.outputs
        width = dtypes.item_size(problem.compute) / 4
        of_complex = dtypes.is_complex(problem.compute)
        depthwise = problem.groups == problem.channels > 1
        if depthwise and taps > 1:
            each, beside = speed.depthwise * (1 + speed.few_channels / problem.channels), speed.depthwise_sample
        else:
            times = 1 + speed.few_outputs_in_group * problem.groups / problem.outputs
            each, beside = speed.dense[problem.rank] * times, speed.sample
            each *= speed.grouped if problem.groups > 1 else 1
        seconds = (sums * each * (2 if of_complex else 1) + outputs * beside) * width + _CALLS * profile.call
        estimate = Estimate(cls.name, seconds, memory)
        in_parts = of_complex and not profile.native_complex
        other = _by_transforms(case, profile, speed)
        # The library's gradient by the kernel, against a forward pass by transforms.
        by_kernel = sums * _cliff(case, speed, depthwise, taps, math.prod(places)) * width
        slow = by_kernel > 2 * other.estimate.seconds  # type: ignore[union-attr]
        return Candidate(cls(in_parts=in_parts), estimate, other if slow else None)


def _cliff(case: Case, speed: ChannelProfile, depthwise: bool, taps: int, places: int) -> float:
    """Return the seconds of a multiply-add in the library's gradient by the kernel, 0 where that is no slower."""
    if depthwise:
        longest = max(axis.taps for axis in case.problem.axes)
        return speed.depthwise_cliff[1] if speed.depthwise_cliff and longest >= speed.depthwise_cliff[0] else 0.0
    if speed.cliff and taps >= speed.cliff[0] and taps * places >= speed.cliff[1]:
        return speed.cliff[2]
    return 0.0


def _needs_loop(case: Case, speed: ChannelProfile) -> bool:
    """Whether the library has no convolution of its own for a problem."""
    problem = case.problem
    depthwise = problem.groups == problem.channels > 1
    dilated = any(axis.dilation > 1 for axis in problem.axes)
    mixed = dilated and any(axis.stride > 1 for axis in problem.axes) and not depthwise
    without_groups = problem.groups > 1 and problem.rank in speed.plain
    return not speed.native or problem.per_sample or without_groups or (mixed and not speed.mixed)


def _loop_seconds(case: Case, profile: Profile, speed: ChannelProfile) -> float:
    """Predict a loop of a product of matrices for each tap."""
    problem = case.problem
    width = dtypes.item_size(problem.compute) / 4
    rows = transformed_rows(problem, case.splits, case.batch)
    outputs = math.prod([p.window.size for p in case.assumed])
    moved = (rows[0] + 2 * rows[2]) * 4 * width * speed.moved
    each = outputs * (rows[3] * speed.dense[problem.rank] * width + moved) + _CALLS_PER_TAP * profile.call
    return math.prod([split.taps for split in case.splits]) * each


def _by_transforms(case: Case, profile: Profile, speed: ChannelProfile) -> Candidate:
    """Return the cheaper of one transform and blocks."""
    one, blocks = Fft.propose(case, profile, speed), Overlap.propose(case, profile, speed)
    if blocks is not None and blocks.estimate.seconds < one.estimate.seconds:  # type: ignore[union-attr]
        return blocks
    return one
