"""A region of an array, put together out of chunks and of the borders of chunks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from konvolve.backends.interface import Array, Backend
from konvolve.planning.chunked.pieces import Piece

Pieces = tuple[tuple[Piece, ...], ...]
Box = tuple[tuple[int, int], ...]
"""The samples of a chunk from the first to behind the last, along each axis."""


@dataclass(frozen=True)
class Region:
    """Where the samples of a block lie, along each axis.

    Beyond the edges the axes are extended in ascending order, as ``convolve`` does: in a corner the constant of the
    last axis counts.
    """

    pieces: Pieces

    @property
    def silent(self) -> bool:
        """Whether all of it is zero, being beyond the edges."""
        for pieces in reversed(self.pieces):
            if any(piece.chunk is None and piece.value for piece in pieces):
                return False
            if all(piece.chunk is None for piece in pieces):
                return True
        return False

    def sources(self) -> Iterator[tuple[tuple[int, ...], Box]]:
        """Yield each chunk that is needed, and its samples, in the order in which ``assemble`` takes them."""
        for each in itertools.product(*self.pieces):
            if all(piece.chunk is not None for piece in each):
                yield tuple(piece.chunk for piece in each), tuple(piece.range for piece in each)  # type: ignore[misc]


@dataclass(frozen=True)
class Borders:
    """The outer samples of a chunk: slabs along its axes, each with where it begins in the chunk."""

    slabs: tuple[tuple[int, int, Any], ...]

    def cut(self, box: Box) -> Any:
        """Return the samples of a box, which one of the slabs holds."""
        for axis, start, slab in self.slabs:
            first, last = box[axis]
            if start <= first and last <= start + slab.shape[axis]:
                inside = [slice(*each) for each in box]
                inside[axis] = slice(first - start, last - start)
                return slab[tuple(inside)]
        raise IndexError(f"no border of the chunk holds {box}")


def borders(chunk: Any, thickness: Sequence[tuple[int, int]]) -> Borders:
    """Return so many samples of a chunk from the beginning and from the end of each axis, copied."""
    slabs = []
    for axis, (low, high) in enumerate(thickness):
        n = chunk.shape[axis]
        for start, count in ((0, low), (n - high, high)):
            if count:
                cut = [slice(None)] * len(thickness)
                cut[axis] = slice(start, start + count)
                slab = chunk[tuple(cut)]
                slabs.append((axis, start, slab.copy() if hasattr(slab, "copy") else slab + 0))
    return Borders(tuple(slabs))


def cut(source: Any, box: Box) -> Any:
    """Return the samples of a box of a chunk, or of its borders."""
    return source.cut(box) if isinstance(source, Borders) else source[tuple(slice(*each) for each in box)]


def assemble(xp: Backend, region: Region, sources: Sequence[Array], dtype: str, like: Array) -> Array:
    """Return the samples of a region, in this dtype; ``sources`` are the samples of its chunks, box by box."""
    found = dict(zip((index for index, _ in _places(region.pieces)), sources, strict=True))
    sizes = [sum(piece.size for piece in pieces) for pieces in region.pieces]

    def joined(axis: int, places: tuple[int, ...]) -> Array:
        """Return the samples along the first axes, at these pieces of the axes behind them."""
        if axis < 0:
            return found[places]
        parts = []
        for place, piece in enumerate(region.pieces[axis]):
            if piece.chunk is None:
                behind = [_own(region.pieces[axis + 1 + i][at]) for i, at in enumerate(places)]
                parts.append(_constant(xp, (*sizes[:axis], piece.size, *behind), piece.value, dtype, like))
            else:
                parts.append(_turned(xp, joined(axis - 1, (place, *places)), axis, piece))
        return parts[0] if len(parts) == 1 else xp.concatenate(parts, axis)

    return joined(len(sizes) - 1, ())


def _places(pieces: Pieces) -> Iterator[tuple[tuple[int, ...], tuple[Piece, ...]]]:
    """Yield the places of the pieces that are of chunks, in the order of ``Region.sources``."""
    for place in itertools.product(*(range(len(each)) for each in pieces)):
        chosen = tuple(each[at] for each, at in zip(pieces, place, strict=True))
        if all(piece.chunk is not None for piece in chosen):
            yield place, chosen


def _own(piece: Piece) -> int:
    """Return how many samples a piece has before one is repeated."""
    return 1 if piece.step == 0 else piece.size


def _turned(xp: Backend, x: Array, axis: int, piece: Piece) -> Array:
    """Return a mirror of the samples along an axis, or the one of them again and again, as the piece says."""
    if piece.step < 0 and piece.size > 1:
        return xp.flip(x, (axis,))
    if piece.step == 0:
        shape = list(xp.sizes(x))
        shape[axis] = piece.size
        return xp.broadcast_to(x, shape)
    return x


def _constant(xp: Backend, shape: Sequence[int], value: complex, dtype: str, like: Array) -> Array:
    """Return an array that is the same everywhere; nothing is stored of it where the library can do without."""
    number = value.real if isinstance(value, complex) and not value.imag else value
    one = xp.scalar(number, dtype, like) if math.prod(shape) else xp.zeros((), dtype, like)
    return xp.broadcast_to(one, shape)
