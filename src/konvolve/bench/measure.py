"""Timing in turn: every contestant once a round, so that a slow minute of the machine falls on all alike."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from konvolve.bench.contestants import KONVOLVE, Contestant
from konvolve.bench.libraries import NotAvailable, to_library, to_numpy
from konvolve.bench.workloads import SEED, Workload

# A contestant this many times slower than the fastest gets FEW rounds: more would only make the others wait.
ABSURD, FEW = 20, 2
# So many times slower than the fastest, and not konvolve: some rounds are enough to say so.
FAR, SOME = 4, 5
# A first call that takes this long, in seconds, is the only one.
ENDLESS = 8.0
# Seconds of rest before each sample: worker threads of the one before may still be spinning for work.
PAUSE = 0.02


@dataclass
class Entry:
    """A contestant in one workload, and what became of it."""

    contestant: Contestant
    status: str = "ok"
    detail: str = ""
    call: Callable = field(default=lambda: None, repr=False)
    error: float | None = None
    warm: float = float("inf")
    once: bool = False
    samples: list[float | None] = field(default_factory=list)  # seconds, one a round; None: sat it out

    @property
    def times(self) -> list[float]:
        """The seconds of the rounds it took part in."""
        return [sample for sample in self.samples if sample is not None]


def as_arrays(answer) -> tuple[np.ndarray, ...]:
    """An answer of any library, one array or several, as NumPy arrays."""
    several = answer if isinstance(answer, tuple | list) else (answer,)
    return tuple(to_numpy(array) for array in several)


def largest_error(answer, reference: tuple[np.ndarray, ...]) -> float:
    """The largest difference as a part of the reference's largest value; infinite if the shape is wrong."""
    arrays = as_arrays(answer)
    if [array.shape for array in arrays] != [right.shape for right in reference]:
        return float("inf")
    errors = [
        float(np.max(np.abs(array - right)) / np.max(np.abs(right)))
        for array, right in zip(arrays, reference, strict=True)
    ]
    return max(float("inf") if np.isnan(error) else error for error in errors)


def sample(call: Callable, calls: int) -> float:
    """Seconds that one of so many calls takes."""
    start = time.perf_counter()
    for _ in range(calls):
        answer = call()
    elapsed = time.perf_counter() - start
    del answer  # its memory is given back outside the time taken
    return elapsed / calls


def prepare(w: Workload, contestant: Contestant, arrays: dict, reference: tuple | None) -> Entry | None:
    """Make, check (where there is a reference) and warm up one contestant; None if the workload is not its kind."""
    if contestant.group != w.group:
        return None
    entry = Entry(contestant)
    try:
        if contestant.library not in arrays:
            arrays[contestant.library] = tuple(to_library(contestant.library, array) for array in arrays["numpy"])
        call = contestant.make(w, *arrays[contestant.library])
        if call is None:
            return None
        entry.call = call
        start = time.perf_counter()
        answer = entry.call()
        entry.warm = time.perf_counter() - start
        if contestant.reference is not None:
            reference = contestant.reference(w, *arrays["numpy"])
        if reference is not None:
            entry.error = largest_error(answer, reference)
        del answer
        entry.once = entry.warm > ENDLESS
        if not entry.once:
            # The first call also compiled, planned and allocated; two more, so that this is over.
            entry.warm = min(sample(entry.call, w.calls) for _ in range(2))
    except NotAvailable as missing:
        return Entry(contestant, "not available", str(missing))
    except Exception as failure:
        # One contestant's failure is a line in the table and must not cost the others their measurement.
        return Entry(contestant, "failed", f"{type(failure).__name__}: {failure}".splitlines()[0][:200])
    if entry.error is not None and not entry.error <= w.tolerance():
        entry.status = "WRONG"
    return entry


def take_turns(w: Workload, entries: list[Entry], repeats: int, advance: Callable[[], None]) -> None:
    """`repeats` rounds of one sample of each right contestant, in an order drawn anew for each round."""
    racers = [entry for entry in entries if entry.status == "ok"]
    if not racers:
        return
    fastest = min(entry.warm for entry in racers)
    order = random.Random(SEED)
    gc.collect()
    gc.disable()
    try:
        for number in range(repeats):
            for entry in order.sample(racers, len(racers)):
                behind = entry.warm / fastest
                far = behind > FAR and entry.contestant.role != KONVOLVE
                if entry.once or number >= (FEW if behind > ABSURD else SOME if far else repeats):
                    entry.samples.append(None)
                    continue
                time.sleep(PAUSE)
                entry.samples.append(sample(entry.call, w.calls))
            advance()
    finally:
        gc.enable()
    for entry in racers:
        if entry.once:
            entry.samples, entry.detail = [entry.warm], "timed once, the first call"
        elif len(entry.times) < repeats:
            entry.detail = f"timed {len(entry.times)} times"


def race(w: Workload, contestants: Sequence[Contestant], repeats: int, advance: Callable[[], None]) -> list[Entry]:
    """Have the contestants that are installed answer a workload, check them, and time the right ones in turn."""
    inputs = w.inputs(w)
    reference = w.reference(w, *inputs)
    arrays = {"numpy": inputs}
    made = [prepare(w, one, arrays, reference) for one in contestants if not one.missing]
    entries = [entry for entry in made if entry is not None]
    take_turns(w, entries, repeats, advance)
    return entries
