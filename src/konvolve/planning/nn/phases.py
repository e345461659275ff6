"""Strides and dilations turned into channels and batches, so that what is transformed has neither.

A stride s makes one channel of each of the s phases of the inputs and of the kernel (the polyphase decomposition:
Crochiere and Rabiner, "Multirate Digital Signal Processing", section 3.3): with ``x_r[m] = x[m s + r - e]`` and
``k_r[m] = k[m s + r]``,

    y[p] = sum over m and r of x_r[p - q + m] k_r[m],    before = q s + e, 0 <= e < s,

a convolution without stride, 1/s as long, over s times the channels. It costs what folding the spectrum costs, and
asks nothing of a transform. For the transposed convolution the phases are those of the kernel and the outputs. A
dilation d without a stride leaves the d phases of the inputs apart from each other: they join the batch, and the
kernel is transformed at 1/d of the length. A dilation with a stride spreads the kernel first.

What is left is the full convolution of ``size`` samples with ``taps``, of which a window is kept. Sizes may be scalar
tensors of a library, as in ``planning.geometry``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from konvolve.planning.geometry import Size, Window
from konvolve.planning.nn.problem import Axis


class Phases(NamedTuple):
    """What one axis is split into: ``number`` phases, that join the inputs' or the outputs' channels or the batch.

    Before, the kernel is spread by ``spread``; each of its phases has ``taps`` taps.
    """

    kind: Literal["none", "inputs", "outputs", "batch"]
    number: int
    taps: int
    spread: int


class Place(NamedTuple):
    """Where things lie along one axis.

    The inputs are cut from sample ``-before`` on into ``size`` samples per phase; of the full convolution of a phase
    ``window`` is kept; of the phases put together ``output`` samples from ``crop`` on.
    """

    before: Size
    size: Size
    window: Window
    crop: Size
    output: Size


def phases(axis: Axis, transposed: bool) -> Phases:
    """Return how an axis is split.

    >>> phases(Axis(7, 2, 1, "same"), False)
    Phases(kind='inputs', number=2, taps=4, spread=1)
    """
    if axis.stride > 1:
        taps = -(-axis.span // axis.stride)
        return Phases("outputs" if transposed else "inputs", axis.stride, taps, axis.dilation)
    if axis.dilation > 1 and axis.taps > 1:
        return Phases("batch", axis.dilation, axis.taps, 1)
    return Phases("none", 1, axis.taps, 1)


def extended(axis: Axis, n: Size, maximum: Callable = max) -> tuple[Size, Size]:
    """Return the padding before and the samples altogether that an axis with samples beyond its edges needs."""
    before, output = axis.convolved(n, maximum)
    return before, (output - 1) * axis.stride + axis.span


def place(axis: Axis, split: Phases, transposed: bool, n: Size, maximum: Callable = max) -> Place:
    """Return where things lie along an axis of n samples, extended already where its edge is not zero.

    >>> place(Axis(7, 2, 1, "same"), phases(Axis(7, 2, 1, "same"), False), False, 10)
    Place(before=0, size=5, window=Window(start=2, size=5), crop=0, output=5)
    """
    if transposed:
        crop, output = axis.transposed(n)
        if split.kind == "none":
            return Place(0, n, Window(crop, output), 0, output)
        first = crop // split.number
        kept = Window(first, -(-(crop + output) // split.number) - first)
        size = n if split.kind == "outputs" else -(-n // split.number)
        return Place(0, size, kept, crop - first * split.number, output)
    if axis.edge == "zero":
        before, output = axis.convolved(n, maximum)
    else:
        before, output = 0, (n - axis.span) // axis.stride + 1
    whole, rest = before // split.number, before % split.number
    kept = -(-output // split.number) if split.kind == "batch" else output
    size = (n + rest + split.number - 1) // split.number
    return Place(rest, size, Window(split.taps - 1 - whole, kept), 0, output)
