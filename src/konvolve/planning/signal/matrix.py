"""What the method "matrix" would do and cost: blocks of outputs as products with a banded (Toeplitz) matrix.

Two ways. Along a single axis, wherever it lies, blocks of the signal are cut out and multiplied. Or the last axis is
cut into blocks side by side, whose samples become channels, and the library convolves on channels: then no block is
copied, and the axes before may have taps of their own.
"""

from __future__ import annotations

import math

from konvolve.planning import dtypes
from konvolve.planning.cost import Estimate, Traits
from konvolve.planning.signal import footprint
from konvolve.planning.signal.problem import Problem

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


def matrix(problem: Problem, traits: Traits, windows: tuple, bits: tuple) -> tuple[dict, Estimate | None] | None:
    """Multiply blocks with a banded matrix: in floating point and with one kernel for all rows, otherwise None."""
    kind = dtypes.parse(problem.compute).kind
    one_kernel = all(problem.shape2[axis] == 1 for axis in problem.batch)
    if kind not in ("float", "complex") or not one_kernel or not problem.known:
        return None
    ways = [_in_channels(problem, traits, windows), _cut_out(problem, traits, windows)]
    found = [way for way in ways if way is not None]
    return min(found, key=lambda way: way[1].seconds, default=None)


def _in_channels(problem: Problem, traits: Traits, windows: tuple) -> tuple[dict, Estimate] | None:
    """Convolve blocks of the last axis as channels.

    A block of B outputs draws on ``1 + ceil((K - 1) / B)`` blocks of samples, each product with all B^2 entries of a
    matrix: so many multiply-adds per output and per tap along the other axes.
    """
    rank, block = len(problem.axes), _CHANNELS
    rates = {"float32": traits.banded, "float64": traits.banded_double}.get(problem.compute, {})
    *others, last = (problem.shape2[axis] or 1 for axis in problem.axes)
    if not traits.banded or dtypes.is_complex(problem.compute) or rank > 3 or last == 1:
        return None
    *rest, kept = (window.size for window in windows)
    item = dtypes.item_size(problem.compute)
    neighbours, count = 1 - (1 - last) // block, -(-kept // block)
    outputs = problem.rows[2] * math.prod(rest) * count * block
    sums = outputs * neighbours * block * math.prod(others)
    if outputs > _MOST:
        return None
    # The matrix is made, the signal is padded and the result cropped.
    copied = 4 * neighbours * block**2 * math.prod(others) + 1.5 * outputs
    seconds = sums * rates.get(rank, _SLOW) + copied * traits.move * item / 4 + 12 * traits.call + traits.start
    settings = {"block": block, "matrix_axis": rank - 1, "neighbours": neighbours}
    signal = problem.rows[2] * (count + neighbours - 1) * block
    signal *= math.prod([kept + taps - 1 for kept, taps in zip(rest, others, strict=True)])
    whole = kept == count * block  # otherwise the result is cut out of the blocks
    laid_out = traits.fused and problem.axes[-1] != len(problem.shape1) - 1
    held = footprint.in_channels(traits.held, signal, outputs, whole, laid_out, rank == problem.rows[2] == 1)
    made = neighbours * block**2 * math.prod(others)
    held += 2 * made
    if traits.held.unfolded and problem.compute == "float64":
        held += min(made * outputs // block**2, max(traits.held.unfolded, made // block))
    return settings, Estimate("matrix", seconds, int(held * footprint.item_size(problem.compute, traits.has_float64)))


def _cut_out(problem: Problem, traits: Traits, windows: tuple) -> tuple[dict, Estimate] | None:
    """Cut blocks out and multiply them.

    A block of B outputs needs ``B + K - 1`` samples: that many multiply-adds per output, and the signal is copied
    ``(B + K - 1) / B`` times.
    """
    long = [place for place, axis in enumerate(problem.axes) if problem.shape2[axis] != 1]
    if len(long) != 1:
        return None
    taps, kept = problem.shape2[problem.axes[long[0]]] or 1, windows[long[0]].size
    outputs = problem.rows[2] * math.prod([window.size for window in windows])
    width = dtypes.item_size(problem.compute) / 4
    parts = 2 if dtypes.is_complex(problem.compute) else 1
    # A few columns, such as the channels of a picture, are not multiplied at full speed.
    columns = math.prod([window.size for window in windows[long[0] + 1 :]])
    product = traits.product * (max(1.0, _COLUMNS / columns) if columns > 1 else 1.0)
    best = (math.inf, 0)
    # A block of as many outputs as taps shares samples with one neighbour alone; otherwise cutting blocks is slow.
    for block in [b for b in _BLOCKS if b >= taps] or _BLOCKS[-1:]:
        cut = (1 if block >= taps else 4) * traits.move * width
        held, whole = block + taps - 1, outputs * (-(-kept // block) * block) / kept  # blocks are counted whole
        each = held * product * width * parts + (1 + held / block) * cut
        made = 2 * block * held * traits.move * width  # the matrix
        best = min(best, (whole * each + made + 15 * traits.call, block))
    seconds, block = best
    products = outputs / kept * -(-kept // block) * block  # blocks are counted whole
    signal, frames = products * (kept + taps - 1) / kept, products * (block + taps - 1) / block
    multiples = footprint.matrix(traits.held, signal, frames, products, columns > 1 and outputs == kept * columns)
    memory = int(multiples * footprint.item_size(problem.compute, traits.has_float64))
    return {"block": block, "matrix_axis": long[0], "neighbours": 0}, Estimate("matrix", seconds, memory)
