"""How much memory a method holds at its peak beside the inputs, the result included, from multiples per library.

All are in samples of the dtype that is worked in. The sums follow what is alive at the widest point of each method;
the multiples (`cost.Held`) were measured with `python -m benchmarks --memory`, each in fresh processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.blocks import Blocks
from konvolve.planning.cost import Held
from konvolve.planning.geometry import Window
from konvolve.planning.signal import integers
from konvolve.planning.signal.problem import Problem


class Rows(NamedTuple):
    """The rows of in1, of in2 and of the result, digits counted."""

    in1: int
    in2: int
    out: int


def item_size(name: str, has_float64: bool) -> int:
    """Return the bytes of a sample; a library without 64-bit types works in half of them."""
    size = dtypes.item_size(name)
    wide = name in ("float64", "complex128", "int64", "uint64")
    return size // 2 if wide and not has_float64 else size


def sizes(problem: Problem) -> tuple[list[int], list[int]]:
    """Return the sizes of both operands along the convolved axes; all are known."""
    one, two = ([shape[axis] or 0 for axis in problem.axes] for shape in (problem.shape1, problem.shape2))
    return one, two


def padded_by_taps(windows: Sequence[Window], sizes: Sequence[tuple[int, int]]) -> int:
    """Return the samples of the longer operand with zeros around it; none where no sample outside is needed."""
    taps, held = [min(pair) for pair in sizes], [max(pair) for pair in sizes]
    if all(kept.start >= k - 1 and kept.start + kept.size <= n for kept, k, n in zip(windows, taps, held, strict=True)):
        return 0
    return math.prod([kept.size + k - 1 for kept, k in zip(windows, taps, strict=True)])


def padded_to_blocks(
    tiles: Sequence[Blocks], windows: Sequence[Window], pairs: Sequence[tuple[int, int]], counts: Sequence[int]
) -> int:
    """Return the samples of a signal with zeros around it along the axes that are cut after the first one, if any.

    ``pairs`` are the samples and the taps of each axis.
    """
    first = next(place for place, tile in enumerate(tiles) if tile.step)
    extents, outside = [], False
    for place, (tile, kept, (n, taps)) in enumerate(zip(tiles, windows, pairs, strict=True)):
        cut = tile.step > 0 and place != first
        extents.append(counts[place] * tile.step + taps - 1 if cut else n)
        begin = kept.start - (taps - 1)
        outside = outside or (cut and (begin < 0 or begin + extents[-1] > n))
    return math.prod(extents) if outside else 0


def samples(problem: Problem) -> int:
    """Return the samples of all rows of in1."""
    return math.prod(problem.shape1[axis] or 1 for axis in problem.batch) * math.prod(sizes(problem)[0])


def in_digits(problem: Problem, digits: integers.Digits | None, outputs: int, method: float) -> float:
    """Return what a method takes, given a signal in digits, whose results are joined to integers at the end."""
    if digits is None:
        return method
    signal = samples(problem) * digits.count1
    # Split into digits, which are then stacked; and at the end the sum, a place as an integer and what they add up to.
    joined = signal + outputs * (len(digits.shifts) + 3)
    return max(signal * (1 if digits.count1 == 1 else 2) + samples(problem), signal + method, joined)


def fft(held: Held, rows: Rows, points: int, rank: int, complex_: bool) -> float:
    """Return the kernel's spectrum, and what the transforms of the signal and back leave alive."""
    if rank == 1 and rows.out == 1:
        return points * (rows.in2 + held.alone[complex_])
    batched = held.batched if rank > 1 and rows.out > 1 else 0.0
    return points * (rows.in2 + (held.fft[min(rank, 3) - 1] + batched) * rows.out)


def digits_fft(held: Held, digits: integers.Digits, rows: tuple[int, int, int], points: int, rank: int) -> float:
    """Return the kernel's spectra and the places their products are added up in, twice, and the most there is beside.

    That is the signal's spectra and a term, or what one-dimensional transforms back take for themselves.
    """
    places, kernels = len(digits.shifts), rows[1] * digits.count2
    several = any(len(pairs) > 1 for pairs in digits.shifts)
    forward = rows[0] * digits.count1 + rows[2] * several
    backward = 2 * min(places, 2) if rank == 1 else 0
    return held.digits * points * (kernels + 2 * rows[2] * places + max(forward, backward))


def overlap(held: Held, outputs: int, working: int, padded: int, rank: int, one_band: bool) -> float:
    """Return the result, what one band takes, and the padded signal where more than one axis is cut."""
    if one_band:
        return outputs + held.one_band * working + padded
    return held.joined * outputs + held.blocks[min(rank, 2) - 1] * working + padded


def direct(held: Held, rows: int, outputs: int, padded: int, rank: int, loop: bool) -> float:
    """Return the padded signal, and the result as often as a loop over taps or the library's convolution holds it."""
    if loop:
        return padded + held.loop * outputs
    multiple = held.direct[min(rank, 3) - 1]
    if rank == 1:  # what a row takes for itself
        multiple += (held.lone - multiple) / rows
    return max(padded + multiple * outputs, held.returned * outputs)


def unfolded(held: Held, outputs: int, padded: int, taps: int, complex_: bool) -> float:
    """Return what a convolution takes that lays out all the samples of each sum: the most of them there are at once."""
    return padded + (3.5 if complex_ else 1.5) * outputs + min(taps * outputs, max(held.unfolded, taps))


def matrix(held: Held, signal: float, frames: float, outputs: float, view: bool) -> float:
    """Return the padded signal, the blocks cut out of it, which may be a view, and their products."""
    padded, cut, viewed, product = held.matrix
    return padded * signal + (viewed if view else cut) * frames + product * outputs


def in_channels(held: Held, signal: float, outputs: float, whole: bool, laid_out: bool, lone: bool) -> float:
    """Return the padded signal, the blocks' results, and what is cut out of them where that is a copy.

    A compiler that takes other transposes along copies one for the library's convolution.
    """
    copies = 1.0 + laid_out + held.lone_channels * lone
    return signal * copies + (1.0 if whole else held.cropped) * outputs


def looked_at(problem: Problem) -> int:
    """Return the bytes of finding out whether a kernel is a product: it, the product and what is left, in float64."""
    return 3 * max(8, dtypes.item_size(problem.compute)) * math.prod(sizes(problem)[1])


def factors(problem: Problem) -> int:
    """Return the bytes of a kernel's factors, as they were found and as they are used."""
    return 2 * max(8, dtypes.item_size(problem.compute)) * sum(sizes(problem)[1])
