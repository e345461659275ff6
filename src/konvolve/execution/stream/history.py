"""The last samples of a stream, for a kernel that takes over while it runs."""

from __future__ import annotations

from typing import NamedTuple

from konvolve.backends.interface import Array, Backend

_TOGETHER = 64
"""So many pieces are joined to one, so that a call costs the same however far back the samples reach."""


class History(NamedTuple):
    """The last samples along the last axis: pieces joined, those that are not yet, and how many samples there are."""

    joined: tuple[Array, ...] = ()
    pieces: tuple[Array, ...] = ()
    samples: int = 0

    def after(self, xp: Backend, x: Array, reach: int) -> History:
        """Return the history with more samples, of which at least so many are kept."""
        joined, pieces, samples = self.joined, (*self.pieces, x), self.samples + x.shape[-1]
        if len(pieces) == _TOGETHER:
            joined, pieces = (*joined, xp.concatenate(pieces, -1)), ()
            while len(joined) > 1 and samples - joined[0].shape[-1] >= reach:
                samples, joined = samples - joined[0].shape[-1], joined[1:]
        return History(joined, pieces, samples)

    def whole(self, xp: Backend) -> Array:
        """Return all samples that are kept."""
        return xp.concatenate((*self.joined, *self.pieces), -1)
