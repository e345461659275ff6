"""One kernel that streams pass through: what comes out of a piece of signal, and the state after it."""

from __future__ import annotations

from typing import Any, NamedTuple

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.methods import stream as method
from konvolve.methods.stream import Past
from konvolve.planning import dtypes
from konvolve.planning.stream import StreamPlan, make_plan
from konvolve.profiles import in_use


class State(NamedTuple):
    """What of the samples so far matters to those to come.

    ``position`` samples of the present block have come; ``pieces`` are they. ``blocks`` is the number of blocks before
    it, as far as the order of the work depends on it. ``pasts`` are those of the levels.
    """

    position: int
    blocks: int
    pieces: tuple[Array, ...]
    pasts: tuple[Past, ...]


class Engine:
    """A kernel, (taps), (channels, taps) or (in, out, taps), prepared for signals of a dtype and a library."""

    def __init__(
        self, xp: Backend, kernel: Array, block: int, latency: int, rows: tuple[int, ...], given: str, *,
        dtype: str | None = None, uniform: bool = False,
    ) -> None:  # fmt: skip
        """Prepare a kernel for signals of the dtype ``given``, to be worked on in ``dtype`` if that is named."""
        both = dtypes.result_type(dtypes.as_float(given), dtypes.as_float(xp.dtype(kernel)))
        self.result = xp.canonical(both)
        self.dtype = dtype or xp.canonical(work_dtype(both))
        shape = xp.shape(kernel)
        taps = shape[-1]
        assert taps is not None
        self.plan = planned(shape, block, latency, rows, self.dtype, xp.profile(), uniform=uniform)
        self.reach, self.matrix = taps + latency, len(shape) == 3
        self._xp = xp
        self._outgoing = shape[1] if len(shape) == 3 else None
        self._kernels = method.prepare(xp, self.plan, xp.cast(kernel, self.dtype), len(shape) == 3)
        # Where nothing is added to what a level has ready, an output would be a part of it, which callers may write.
        self._views = self.plan.levels[0].silent > 0 or not self.plan.levels[0].parts
        self._cycle = self.plan.slots(len(self.plan.levels) - 1)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_xp": self._xp.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_xp": registry.backend(state["_xp"])}

    def silence(self, rows: tuple, like: Array) -> State:
        """Return the state before the first sample."""
        return State(0, 0, (), method.silence(self._xp, self.plan, rows, self.dtype, like))

    def run(self, state: State, x: Array) -> tuple[Array, State]:
        """Return what comes out of samples along the last axis, as many as there are, and the state after them."""
        n, block, start, found = self._xp.shape(x)[-1], self.plan.block, 0, []
        assert n is not None
        while start < n:
            size = min(block - state.position, n - start)
            y, state = self._run_piece(state, x if size == n else x[..., start : start + size], size)
            found.append(y)
            start += size
        return found[0] if len(found) == 1 else self._xp.concatenate(found, -1), state

    def _run_piece(self, state: State, x: Array, size: int) -> tuple[Array, State]:
        """Do the same for samples of the present block."""
        xp, plan, kernels, block = self._xp, self.plan, self._kernels, self.plan.block
        start, pasts = state.position, list(state.pasts)
        if size == block:
            y, pasts[0] = method.whole(xp, plan, kernels, pasts[0], x)
        else:
            y, pasts[0] = method.part(xp, plan, kernels, pasts[0], x, start)
        for place in range(1, len(pasts)):
            ready = pasts[place].ready
            if ready is not None:
                first = state.blocks % plan.slots(place) * block + start
                later = ready[..., first : first + size]
                y = later if y is None else y + later
        if y is None:
            y = xp.zeros(self.sizes_out(x), self.dtype, x)
        elif self._views:
            y = xp.concatenate([y], -1)
        if start + size < block:
            pieces = (*state.pieces, x) if len(pasts) > 1 else ()
            return y, State(start + size, state.blocks, pieces, tuple(pasts))
        if len(pasts) > 1:
            x = xp.concatenate((*state.pieces, x), -1) if state.pieces else x
        for place in range(1, len(pasts)):
            if plan.levels[place].parts:
                slot = state.blocks % plan.slots(place)
                pasts[place] = method.work(xp, plan, kernels, place, pasts[place], x, slot)
        return y, State(0, (state.blocks + 1) % self._cycle, (), tuple(pasts))

    def sizes_out(self, x: Array) -> list:
        """Return the sizes of what comes out of samples along the last axis."""
        sizes = list(self._xp.sizes(x))
        if self._outgoing is not None:
            sizes[-2] = self._outgoing
        return sizes

    def step(self, pasts: tuple[Array, Array], x: Array) -> tuple[Array, tuple[Array, Array]]:
        """Run whole blocks through a kernel of one level, whose state is two arrays."""
        past, found, block = Past((), *pasts), [], self.plan.block
        n = self._xp.shape(x)[-1]
        assert n is not None
        for start in range(0, n, block):
            y, past = method.whole(self._xp, self.plan, self._kernels, past, x[..., start : start + block])
            found.append(y)
        return found[0] if len(found) == 1 else self._xp.concatenate(found, -1), (past.before, past.spectra)


def planned(
    shape: tuple, block: int, latency: int, rows: tuple[int, ...], dtype: str, library: str, *, uniform: bool = False
) -> StreamPlan:
    """Return the plan of a kernel of a shape, for signals of so many rows."""
    signals = 1
    for n in rows:
        signals *= n
    kernels = {1: signals, 2: signals}.get(len(shape), signals * shape[1] if len(shape) == 3 else 1)
    outgoing = signals // shape[0] * shape[1] if len(shape) == 3 else signals
    return make_plan(
        shape[-1], block, latency, (signals, outgoing, kernels), dtype, in_use.profile(library), uniform=uniform
    )


def work_dtype(result: str) -> str:
    """Return the dtype in which a stream of a dtype is computed: half precision in float32."""
    return result if dtypes.parse(result).kind == "complex" else dtypes.result_type(result, "float32")
