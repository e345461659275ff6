"""The library's own convolution."""

from __future__ import annotations

from konvolve.backends.interface import Array, Backend
from konvolve.planning.channel_plan import ChannelPlan


def run(xp: Backend, plan: ChannelPlan, x: Array, kernel: Array) -> Array:
    """Convolve directly."""
    raise NotImplementedError
