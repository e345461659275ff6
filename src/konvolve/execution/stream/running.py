"""A stream at work: its state, and what a block does to it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.execution.stream import finite
from konvolve.execution.stream.engine import Engine, State
from konvolve.execution.stream.history import History


class MadeFor(NamedTuple):
    """What a stream's blocks are: library, dtype, sizes without the streamed axis, and the place of that axis."""

    library: str
    dtype: str
    rows: tuple[int, ...]
    axis: int

    def shape(self, size: Any) -> tuple:
        """Return the shape of a block of so many samples."""
        return (*self.rows[: self.axis], size, *self.rows[self.axis :])

    def __str__(self) -> str:
        return f"{self.library} blocks of shape ({', '.join(map(str, self.shape('any')))}) and dtype {self.dtype}"


class StreamState(NamedTuple):
    """All that a stream has heard and still needs: numbers, words, and arrays of the stream's library.

    ``made_for`` is what the first block was; ``states`` and ``fades`` (samples done, samples in all) are those of the
    kernels at work, of which there are several while one fades into the next; ``heard`` samples have come, of which
    ``history`` are the last; ``last`` is when each signal was last not finite, None where none ever was.
    """

    made_for: MadeFor | None = None
    states: tuple[State, ...] = ()
    fades: tuple[tuple[int, int], ...] = ()
    heard: int = 0
    history: History = History()
    last: np.ndarray | None = None

    def fits(self, engines: tuple[Engine, ...]) -> bool:
        """Whether the state can be that of these kernels."""
        return len(engines) == len(self.states) and all(
            [len(past.spectra) for past in state.pasts] == [level.parts for level in engine.plan.levels]
            for engine, state in zip(engines, self.states, strict=True)
        )


def begun(engine: Engine, made_for: MadeFor, like: Array) -> StreamState:
    """Return the state before the first block."""
    return StreamState(made_for, (engine.silence(made_for.rows, like),), ((0, 0),))


def advanced(
    xp: Backend, engines: tuple[Engine, ...], state: StreamState, x: Array
) -> tuple[Array, tuple[Engine, ...], StreamState]:
    """Return the output of samples along the last axis, the kernels still at work, and the state after them."""
    n = xp.shape(x)[-1]
    assert n is not None
    if n == 0:
        return xp.zeros(engines[-1].sizes_out(x), engines[-1].dtype, x), engines, state
    x = xp.concatenate([x], -1)  # a copy where arrays can be written into: it is kept, and callers fill theirs anew
    reach = engines[0].reach if len(engines) == 1 else max(engine.reach for engine in engines)
    x, nan, last = _cleaned(xp, engines[-1], state, x, reach)
    y, states = None, []
    for engine, each, (done, fade) in zip(engines, state.states, state.fades, strict=True):
        own, after = engine.run(each, x)
        states.append(after)
        y = own if y is None else _mixed(xp, y, own, done, fade)
    if nan is not None:
        y = xp.where(xp.asarray(nan, y), xp.scalar(math.nan, engines[-1].dtype, y), y)
    fades = state.fades
    if len(engines) > 1:
        fades = tuple((min(done + n, fade), fade) for done, fade in fades)
        first = max(place for place, (done, fade) in enumerate(fades) if done >= fade)
        engines, states, fades = engines[first:], states[first:], fades[first:]
    history = state.history.after(xp, x, reach + engines[-1].plan.block)
    return y, engines, StreamState(state.made_for, tuple(states), fades, state.heard + n, history, last)


def _mixed(xp: Backend, old: Array, new: Array, done: int, fade: int) -> Array:
    """Return what lies between two outputs, so many samples of a fade after its beginning."""
    share = np.minimum(1.0, np.arange(done + 1, done + new.shape[-1] + 1) / fade)
    return old + (new - old) * xp.cast(xp.asarray(share, new), xp.dtype(new))


def _cleaned(
    xp: Backend, engine: Engine, state: StreamState, x: Array, reach: int
) -> tuple[Array, np.ndarray | None, Any]:
    """Return samples with zeros for what is not finite, and which outputs that makes NaN, None for none."""
    last: Any = state.last
    assert state.made_for is not None
    truth = xp.all_finite((x,))
    clean = truth is None or bool(truth)
    if clean and (last is None or state.heard - last.max(initial=finite.NEVER) >= reach):
        return x, None, None
    if last is None:
        last = np.full(state.made_for.rows, finite.NEVER)
    good = xp.isfinite(x)
    nan, last = finite.outputs(np.asarray(xp.to_numpy(good)), last, state.heard, reach)
    if engine.matrix:
        nan = np.broadcast_to(nan.any(-2, keepdims=True), engine.sizes_out(x))
    return (x if clean else xp.where(good, x, xp.zeros((), xp.dtype(x), x))), nan, last


def replayed(engine: Engine, state: StreamState) -> State:
    """Return the state of another kernel that has heard what a stream remembers, at the same place of a block."""
    assert state.made_for is not None
    xp = registry.backend(state.made_for.library)
    fresh = engine.silence(state.made_for.rows, state.states[-1].pasts[0].before)
    spare = (state.history.samples - state.states[-1].position) % engine.plan.block
    if state.history.samples <= spare:
        return fresh
    return engine.run(fresh, state.history.whole(xp)[..., spare:])[1]
