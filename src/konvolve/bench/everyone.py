"""Everyone who takes part in the short race."""

from __future__ import annotations

from collections.abc import Sequence

from konvolve.bench.contestants import RACE, Contestant


def everyone() -> Sequence[Contestant]:
    """Have all contestants entered, and return them."""
    from konvolve.bench import ours, peers  # noqa: F401

    return tuple(RACE)
