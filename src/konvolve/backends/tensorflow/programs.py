"""Eager calls that are long and come again: a graph of their own, which TensorFlow runs as a whole.

In a graph memory is used again and what does not depend on one another runs side by side. Seen with TensorFlow 2.21 on
two cores, eager against a graph: 10^7 samples with 1001 taps 1.5 times as long, 256 rows of 1000 samples with 64 taps
2.1 times, a picture of 512 x 512 with 15 x 15 1.5 times. A graph is traced in some 50 ms, so it is made when
a plan has taken as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from konvolve.backends.tensorflow.tracing import differentiated, recording

# Seconds: a shorter plan gains less than the call of a graph takes.
_LONG = 5e-4

# Seconds, as predicted, that a plan has taken in all when its graph is made: as long as tracing it takes.
_TRACED_AFTER = 0.05

# So many graphs are kept, and so many plans are waited for; then all of them are dropped.
_MOST = 128

_waiting: dict[tuple[int, int], tuple[Any, float]] = {}
_graphs: dict[tuple[int, int], tuple[Any, Callable]] = {}


def program(function: Callable, plan: Any, arrays: Sequence[tf.Tensor]) -> Callable | None:
    """Return the function of the arrays, which carries out the plan, as a graph, where that pays and no one records.

    A plan is known by its identity, since the cache of plans returns the same one; its graph keeps it alive. Threads
    share both dictionaries without a lock: at worst a graph is traced twice.
    """
    seconds = plan.seconds or 0.0
    if seconds < _LONG or not _is_plain(arrays):
        return None
    key = id(plan), len(arrays)
    known = _graphs.get(key)
    if known is not None and known[0] is plan:
        return known[1]
    before = _waiting.get(key, (None, 0.0))
    spent = seconds + (before[1] if before[0] is plan else 0.0)
    if spent < _TRACED_AFTER:
        if len(_waiting) >= _MOST:
            _waiting.clear()
        _waiting[key] = plan, spent
        return None
    if len(_graphs) >= _MOST:
        _graphs.clear()
    graph = tf.function(function, autograph=False)
    _graphs[key] = plan, graph
    return graph


def _is_plain(arrays: Sequence[Any]) -> bool:
    """Whether these are tensors on the CPU in eager code, of which no derivative may be taken."""
    if not tf.executing_eagerly() or recording():
        return False
    return all("CPU" in x.device and not differentiated(x) for x in arrays)
