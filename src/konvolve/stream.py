"""Streams: convolution of a signal that comes in blocks, of any size and without end."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.execution.stream.arguments import check_kernel, check_library, dtype_of, moved, resolved, rows_of
from konvolve.execution.stream.engine import Engine, planned, work_dtype
from konvolve.execution.stream.running import MadeFor, StreamState, advanced, begun, replayed
from konvolve.planning import dtypes
from konvolve.planning.operands import plain, shown
from konvolve.planning.stream import StreamPlan, check_block, check_count

Array = Any


class Stream:
    """Convolve a signal that comes block by block: the blocks' results, one after the other, are those of the whole.

    Args:
        kernel: The kernel, its taps along the last axis: (taps,) for all signals; (channels, taps), one for each signal
            along the axis before the streamed one; (in, out, taps), a matrix, each output the sum over the inputs along
            that axis. Any numbers; an array of any library konvolve knows, or a ``konvolve.Kernel``.
        axis: The axis of the blocks along which they follow each other.
        block: How many samples most blocks have, for which the work is planned; 256 if None. Any other number works,
            also a different one at each call.
        library: "numpy", "tensorflow", "jax" or "torch": NumPy blocks are converted to it. None for the kernel's, or if
            that is NumPy, for that of the first block.
        latency: By how many samples the output may come later than the input, which saves work at the kernel's start.
            The first so many outputs are zeros.

    Call it with a block, an array with any number of samples along ``axis``: as many come out, of the same library, in
    the dtype that ``konvolve.oaconvolve`` gives. ``flush()`` returns the rest, taps + latency - 1 samples. No sample
    waits for those after it: for latency 0 the output has all of the input in it, up to its last sample.

    A sample that is NaN or infinite makes NaN of the outputs from there on that the kernel reaches (taps + latency
    samples), and of no others. Pickles and copies carry the state. Several threads may call it: each call is whole, and
    one waits for the other.

    Raises:
        ValueError, TypeError: for a wrong argument; for a block that is not as the first one was, which leaves the
            state as it is (``reset()`` makes the stream forget).

    The method is partitioned overlap-save (Gardner 1995); ``plan`` is what was chosen.

    >>> import numpy as np
    >>> echo = Stream([1.0, 0.0, 0.5])
    >>> echo(np.array([1.0, 2.0])).round(6)
    array([1., 2.])
    >>> echo(np.array([3.0])).round(6)
    array([3.5])
    >>> echo.flush().round(6)
    array([1. , 1.5])
    """

    def __init__(
        self, kernel: Array, *, axis: int = -1, block: int | None = None, library: str | None = None, latency: int = 0
    ) -> None:
        self._kernel, home = check_kernel(kernel)
        self._home = check_library(library, home)
        if isinstance(plain(axis), bool) or not isinstance(plain(axis), int):
            raise ValueError(f"axis must be an integer, not axis={shown(axis)}")
        self._axis = int(axis)
        self._block, self._latency = check_block(block), check_count("latency", latency)
        self._engines: tuple[Engine, ...] = ()
        self._stepping: dict[tuple[str, str], Engine] = {}
        self._usual: tuple | None = None  # dtype and shape of the last block, a NumPy array
        self._state = StreamState()
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in self.__dict__.items() if name != "_lock"} | {"_stepping": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_lock": threading.RLock()}

    def __repr__(self) -> str:
        return f"Stream(kernel of shape {tuple(self._kernel.shape)}, block={self._block}, latency={self._latency})"

    @property
    def plan(self) -> StreamPlan:
        """How the kernel is partitioned, and what a block is predicted to take: of the last kernel set."""
        if self._engines:
            return self._engines[-1].plan
        shape = tuple(self._kernel.shape)
        dtype = work_dtype(dtypes.as_float(dtype_of(self._kernel)))
        return planned(shape, self._block, self._latency, shape[:-1][:1], dtype, self._home or "numpy")

    @property
    def state(self) -> StreamState:
        """What was heard and is still needed. Arrays are never written into, so that it can be kept as it is."""
        return self._state

    @state.setter
    def state(self, state: StreamState) -> None:
        if not isinstance(state, StreamState):
            raise TypeError(f"state must be the state of a stream, not {shown(state)}")
        with self._lock:
            engines = self._engines
            if state.made_for is not None and not engines:
                engines = (self._engine(state.made_for, self._kernel),)
            if state.made_for is not None and not state.fits(engines):
                raise ValueError("state is that of a stream with another kernel, block or latency")
            self._engines, self._state, self._usual = engines if state.made_for else (), state, None

    def reset(self) -> None:
        """Forget all blocks, also what they were: the next may be of another kind. A fade ends."""
        with self._lock:
            self._engines, self._state, self._usual = (), StreamState(), None

    def __call__(self, x: Array) -> Array:
        """Return as many samples of the convolution as there are in a block."""
        with self._lock:
            engines, state = self._engines, self._state
            xp, x, found = self._admitted(x)
            if not engines:
                engines = (self._engine(found, self._kernel),)
                state = begun(engines[0], found, x)
            y, self._engines, self._state = advanced(xp, engines, state, xp.cast(x, engines[-1].dtype))
        return xp.to_result(xp.cast(moved(xp, y, -1, found.axis), engines[-1].result))

    def _admitted(self, x: Array) -> tuple[Any, Array, MadeFor]:
        """Return the library of a block, the block with the streamed axis last, and what it is; an error if wrong."""
        known, alone = self._state.made_for, self._home is None
        if (
            type(x) is np.ndarray
            and known is not None
            and (x.dtype, x.shape) == self._usual
            and known.axis == x.ndim - 1
        ):
            return registry.backend(known.library), x, known  # as the block before: that is asked for most
        home = known.library if known and alone else self._home
        given = x
        xp, x = resolved(x, home, alone=alone, eager=True)
        found = MadeFor(xp.name, xp.dtype(x), *rows_of(xp.shape(x), self._axis, tuple(self._kernel.shape)))
        if known is not None and found != known:
            wrong = TypeError if found.dtype != known.dtype else ValueError
            raise wrong(f"x must be as the blocks before, {known}, not {found}: reset() starts anew")
        self._usual = (given.dtype, given.shape) if xp.name == "numpy" and type(given) is np.ndarray else None
        return xp, moved(xp, x, found.axis, -1), found

    def flush(self) -> Array:
        """Return what is still to come after the last sample, taps + latency - 1 samples, and reset."""
        with self._lock:
            made_for = self._state.made_for
            if made_for is None:
                xp = registry.backend(self._home or "numpy")
                return xp.asarray(np.zeros(0))
            xp = registry.backend(made_for.library)
            rest = max(engine.reach for engine in self._engines) - 1
            like = self._state.states[-1].pasts[0].before
            tail = self(xp.zeros(made_for.shape(rest), made_for.dtype, like))
            self.reset()
        return tail

    def set_kernel(self, kernel: Array, fade: int = 0) -> None:
        """Go on with another kernel, of any number of taps, from the next sample on.

        Over ``fade`` samples the output is mixed from that of the old kernel and of the new one, both of all that was
        heard: it goes from the one to the other along a straight line. Of what lies further back than the old kernel
        reaches nothing is known, and a longer one takes it for silence. The kernel has as many axes, and rows, as the
        one before; a complex one cannot follow in a stream of real numbers.
        """
        new, home = check_kernel(kernel)
        fade = check_count("fade", fade)
        made_for = self._state.made_for
        own = self._home or (made_for.library if made_for else home)
        if home not in ("numpy", own):
            raise TypeError(f"kernel is of {home}, and the stream of {own}: two libraries cannot be mixed")
        if tuple(new.shape)[:-1] != tuple(self._kernel.shape)[:-1]:
            raise ValueError(
                f"kernel must have the shape of the stream's, {tuple(self._kernel.shape)}, but for its taps, not "
                f"{tuple(new.shape)}"
            )
        with self._lock:
            state = self._state
            if state.made_for is not None:
                if dtypes.is_complex(dtype_of(new)) and not dtypes.is_complex(self._engines[-1].dtype):
                    raise TypeError(f"kernel is complex, and the stream is made for real {state.made_for}")
                engine = self._engine(state.made_for, new, self._engines[-1].dtype)
                engine.result = self._engines[-1].result
                fresh = replayed(engine, state)
                if fade:
                    self._engines = (*self._engines, engine)
                    state = state._replace(states=(*state.states, fresh), fades=(*state.fades, (0, fade)))
                else:
                    self._engines = (engine,)
                    state = state._replace(states=(fresh,), fades=((0, 0),))
                self._state = state
            self._kernel = new
            self._stepping = {}

    def initial_state(self, shape: tuple[int, ...], dtype: str | None = None) -> tuple[Array, Array]:
        """Return the state before the first block for ``step``, two arrays.

        Args:
            shape: That of a block, of which the size along ``axis`` does not matter.
            dtype: The dtype of the blocks; the kernel's by default.
        """
        xp = registry.backend(self._home or "numpy")
        rows, _ = rows_of(tuple(shape), self._axis, tuple(self._kernel.shape))
        engine = self._step_engine(xp, dtype or dtype_of(self._kernel))
        past = engine.silence(rows, xp.asarray(np.zeros(()))).pasts[0]
        return past.before, past.spectra

    def step(self, x: Array, state: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        """Return the output for a block and the state after it: a pure function, for compiled programs.

        It may be called inside ``tf.function``, ``jax.jit``, ``jax.lax.scan`` and ``torch.compile``, and is
        differentiable in x and the state; the kernel is a constant. Its state is not that of the stream itself, which
        it leaves alone. Blocks have as many samples as ``block``, or several times as many. All partitions are of one
        block, so that each step is the same. A sample that is not finite spreads over all blocks that the kernel
        reaches.

        >>> import numpy as np
        >>> stream = Stream(np.ones(3), block=2)
        >>> y, state = stream.step(np.array([1.0, 2.0]), stream.initial_state((2,)))
        >>> stream.step(np.array([3.0, 4.0]), state)[0].round(6)
        array([6., 9.])
        """
        xp, x = resolved(x, self._home, alone=False)
        _, axis = rows_of(xp.shape(x), self._axis, tuple(self._kernel.shape))
        size = xp.shape(x)[axis]
        if size is None or size % self._block or not size:
            raise ValueError(
                f"x must have {self._block} samples along axis {self._axis}, or several times as many, in a step of a "
                f"stream with block={self._block}, not the shape {xp.shape(x)}"
            )
        engine = self._step_engine(xp, xp.dtype(x))
        if len(state) != 2 or xp.shape(state[1])[0] != engine.plan.levels[0].parts:
            raise ValueError("state must be that of initial_state(), or of a step, with this kernel and block")
        y, state = engine.step(tuple(state), xp.cast(moved(xp, x, axis, -1), engine.dtype))
        return xp.cast(moved(xp, y, -1, axis), engine.result), state

    def _engine(self, made_for: MadeFor, kernel: Array, dtype: str | None = None) -> Engine:
        xp = registry.backend(made_for.library)
        rows, latency = made_for.rows, self._latency
        return Engine(xp, xp.asarray(kernel), self._block, latency, rows, made_for.dtype, dtype=dtype)

    def _step_engine(self, xp: Any, dtype: str) -> Engine:
        """Return the engine of steps: partitions of one size."""
        found = self._stepping.get((xp.name, dtype))
        if found is None:
            with xp.outside_trace():
                kernel = xp.asarray(self._kernel)
                rows = xp.shape(kernel)[:-1][:1]
                found = Engine(xp, kernel, self._block, self._latency, rows, dtype, uniform=True)
            self._stepping[xp.name, dtype] = found
        return found
