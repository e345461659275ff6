"""The plan's sizes at run time: those it knows, and those that only the arrays know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from konvolve.backends.interface import Backend, Size
from konvolve.planning.geometry import sufficient_length
from konvolve.planning.lengths import table
from konvolve.planning.nn.phases import Place, place
from konvolve.planning.nn.plan import ChannelPlan


class Sizes(NamedTuple):
    """Per spatial axis: the inputs' size, extended beyond their edges; where things lie; the length of the transform.

    Places and lengths are for methods that bring channels and phases to places of their own.
    """

    spatial: Sequence[Size]
    places: Sequence[Place] = ()
    lengths: tuple[Any, ...] = ()


def known(plan: ChannelPlan) -> Sizes:
    """Return the sizes of a plan that knows all that a kernel's preparation depends on."""
    return Sizes((), (), plan.lengths)


def at_run_time(xp: Backend, plan: ChannelPlan, spatial: Sequence[Size]) -> Sizes:
    """Fill in what the plan does not know, with the same lines of geometry that planning uses."""
    if plan.method == "direct" and not plan.loops:
        return Sizes(spatial)
    axes, transposed = plan.problem.axes, plan.problem.transposed
    places = [
        place(axis, split, transposed, n, xp.maximum) if known is None else known
        for axis, split, known, n in zip(axes, plan.splits, plan.places, spatial, strict=True)
    ]
    lengths: list[Any] = []
    for length, p, split in zip(plan.lengths, places, plan.splits, strict=False):
        if length is None:
            length = xp.next_length(partial(sufficient_length, p.size, split.taps, p.window, xp.maximum), table())
        lengths.append(length)
    return Sizes(spatial, places, tuple(lengths))
