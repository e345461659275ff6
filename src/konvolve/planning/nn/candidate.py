"""What the methods on channels have in common: the record's face, and counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.cost import fourier_seconds
from konvolve.planning.nn.phases import Phases, Place, extended, phases, place
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.profile import ChannelProfile, Profile
from konvolve.planning.way import Candidate, Way

# What is not known is costed with these: samples in a batch, and kernels' lengths in a signal.
_BATCH = 8
_LENGTHS = 16

# Operations per call of one transform of everything: layouts, transforms, a product at each frequency.
_CALLS = 40

# How often what goes in and what comes out is read or written beside the transforms: padded and stored, and of the sums
# stored, inverted and cropped. Counted in the programs; the speed of moving is fitted with them.
_INWARD, _OUTWARD = 2, 3


class Case(NamedTuple):
    """One problem as its methods are asked about it.

    Per spatial axis: ``splits``, how strides and dilations are turned into channels and batches; ``places``, where
    things lie, None where the size is not known. ``batch``, ``spatial`` and ``assumed`` are the batch, the spatial
    sizes and the places that it is costed with: those known, and stand-ins for the others.
    """

    problem: ChannelProblem
    splits: tuple[Phases, ...]
    places: tuple[Place | None, ...]
    batch: int
    spatial: tuple[int, ...]
    assumed: tuple[Place, ...]


def case(problem: ChannelProblem) -> Case:
    """Return a problem with its axes split, and with sizes to cost it with."""
    splits = tuple(phases(axis, problem.transposed) for axis in problem.axes)
    batch = problem.shape[0] if problem.shape[0] is not None else problem.kernel[0] if problem.per_sample else None
    spatial = tuple(
        max(_LENGTHS * axis.span, 256) if n is None else n
        for axis, n in zip(problem.axes, problem.spatial, strict=True)
    )
    assumed = _places(replace(problem, shape=with_spatial(problem, spatial, problem.shape[0])), splits)
    known = tuple(each for each in assumed if each is not None)
    return Case(problem, splits, _places(problem, splits), _BATCH if batch is None else batch, spatial, known)


def with_spatial(problem: ChannelProblem, spatial: tuple[int, ...], batch: int | None) -> tuple[int | None, ...]:
    """Return the shape of the inputs with these spatial sizes."""
    return (batch, *spatial, problem.channels) if problem.last else (batch, problem.channels, *spatial)


def _places(problem: ChannelProblem, splits: tuple[Phases, ...]) -> tuple[Place | None, ...]:
    found: list[Place | None] = []
    for axis, split, n in zip(problem.axes, splits, problem.spatial, strict=True):
        if n is None:
            found.append(None)
            continue
        size = n if axis.edge == "zero" or problem.transposed else extended(axis, n)[1]
        found.append(place(axis, split, problem.transposed, size))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ChannelWay(Way):
    """How one method goes about one problem on channels."""

    @classmethod
    def propose(cls, case: Case, profile: Profile, speed: ChannelProfile) -> Candidate | None:
        """Return what the method would do on a library of this profile, None where it can't or does not pay."""
        raise NotImplementedError


def prepared_bytes(problem: ChannelProblem, splits: tuple[Phases, ...], lengths: Any) -> int:
    """Return the size of a kernel's spectrum."""
    last = lengths[-1] if dtypes.is_complex(problem.compute) else lengths[-1] // 2 + 1
    batch = problem.kernel[0] or 1  # where each sample has a kernel of its own
    rows = transformed_rows(problem, splits, batch)[1]
    return rows * math.prod(lengths[:-1]) * last * 2 * dtypes.item_size(dtypes.real(problem.compute))


def transformed_rows(problem: ChannelProblem, splits: tuple[Phases, ...], batch: int) -> tuple[int, int, int, int]:
    """Return the rows of inputs, kernel and result that are transformed, and the multiply-adds per frequency."""

    def of(kind: str) -> int:
        return math.prod([split.number for split in splits if split.kind == kind])

    samples = batch if problem.per_sample else 1
    channels = problem.channels * of("inputs")
    outputs = problem.outputs * of("outputs")
    batch *= of("batch")
    per_group = channels // problem.groups * outputs
    return batch * channels, samples * per_group, batch * outputs, batch * per_group


def transform_seconds(case: Case, profile: Profile, speed: ChannelProfile, lengths: list[int], count: int) -> float:
    """Predict the time of ``count`` blocks of these lengths, and of the kernel's transform."""
    inputs, kernel, outputs, sums = transformed_rows(case.problem, case.splits, case.batch)
    width = dtypes.item_size(case.problem.compute) / 4
    seconds = fourier_seconds(profile, (inputs + outputs) * count + kernel, lengths, case.problem.compute)
    bins = math.prod(lengths[:-1]) * (lengths[-1] // 2 + 1)
    # Rows are padded and their spectra written and read; frequencies are brought first and last again for matrices.
    passes = _INWARD * (inputs * count + kernel) + _OUTWARD * outputs * count
    if sums > outputs:
        passes += inputs * count + kernel + outputs * count
        seconds += width * bins * sums * count * speed.product
    return seconds + width * 8 * bins * passes * speed.moved + _CALLS * profile.call
