"""Partitioned overlap-save: one block of signal after the other, with what the kernel still reaches of earlier ones.

The spectrum of (the block before, the block) times that of a partition of the kernel, transformed back, has in its
second half what this block adds to the output, as many samples later as the partition lies from the kernel's start. So
the spectra of past blocks are kept, the newest first, and partition p is multiplied by the spectrum of p blocks ago.
``planning/stream.py`` has the levels of partitions and the order of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning.stream import Level, StreamPlan


class Past(NamedTuple):
    """What is kept of one level.

    ``heard`` are the pieces of signal that are not a whole block of this level yet, ``before`` is the whole block
    before them (level 0) or the two before (the others). ``spectra`` are those of whole blocks, the newest first: one
    array in level 0, in the others, whose spectra are large, one each, so that a new one moves none. ``sums`` are the
    products added up so far, ``ready`` what the level adds to the outputs of its present block; None for nothing yet.
    """

    heard: tuple[Array, ...]
    before: Array
    spectra: Any
    sums: Array | None = None
    ready: Array | None = None


class Kernels(NamedTuple):
    """How the signals and the kernel go together, and the spectra of the partitions of each level.

    ``matrix``: whether the kernel has a row for each signal that comes in and one for each that goes out.
    """

    matrix: bool
    spectra: tuple[Array, ...]


def prepare(xp: Backend, plan: StreamPlan, kernel: Array, matrix: bool) -> Kernels:
    """Return the spectra of a kernel's partitions, (partitions, *rows, bins) of each level."""
    found = []
    for place, level in enumerate(plan.levels):
        if not level.parts:
            found.append(kernel)
            continue
        start, rows = plan.start(place) - plan.latency, xp.sizes(kernel)[:-1]
        taps = xp.window(kernel, [start], [level.parts * level.size])
        parts = xp.reshape(taps, [*rows, level.parts, level.size])
        order = (len(rows), *range(len(rows)), len(rows) + 1)
        found.append(_forward(xp, xp.transpose(parts, order) if rows else parts, level.size))
    return Kernels(matrix, tuple(found))


def silence(xp: Backend, plan: StreamPlan, rows: Sequence[Size], dtype: str, like: Array) -> tuple[Past, ...]:
    """Return the state before the first sample, for signals of these rows."""
    pasts = []
    for place, level in enumerate(plan.levels):
        before = xp.zeros([*rows, level.size * (2 if place else 1)], dtype, like)
        nothing = _forward(xp, xp.zeros([*rows, 1], dtype, like), level.size)
        sizes = xp.sizes(nothing)
        spectra = (nothing,) * level.parts if place else xp.zeros([level.parts, *sizes], xp.dtype(nothing), like)
        pasts.append(Past((), before, spectra))
    return tuple(pasts)


def whole(xp: Backend, plan: StreamPlan, kernels: Kernels, past: Past, x: Array) -> tuple[Array | None, Past]:
    """Return what level 0 adds to the output of a whole block, None for nothing, and its state after it."""
    level, spectra = plan.levels[0], _pushed(xp, plan.levels[0], past, x)
    sums = _products(xp, kernels, level.silent, level.parts, spectra)
    return _inverse(xp, sums, level.size, xp.dtype(x)), Past((), x, spectra)


def part(
    xp: Backend, plan: StreamPlan, kernels: Kernels, past: Past, x: Array, start: int
) -> tuple[Array | None, Past]:
    """Return what level 0 adds to the output of a part of a block from a sample on, and its state after it.

    What earlier blocks add is worked out at the first part and kept; the present block is transformed each time.
    """
    level, dtype, n = plan.levels[0], xp.dtype(x), xp.sizes(x)[-1]
    ready = past.ready
    if start == 0:
        sums = _products(xp, kernels, max(level.silent, 1), level.parts, past.spectra, back=1)
        ready = _inverse(xp, sums, level.size, dtype)
    y = None if ready is None else xp.window(ready, [start], [n])
    heard = (*past.heard, x)
    block = xp.concatenate(heard, -1) if len(heard) > 1 else x
    if level.parts and not level.silent:
        filled = xp.concatenate([past.before, xp.window(block, [0], [level.size])], -1)
        newest = _forward(xp, filled, level.size)
        own = _products(xp, kernels, 0, 1, newest[None])
        now = xp.window(_inverse(xp, own, level.size, dtype), [start], [n])
        y = now if y is None else y + now
    if start + n < level.size:
        return y, past._replace(heard=heard, ready=ready)
    return y, Past((), block, _pushed(xp, level, past, block))


def work(xp: Backend, plan: StreamPlan, kernels: Kernels, place: int, past: Past, x: Array, slot: int) -> Past:
    """Take a block into a level behind the first, and do that part of the level's work which is due in a slot."""
    level = plan.levels[place]
    transform, (low, high), back = plan.due(place, slot)
    heard, spectra, sums = (*past.heard, x), past.spectra, past.sums
    if transform:
        spectra, sums = (_forward(xp, past.before, level.size), *spectra[: level.parts - 1]), None
    for partition in range(low, high):
        more = _product(xp, kernels, kernels.spectra[place][partition], spectra[partition])
        sums = more if sums is None else sums + more
    if back and sums is not None:
        # A copy: an inverse may use what it is given as scratch, and states are kept by callers.
        sums = _inverse(xp, xp.concatenate([sums], -1), level.size, xp.dtype(x))
    if slot < plan.slots(place) - 1:
        return Past(heard, past.before, spectra, sums, past.ready)
    last = xp.window(past.before, [level.size], [level.size])
    return Past((), xp.concatenate([last, *heard], -1), spectra, None, sums)


def _products(xp: Backend, kernels: Kernels, low: int, high: int, spectra: Array, back: int = 0) -> Array | None:
    """Add up the products of the partitions of level 0 from ``low`` to ``high`` with the spectra so many blocks ago.

    ``back``: by how many blocks the newest spectrum lies behind the present one. None where there are no partitions.
    """
    if high <= low:
        return None
    taps, signals = kernels.spectra[0][low:high], spectra[low - back : high - back]
    if high - low == 1:
        return _product(xp, kernels, taps[0], signals[0])
    if kernels.matrix:  # (partitions, *batch, in, 1, bins) with (partitions, 1s, in, out, bins)
        signals = signals[..., None, :]
    missing = len(xp.shape(signals)) - len(xp.shape(taps))
    if missing:
        sizes = xp.sizes(taps)
        taps = xp.reshape(taps, [sizes[0], *[1] * missing, *sizes[1:]])
    if kernels.matrix:
        return xp.total(taps * signals, (0, -3))[0, ..., 0, :, :]
    return xp.total(taps * signals, (0,))[0]


def _product(xp: Backend, kernels: Kernels, taps: Array, signal: Array) -> Array:
    """Multiply the spectrum of one partition with that of a block; a matrix of them is added up over the inputs."""
    if kernels.matrix:
        return xp.total(taps * signal[..., None, :], (-3,))[..., 0, :, :]
    return taps * signal


def _inverse(xp: Backend, sums: Array | None, size: int, dtype: str) -> Array | None:
    """Transform sums of products back, and keep the half that nothing wraps into."""
    if sums is None:
        return None
    back = xp.ifftn if dtype.startswith("complex") else xp.irfftn
    return back(sums, [2 * size], [(size, size)])


def _forward(xp: Backend, x: Array, size: int) -> Array:
    return (xp.fftn if xp.dtype(x).startswith("complex") else xp.rfftn)(x, [2 * size])


def _pushed(xp: Backend, level: Level, past: Past, block: Array) -> Array:
    """Return the spectra of level 0 with that of a block before them, and without the oldest."""
    if not level.parts:
        return past.spectra
    newest = _forward(xp, xp.concatenate([past.before, block], -1), level.size)
    return xp.concatenate([newest[None], past.spectra[: level.parts - 1]], 0)
