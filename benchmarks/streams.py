"""Streams: what a block takes in the median, at the 99th percentile and at the worst, beside those who keep state, too.

The contestants of a case take turns, some blocks each, in one process. Sound at 44.1 kHz in float32; pedalboard, which
takes one signal through one impulse response, takes part where that is asked.
"""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from konvolve.bench.results import digits
from konvolve.bench.workloads import SEED

RATE = 44100
TURN = 40
"""So many blocks are timed in one turn."""
AIMS = {"pedalboard": (0.45, 0.7), "scipy.signal.lfilter, zi": (0.02, None)}
"""Of konvolve's NumPy, for 2 s and blocks of 256: the ratio of the medians, and that of the 99th percentiles."""


@dataclass(frozen=True)
class Case:
    """Blocks of a size through kernels: ``channels`` signals through their own, or ``matrix``, (in, out) kernels."""

    block: int
    seconds: float
    channels: int = 1
    matrix: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """Return the case in words."""
        rows = f"{self.channels} channels" if self.channels > 1 else "1 channel"
        rows = "{}x{} rooms".format(*self.matrix) if self.matrix else rows
        return f"blocks of {self.block}, {self.seconds:g} s, {rows}"

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel, and the blocks, which lie along the first axis."""
        rng, taps = np.random.default_rng(SEED), int(self.seconds * RATE)
        rows = self.matrix or (() if self.channels == 1 else (self.channels,))
        decay = np.exp(-np.arange(taps) * 6.9 / taps)
        kernel = (rng.standard_normal((*rows, taps)) * decay / np.sqrt(taps)).astype(np.float32)
        return kernel, rng.standard_normal((64, *rows[:1], self.block)).astype(np.float32)


CASES = [
    Case(256, 2.0),
    *(Case(block, seconds) for block in (64, 256, 1024) for seconds in (1.0, 4.0)),
    Case(256, 4.0, channels=16),
    Case(256, 1.0, matrix=(2, 16)),
    *(Case(128, seconds) for seconds in (60.0, 300.0)),
]
LONG = 10.0
"""From so many seconds on konvolve's stream is alone: the others would take minutes."""
Step = Callable[[Any], Any]


def konvolves(case: Case, kernel: np.ndarray) -> Step:
    """Call a stream with NumPy blocks."""
    import konvolve

    return konvolve.Stream(kernel, block=case.block)


def _stepped(library: str) -> Callable[[Case, np.ndarray], Step]:
    """Return the maker of a compiled step on a library."""

    def make(case: Case, kernel: np.ndarray) -> Step:
        import konvolve
        from konvolve.bench.libraries import to_library, to_numpy

        stream = konvolve.Stream(kernel, block=case.block, library=library)
        state = [stream.initial_state((*kernel.shape[:-1][:1], case.block))]
        compiled: Any = stream.step
        if library == "tensorflow":
            import tensorflow as tf

            compiled = tf.function(stream.step)
        elif library == "jax":
            import jax

            compiled = jax.jit(stream.step)

        def step(x: np.ndarray) -> np.ndarray:
            y, state[0] = compiled(to_library(library, x), state[0])
            return to_numpy(y)

        return step

    return make


def lfilter(case: Case, kernel: np.ndarray) -> Step | None:
    """Filter with a state: a direct sum."""
    from scipy import signal

    if case.matrix or case.channels > 1 or case.seconds > 2:
        return None
    state = [np.zeros(kernel.shape[-1] - 1, np.float32)]

    def step(x: np.ndarray) -> np.ndarray:
        y, state[0] = signal.lfilter(kernel, np.float32(1), x, zi=state[0])
        return y

    return step


def carried(case: Case, kernel: np.ndarray) -> Step | None:
    """Convolve each block and carry what lies beyond its end."""
    from scipy import signal

    if case.matrix:
        return None
    beyond = [np.zeros((*kernel.shape[:-1], kernel.shape[-1] - 1), np.float32)]

    def step(x: np.ndarray) -> np.ndarray:
        y = signal.oaconvolve(x, kernel, axes=-1)
        y[..., : beyond[0].shape[-1]] += beyond[0]
        beyond[0] = y[..., case.block :]
        return y[..., : case.block]

    return step


def pedalboard(case: Case, kernel: np.ndarray) -> Step | None:
    """Convolve by JUCE, which scales the impulse response: its answer is not compared."""
    if case.matrix or case.channels > 1 or importlib.util.find_spec("pedalboard") is None:
        return None
    import pedalboard

    plugin: Any = pedalboard.Convolution(kernel[None], sample_rate=float(RATE))
    return lambda x: plugin.process(x[None], float(RATE), buffer_size=case.block, reset=False)


CONTESTANTS: dict[str, tuple[str, Callable[[Case, np.ndarray], Step | None]]] = {
    "konvolve.Stream, NumPy": ("numpy", konvolves),
    "Stream.step, tf.function": ("tensorflow", _stepped("tensorflow")),
    "Stream.step, jax.jit": ("jax", _stepped("jax")),
    "Stream.step, torch": ("torch", _stepped("torch")),
    "scipy.signal.lfilter, zi": ("numpy", lfilter),
    "SciPy oaconvolve, carried": ("numpy", carried),
    "pedalboard": ("numpy", pedalboard),
}


def timed(case: Case, libraries: Sequence[str], blocks: int) -> list[dict]:
    """Time all contestants of a case; rows with times in microseconds."""
    kernel, signals = case.arrays()
    there = {name: make for name, (library, make) in CONTESTANTS.items() if library in libraries}
    made = {name: make(case, kernel) for name, make in there.items() if case.seconds < LONG or make is konvolves}
    steps = {name: step for name, step in made.items() if step is not None}
    reference = konvolves(case, kernel)
    wanted = [reference(signals[i]) for i in range(6)]
    times: dict[str, list[float]] = {name: [] for name in steps}
    wrong = {}
    for name, step in steps.items():
        found = [np.asarray(step(signals[i])) for i in range(6)]
        far = max(np.abs(y - w).max() for y, w in zip(found, wanted, strict=True)) if name != "pedalboard" else 0.0
        wrong[name] = bool(far > 1e-4)
    at = itertools.count()
    for _ in range(max(1, blocks // TURN)):
        for name, step in steps.items():
            if times[name] and sum(times[name]) > 8.0:  # seconds
                continue
            for _ in range(TURN):
                x = signals[next(at) % 64]
                start = time.perf_counter()
                step(x)
                times[name].append(time.perf_counter() - start)
    rows = []
    for name, taken in times.items():
        micro = np.array(taken[TURN:] or taken) * 1e6
        rows.append({
            "contestant": name, "median": float(np.median(micro)), "percentile": float(np.percentile(micro, 99)),
            "worst": float(micro.max()), "real": float(case.block / RATE / (micro.mean() * 1e-6)), "wrong": wrong[name],
        })  # fmt: skip
    return rows


def measured(libraries: Sequence[str], quick: bool, tick: Callable[[], None]) -> list[dict]:
    """Time every case."""
    found = []
    for case in CASES[:3] if quick else CASES:
        found.append({"case": case.name, "rows": timed(case, libraries, 400 if quick else 2000)})
        tick()
    return found


def rows(result: list[dict]) -> tuple[list[str], list[list[str]]]:
    """Head and body of the table."""
    body = [
        [each["case"], row["contestant"], *(digits(row[key]) for key in ("median", "percentile", "worst")),
         f"{row['real']:.0f}", "wrong" if row["wrong"] else ""]
        for each in result
        for row in each["rows"]
    ]  # fmt: skip
    return ["case", "contestant", "median µs", "99 % µs", "worst µs", "times real time", "remarks"], body


def verdict(result: list[dict]) -> str:
    """Return konvolve's ratios to the peers in the first case, and its libraries' to its own on NumPy."""
    return "; ".join(_said({row["contestant"]: row for row in result[0]["rows"]}))


def _said(first: dict[str, dict]) -> Iterator[str]:
    ours = first.get("konvolve.Stream, NumPy")
    if ours is None:
        return
    for name, (median, percentile) in AIMS.items():
        if name in first:
            yield f"{ours['median'] / first[name]['median']:.2f} of {name} in the median (aim {median})"
            if percentile:
                yield f"{ours['percentile'] / first[name]['percentile']:.2f} at 99 % (aim {percentile})"
    for name, row in first.items():
        if name.startswith("Stream.step"):
            yield f"{name}: {row['median'] / ours['median']:.1f} of NumPy's (aim 2)"
