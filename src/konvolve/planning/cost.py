"""What a method costs, in seconds and bytes, from few constants that each library brings along (`profile.py`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.blocks import FewRows, outgrown
from konvolve.planning.lengths import transform_cost
from konvolve.planning.profile import Profile


class Estimate(NamedTuple):
    """The predicted cost of one method."""

    method: str
    seconds: float
    bytes: int


class Estimated:
    """A plan that knows what its method, and those it does not take, are predicted to cost."""

    method: str
    estimates: tuple[Estimate, ...]

    @property
    def bytes(self) -> int | None:
        """The predicted peak of memory beside the inputs, the result included; None where sizes are not known."""
        return next((each.bytes for each in self.estimates if each.method == self.method), None)

    @property
    def seconds(self) -> float | None:
        """The predicted time of the forward pass, None where sizes are not known."""
        return next((each.seconds for each in self.estimates if each.method == self.method), None)


# More samples than these in several axes leave the last cache between the axes.
_LAST_CACHE = 2**22


def fourier_seconds(
    profile: Profile, rows: int, lengths: Sequence[int], dtype: str, at_once: int | None = None
) -> float:
    """Predict the time of transforming ``rows`` arrays of these lengths, once, so many samples ``at_once`` or all."""
    points = rows * math.prod(lengths)
    stages = sum(transform_cost(length) / length for length in lengths)
    width = dtypes.item_size(dtype) / 4
    slower = 1.0
    if len(lengths) == 1:
        slower = few_rows(profile, dtype).rows(rows) / rows * outgrown(lengths[0], rows == 1)
    elif (points if at_once is None else at_once) * width > _LAST_CACHE:
        slower = profile.out_of_cache
    return profile.fft * points * stages * width * slower


def few_rows(profile: Profile, dtype: str) -> FewRows:
    """Return what few one-dimensional transforms cost, of real or of complex numbers."""
    single = profile.single_complex_row if dtypes.parse(dtype).kind == "complex" else profile.single_row
    return FewRows(max(1.0, single), profile.rows_at_once)
