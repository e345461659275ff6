"""The plan's sizes at run time: those it knows, and those that only the arrays know."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from konvolve.backends.interface import Backend
from konvolve.planning.geometry import Window, sufficient_length, window
from konvolve.planning.lengths import table
from konvolve.planning.signal.plan import Plan


class Sizes(NamedTuple):
    """Per convolved axis: the window of the full convolution, and the length of the transform."""

    windows: tuple[Window, ...]
    lengths: tuple[Any, ...]


def broadcast(xp: Backend, n1: Any, n2: Any) -> Any:
    """Return the rows that a batch axis of two operands has: as many as either has, none where one has none."""
    return xp.maximum(n1, n2) * xp.minimum(1, xp.minimum(n1, n2))


def at_run_time(xp: Backend, plan: Plan, sizes1: tuple, sizes2: tuple) -> Sizes:
    """Fill in what the plan does not know, with the same lines of geometry that planning uses.

    ``sizes1`` and ``sizes2`` are those of the convolved axes, ints or scalar tensors.
    """
    if None not in plan.windows and None not in plan.lengths:
        return Sizes(plan.windows, plan.lengths)  # type: ignore[arg-type]
    windows, lengths = [], []
    for i, (n1, n2) in enumerate(zip(sizes1, sizes2, strict=True)):
        kept = plan.windows[i]
        if kept is None:
            kept = window(plan.core.keeps(i), n1, n2, xp.minimum, xp.maximum)
        length = plan.lengths[i] if plan.lengths else 0
        if length is None:
            length = xp.next_length(partial(sufficient_length, n1, n2, kept, xp.maximum), table())
        windows.append(kept)
        lengths.append(length)
    return Sizes(tuple(windows), tuple(lengths))
