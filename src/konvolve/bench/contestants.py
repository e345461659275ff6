"""What a contestant is, and those of the short race: `ours.py` has konvolve's own, `peers.py` the others."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from konvolve.bench.workloads import FORWARD

KONVOLVE = "konvolve"
PEER = "ready-made"  # a library's function, called the way its documentation shows
BY_HAND = "by hand"  # transforms put together by the user, or a function set up for the machine


@dataclass(frozen=True)
class Contestant:
    """One way to answer the workloads of a group.

    `make(workload, *arrays)` gets the inputs as arrays of `library` and returns a function without arguments
    that computes the answer and comes back when it is there; None says that the contestant has no answer to
    that workload. `judged` marks konvolve's entries that are compared with the others, `slow` names the workloads
    in which it takes seconds. `reference(workload, *inputs)` is what its answer is compared with where that is not
    the workload's own answer; it returns None where the answer is not checked.
    """

    name: str
    library: str
    make: Callable[..., Callable | None]
    needs: tuple[str, ...] = ()
    role: str = PEER
    note: str = ""
    group: str = FORWARD
    judged: bool = False
    slow: tuple[str, ...] = ()
    reference: Callable | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules it needs that are not installed here."""
        return tuple(module for module in self.needs if importlib.util.find_spec(module) is None)


RACE: list[Contestant] = []
"""Those of the short race, which are entered when their modules are imported: `everyone.py` does."""


def contestant(
    name: str, library: str = "numpy", needs: tuple[str, ...] = (), among: list[Contestant] = RACE, **more: Any
) -> Callable:
    """Enter the decorated `make` function among the contestants of the short race, or of another."""

    def enter(make: Callable) -> Callable:
        among.append(Contestant(name, library, make, (library, *needs), **more))
        return make

    return enter


def missing(contestants: Sequence[Contestant]) -> list[str]:
    """The modules that some of them need and that are not installed."""
    return sorted({module for one in contestants for module in one.missing})
