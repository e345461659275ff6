"""Which chunks each block of a result needs: its own whole, of its neighbours the borders, where these are small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from konvolve.planning.chunked.pieces import Piece

# Borders of more than this part of a chunk are not worth a task and a copy of their own: the chunk is handed on whole.
_MOST_BORDER = 0.5


class Blocks(NamedTuple):
    """Along one axis: the pieces of each block, the chunk that is its own, and for each chunk the borders of others.

    ``borders`` are how many samples from its beginning and from its end the blocks of other chunks need.
    """

    pieces: tuple[tuple[Piece, ...], ...]
    own: tuple[int, ...]
    borders: tuple[tuple[int, int], ...]


def blocks(regions: Sequence[tuple[Piece, ...]], sizes: Sequence[int]) -> Blocks:
    """Return what the blocks of one axis need, from the pieces of each and the sizes of the chunks."""
    own = tuple(_own(pieces) for pieces in regions)
    low, high = [0] * len(sizes), [0] * len(sizes)
    for mine, pieces in zip(own, regions, strict=True):
        for piece in pieces:
            if piece.chunk is None or piece.chunk == mine:
                continue
            first, last = piece.range
            n = sizes[piece.chunk]
            if last <= n - first:
                low[piece.chunk] = max(low[piece.chunk], last)
            else:
                high[piece.chunk] = max(high[piece.chunk], n - first)
    return Blocks(tuple(regions), own, tuple(zip(low, high, strict=True)))


def _own(pieces: Sequence[Piece]) -> int:
    """Return the chunk that most of a block lies on; 0 where it lies on none."""
    counts: dict[int, int] = {}
    for piece in pieces:
        if piece.chunk is not None:
            counts[piece.chunk] = counts.get(piece.chunk, 0) + piece.size
    return max(counts, key=counts.__getitem__) if counts else 0


def border_of(
    along: Sequence[Blocks], sizes: Sequence[int], chunk: Sequence[int]
) -> tuple[tuple[int, int], ...] | None:
    """Return the borders of a chunk that others need; None where they are so large that it is handed on whole."""
    found = tuple(each.borders[place] for each, place in zip(along, chunk, strict=True))
    volume = math.prod(sizes)
    share = sum(volume // n * (low + high) for n, (low, high) in zip(sizes, found, strict=True) if n)
    return found if share <= _MOST_BORDER * volume else None
