"""The method "matrix": blocks of outputs as products with a banded (Toeplitz) matrix.

Two ways. Along a single axis, wherever it lies, blocks of the signal are cut out and multiplied. Or the last axis is
cut into blocks side by side, whose samples become channels, and the library convolves on channels: then no block is
copied, and the axes before may have taps of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate
from konvolve.planning.operands import ZERO
from konvolve.planning.profile import Profile
from konvolve.planning.signal import candidate
from konvolve.planning.signal.candidate import Bits, SignalWay, Windows
from konvolve.planning.signal.problem import Problem
from konvolve.planning.way import Candidate
from konvolve.planning.words import shape_text

# Samples per block that become channels. 16 are best on every library: with 8 or 32 pictures take up to 1.7 times as
# long on TensorFlow and PyTorch, and with 32 ten times on JAX.
_CHANNELS = 16

# A multiply-add where the library's convolution of many channels is a plain loop.
_SLOW = 4e-10

# Larger arrays may be more than a library's convolution can count, and are more than shall be copied.
_MOST = 2**29

# Outputs per block that is cut out: fewer leave the matrices too small to be multiplied at full speed.
_BLOCKS = (32, 64, 128, 256)
_COLUMNS = 16

# Outputs per block that is multiplied where it lies. With 32 signals, pictures and volumes take 0.7 to 2.6 times as
# long for 3 to 241 taps, mostly more; with 64 up to 4 times (NumPy, two cores of an Intel Xeon).
_IN_PLACE = 16

# How often a sample is moved where blocks are multiplied where they lie: the result is new memory.
_READ_AND_WRITTEN = 1.5

# Samples of a block from which on so few blocks are multiplied on one core together that each takes longer.
_LONG = 512

# Samples of a task where blocks are multiplied where they lie (backends/numpy/products.py), and tasks at once.
_TASK, _TASKS = 2**17, 2

# Operations per call: as channels, and cut out.
_CALLS_CHANNELS, _CALLS_CUT_OUT = 12, 15


@dataclass(frozen=True, kw_only=True)
class Matrix(SignalWay):
    """Products with a banded matrix of ``block`` outputs, along the convolved axis at ``place``.

    A block draws on ``neighbours`` blocks of samples, which are convolved as channels, or is cut out where that is 0.
    ``taps`` are the kernel's samples along that axis.
    """

    name: ClassVar[str] = "matrix"
    spreads: ClassVar[bool] = True

    block: int
    place: int
    taps: int
    neighbours: int = 0

    @classmethod
    def propose(cls, problem: Problem, profile: Profile, windows: Windows, bits: Bits) -> Candidate | None:
        """Multiply blocks with a banded matrix: in floating point and with one kernel for all rows, otherwise None."""
        kind = dtypes.parse(problem.compute).kind
        one_kernel = all(problem.shape2[axis] == 1 for axis in problem.batch)
        if kind not in ("float", "complex") or not one_kernel or not problem.known:
            return None
        every = [_in_channels(problem, profile, windows), _cut_out(problem, profile, windows)]
        possible = [each for each in every if each is not None and each.estimate is not None]
        return min(possible, key=lambda each: each.estimate.seconds, default=None)  # type: ignore[union-attr]

    @classmethod
    def refusal(cls, problem: Problem) -> str:
        """Return what ``SignalWay.refusal`` says."""
        return (
            "method='matrix' is for floating-point numbers, sizes that are known and one kernel for all rows, and "
            "along several axes for real numbers and libraries that convolve channels, not for "
            f"{shape_text(problem.shape1)} {problem.dtype1} with {shape_text(problem.shape2)} {problem.dtype2} along "
            f"axes {problem.axes}"
        )

    @property
    def preparation(self) -> tuple | None:
        """The matrix."""
        return (self.name, self.block, self.neighbours)

    @classmethod
    def around(cls, problem: Problem, profile: Profile) -> int:
        """Return what ``SignalWay.around`` says: of several axes, what was extended along the first."""
        if len(problem.axes) < 2 or not profile.banded:
            return 0
        return candidate.samples(problem) * candidate.item_size(problem.compute, profile.has_float64)

    @property
    def words(self) -> str:
        """The blocks, and how they are taken."""
        return f"blocks of {self.block} outputs by a banded matrix, {'as channels' if self.neighbours else 'cut out'}"


def _in_channels(problem: Problem, profile: Profile, windows: Any) -> Candidate | None:
    """Convolve blocks of the last axis as channels.

    A block of B outputs draws on ``1 + ceil((K - 1) / B)`` blocks of samples, each product with all B^2 entries of a
    matrix: so many multiply-adds per output and per tap along the other axes.
    """
    rank, block = len(problem.axes), _CHANNELS
    rates = {"float32": profile.banded, "float64": profile.banded_double}.get(problem.compute, {})
    *others, last = (problem.shape2[axis] or 1 for axis in problem.axes)
    if not profile.banded or dtypes.is_complex(problem.compute) or rank > 3 or last == 1:
        return None
    *rest, kept = (window.size for window in windows)
    item = dtypes.item_size(problem.compute)
    neighbours, count = 1 - (1 - last) // block, -(-kept // block)
    outputs = problem.rows[2] * math.prod(rest) * count * block
    sums = outputs * neighbours * block * math.prod(others)
    if outputs > _MOST:
        return None
    made = neighbours * block**2 * math.prod(others)
    # The matrix is made, the signal is padded and the result cropped.
    copied = (0 if problem.prepared else 4 * made) + 1.5 * outputs
    calls = _CALLS_CHANNELS * profile.call + profile.start
    seconds = sums * rates.get(rank, _SLOW) + copied * profile.move * item / 4 + calls
    signal = problem.rows[2] * (count + neighbours - 1) * block
    signal *= math.prod([kept + taps - 1 for kept, taps in zip(rest, others, strict=True)])
    # A compiler that takes other transposes along copies the signal once more for the library's convolution.
    laid_out = profile.fused and problem.axes[-1] != len(problem.shape1) - 1
    copies = 1.0 + laid_out + profile.multiples.single_row_channels * (rank == problem.rows[2] == 1)
    # What is more than was asked for is cut out of the blocks' results.
    samples = signal * copies + (1.0 if kept == count * block else profile.multiples.cropped) * outputs + 2 * made
    if profile.multiples.unfolded and problem.compute == "float64":
        samples += min(made * outputs // block**2, max(profile.multiples.unfolded, made // block))
    size = int(samples * candidate.item_size(problem.compute, profile.has_float64))
    way = Matrix(block=block, place=rank - 1, taps=last, neighbours=neighbours)
    return Candidate(way, Estimate(way.name, seconds, size))


def _cut_out(problem: Problem, profile: Profile, windows: Any) -> Candidate | None:
    """Multiply blocks along one axis, which are cut out where the library cannot multiply them where they lie.

    A block of B outputs needs ``B + K - 1`` samples: that many multiply-adds per output, and where it is cut out the
    signal is copied ``(B + K - 1) / B`` times.
    """
    long = [place for place, axis in enumerate(problem.axes) if problem.shape2[axis] != 1]
    if len(long) != 1:
        return None
    taps, kept = problem.shape2[problem.axes[long[0]]] or 1, windows[long[0]].size
    outputs = problem.rows[2] * math.prod([window.size for window in windows])
    columns = math.prod([window.size for window in windows[long[0] + 1 :]])
    if profile.blocks_in_place:
        seconds, block = _in_place_seconds(problem, profile, taps, outputs, columns), _IN_PLACE
    else:
        seconds, block = _cut_out_seconds(problem, profile, taps, kept, outputs, columns)
    products = outputs / kept * -(-kept // block) * block  # blocks are counted whole
    signal, frames = products * (kept + taps - 1) / kept, products * (block + taps - 1) / block
    if profile.blocks_in_place:
        # The result; the matrix twice; what reaches beyond the ends, padded, and few columns as rows, task by task.
        tasks = _TASKS * max(_TASK, kept * columns if 1 < columns < _COLUMNS else 0)
        samples = outputs + 2 * block * (block + taps - 1) + min(signal + products, 2 * tasks)
    else:
        of_signal, of_frames, of_views, of_products = profile.multiples.matrix
        view = columns > 1 and outputs == kept * columns
        samples = of_signal * signal + (of_views if view else of_frames) * frames + of_products * products
    size = int(samples * candidate.item_size(problem.compute, profile.has_float64))
    way = Matrix(block=block, place=long[0], taps=taps)
    return Candidate(way, Estimate(way.name, seconds, size))


def _in_place_seconds(problem: Problem, profile: Profile, taps: int, outputs: int, columns: int) -> float:
    """Predict products of blocks where they lie."""
    width = dtypes.item_size(problem.compute) / 4
    parts = 2 if dtypes.is_complex(problem.compute) else 1
    turned = 2 if 1 < columns < _COLUMNS else 0  # a few columns are brought before the axis, and back
    needed = _IN_PLACE + taps - 1
    product = profile.product * max(1.0, needed / _LONG)
    each = needed * product * parts + (_READ_AND_WRITTEN + turned) * profile.move
    made = 2 * _IN_PLACE * needed * profile.move  # the matrix
    return (outputs * each + made) * width + _CALLS_CUT_OUT * profile.call


def _cut_out_seconds(
    problem: Problem, profile: Profile, taps: int, kept: int, outputs: int, columns: int
) -> tuple[float, int]:
    """Predict products of blocks that are cut out, and say how many outputs a block has."""
    width = dtypes.item_size(problem.compute) / 4
    parts = 2 if dtypes.is_complex(problem.compute) else 1
    # A few columns, such as the channels of a picture, are not multiplied at full speed.
    product = profile.product * (max(1.0, _COLUMNS / columns) if columns > 1 else 1.0)
    best = (math.inf, 0)
    # A block of as many outputs as taps shares samples with one neighbour alone; otherwise cutting blocks is slow.
    for block in [b for b in _BLOCKS if b >= taps] or _BLOCKS[-1:]:
        cut = (1 if block >= taps else 4) * profile.move * width
        needed, computed = block + taps - 1, outputs * (-(-kept // block) * block) / kept  # blocks are counted whole
        each = needed * product * width * parts + (1 + needed / block) * cut
        made = 2 * block * needed * profile.move * width  # the matrix
        best = min(best, (computed * each + made + _CALLS_CUT_OUT * profile.call, block))
    return best


def single_taps_behind(problem: Problem) -> Problem:
    """Return a problem of one axis as one of all the axes from it on, the kernel having a single tap on the others."""
    (axis,) = problem.axes
    behind = tuple(range(axis + 1, len(problem.shape1)))
    lags = tuple((0, (problem.shape1[other] or 1) - 1) for other in behind) if problem.lags else ()
    edges = (ZERO,) * len(behind) if problem.edges else ()
    return replace(problem, axes=(axis, *behind), edges=problem.edges + edges, lags=problem.lags + lags)
