"""A method's settings for one problem: what every method's record has, and what planning and running ask of it.

Each method is one record, in ``planning/<family>/<method>.py``, and two functions, ``prepare`` and ``run``, in
``methods/<family>/<method>.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from konvolve.planning.cost import Estimate


@dataclass(frozen=True, kw_only=True)
class Way:
    """How one method goes about one problem. A record adds its own settings; its methods may be left as they are.

    ``name`` is the method's; ``spreads`` says whether a sample that is not finite spoils others than the products it
    enters. ``lengths`` are those of its transforms, one for each axis that is transformed, None for a length known only
    at run time; a method without transforms has none.
    """

    name: ClassVar[str] = ""
    spreads: ClassVar[bool] = False

    lengths: tuple[int | None, ...] = ()

    @property
    def words(self) -> str:
        """What the method would do, in a few words."""
        return ""

    @property
    def preparation(self) -> tuple | None:
        """All of the settings that a prepared kernel depends on; None where none can be prepared."""
        return None

    def lines(self, axes: tuple[int, ...]) -> list[str]:
        """Return what a printed plan tells of these settings, in lines."""
        return []


class Candidate(NamedTuple):
    """What a method would do, and what that is predicted to cost: None where sizes are not known.

    ``adjoint`` is what another method would do for the gradient by the kernel, where this one's own would be slow.
    """

    way: Any
    estimate: Estimate | None
    adjoint: Candidate | None = None
