"""Random problems, and how long each method takes on them: what the cost model is judged by, and fitted to."""

from __future__ import annotations

import dataclasses
import gc
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from konvolve.bench.libraries import compiled, to_library
from konvolve.bench.measure import sample
from konvolve.bench.workloads import SEED
from konvolve.planning.cost import Estimate
from konvolve.planning.signal.plan import Plan

# Points of the signal, batch included.
FEWEST, MOST = 1e2, 1e8
# Seconds that the best method is predicted to take at most, and any method that is timed; predicted bytes likewise.
LONGEST, TOO_LONG, TOO_LARGE = 0.2, 1.0, 3 * 2**30
# A method predicted to take so many times the best is not timed.
HOPELESS = 30
# One sample takes at least so long, one problem about so long in all methods together.
SAMPLE_S, PROBLEM_S = 5e-4, 0.4
ROUNDS = 7
# What takes so long, and so many times as long as another, is not called again.
SLOW_S, BEHIND = 0.3, 4


@dataclass(frozen=True)
class Question:
    """One problem: what `konvolve.convolve` is asked, but for the method."""

    signal: tuple[int, ...]
    kernel: tuple[int, ...]
    mode: str
    axes: tuple[int, ...]
    dtype: str

    def plan(self, library: str, method: str = "auto") -> Plan:
        """The plan for it; `library` is the key of the planning constants."""
        import konvolve

        return konvolve.plan(
            self.signal, self.kernel, mode=self.mode, axes=self.axes, method=method, dtype=self.dtype, library=library
        )

    def weighed(self, library: str) -> tuple[str, tuple[Estimate, ...]]:
        """The method that is taken, and what each is predicted to take."""
        plan = self.plan(library)
        return plan.method, plan.estimates

    def arrays(self, library: str) -> tuple[Any, Any]:
        """The inputs. The values do not matter to the time; they are drawn once and repeated."""
        pool = np.random.default_rng(SEED).standard_normal(2**18, dtype=np.float32)
        shapes = (self.signal, self.kernel)
        found = (np.resize(pool, math.prod(shape)).reshape(shape).astype(self.dtype) for shape in shapes)
        one, two = (to_library(library, array) for array in found)
        return one, two

    def compiled(self, library: str, method: str, x: Any, k: Any) -> Callable[[], Any]:
        """A function without arguments that answers it by one method, compiled as the library's users do."""
        import konvolve

        def convolve(x: Any, k: Any) -> Any:
            return konvolve.convolve(x, k, mode=self.mode, method=method, axes=self.axes)

        return compiled(library, convolve, x, k)

    def told(self) -> dict:
        """What a record says of it."""
        return dataclasses.asdict(self)


def profile(library: str) -> str:
    """The key of a library's planning constants."""
    from konvolve.backends import registry

    return registry.backend(library).profile()


def draw(seed: int, double: bool = True) -> Iterator[Question]:
    """Questions without end: 1-D to 3-D, kernels of one tap to full size, batches, modes; most are float32.

    Sizes are spread evenly on a logarithmic scale. `double` says whether float64 may be asked for.
    """
    rng = random.Random(seed)
    while True:
        rank = rng.choices((1, 2, 3), (45, 35, 20))[0]
        points = math.exp(rng.uniform(math.log(FEWEST), math.log(MOST)))
        batch = round(math.exp(rng.uniform(0, math.log(min(1000, points / 20))))) if rng.random() < 0.4 else 1
        side = (points / batch) ** (1 / rank)
        stretch = [rng.uniform(-0.5, 0.5) for _ in range(rank)]
        mean = sum(stretch) / rank
        sizes = [max(2, round(side * math.exp(s - mean))) for s in stretch]
        part = rng.random()  # the kernel's size on a logarithmic scale, from one tap to the signal's
        taps = [min(n, max(1, round(n ** min(1.0, max(0.0, part + rng.uniform(-0.1, 0.1)))))) for n in sizes]
        mode = rng.choice(("full", "same", "valid"))
        dtype = rng.choices(("float32", "complex64", "float64" if double else "float32"), (80, 10, 10))[0]
        if math.prod(taps) == 1:
            continue
        if batch == 1:
            yield Question(tuple(sizes), tuple(taps), mode, tuple(range(rank)), dtype)
            continue
        kernels = batch if rng.random() < 0.2 else 1
        if rng.random() < 0.25:  # channels last
            yield Question((*sizes, batch), (*taps, kernels), mode, tuple(range(rank)), dtype)
        else:
            yield Question((batch, *sizes), (kernels, *taps), mode, tuple(range(1, rank + 1)), dtype)


def quickest(
    calls: dict[str, Callable[[], Any]], compiles: bool, typical: Callable[[list[float]], float] = min
) -> dict[str, float]:
    """The least time of each of some calls, in turn: what it takes when nothing else disturbs it; or another of them.

    Those expected to be fast come first. `compiles` says whether the first call compiles, and so tells nothing.
    """
    found: dict[str, list[float]] = {}
    for name, call in calls.items():
        first = sample(call, 1)  # compiles, plans and allocates
        again = compiles or not found or first < max(SLOW_S, BEHIND * min(map(min, found.values())))
        found[name] = [sample(call, 1) if again else first]
    # One call may have been disturbed. But nothing is learnt from timing one over and over that is far behind.
    for name, call in calls.items():
        if 10 * min(map(min, found.values())) <= found[name][0] < SLOW_S:
            found[name] += [sample(call, 1), sample(call, 1)]
    racers = [name for name in calls if min(found[name]) < 10 * min(map(min, found.values()))]
    rounds = min(ROUNDS, round(PROBLEM_S / sum(min(found[name]) for name in racers)))
    for _ in range(rounds):
        for name in racers:
            repeats = max(1, min(100, round(SAMPLE_S / min(found[name]))))
            found[name].append(sample(calls[name], repeats))
    return {name: typical(seconds) for name, seconds in found.items()}


def timed(
    library: str, question: Question, chosen: str, estimates: Sequence[Estimate], typical: Callable = min
) -> dict[str, float] | None:
    """Seconds by method, of those the plan might have taken; None for a problem that is too large or has no choice."""
    if not estimates:
        return None
    best = min(each.seconds for each in estimates)
    worth = [
        each.method for each in estimates if each.seconds <= min(HOPELESS * best, TOO_LONG) and each.bytes <= TOO_LARGE
    ]
    if best > LONGEST or chosen not in worth:
        return None
    x, k = question.arrays(library)
    calls = {method: question.compiled(library, method, x, k) for method in worth}
    return quickest(calls, library in ("tensorflow", "jax"), typical)


def measured(
    library: str, count: int, seed: int, advance: Callable[[], None], module: str = __name__, typical: str = "least",
    **environment: str,
) -> list[dict]:  # fmt: skip
    """Time `count` random problems: a record of each, with what was predicted, measured and chosen.

    In a process of its own, for one library's threads slow another's down: it runs `module`, which ends in `serve`,
    with these variables in its environment. The `typical` time of a method is the "least" or the "median".
    """
    command = [sys.executable, "-P", "-m", module, library, str(count), str(seed), typical]
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, text=True, env=os.environ | environment
        ) as child,
    ):
        assert child.stdout is not None
        records = []
        try:
            for line in child.stdout:
                if line.startswith("{"):
                    records.append(json.loads(line))
                    advance()
        except BaseException:
            child.kill()
            raise
        if child.wait() != 0:
            complaints.seek(0)
            raise RuntimeError(f"timing on {library} failed: {complaints.read()[-2000:]}")
    return records


def _answered(library: str, count: int, drawn: Iterator[Question], typical: Callable) -> Iterator[dict]:
    key = profile(library)
    done = 0
    for question in drawn:
        chosen, estimates = question.weighed(key)
        seconds = timed(library, question, chosen, estimates, typical)
        if seconds is None:
            continue
        predicted = {each.method: each.seconds for each in estimates}
        yield question.told() | {"chosen": chosen, "predicted_s": predicted, "measured_s": seconds}
        done += 1
        if done == count:
            return
        gc.collect()
        if library == "jax" and done % 50 == 0:
            import jax

            jax.clear_caches()  # hundreds of compiled functions fill the memory


def serve(draw: Callable[[int, bool], Iterator[Question]]) -> None:
    """Run in the process that `measured` starts: time problems and print the records, a line each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    library, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    typical: Callable = statistics.median if sys.argv[4] == "median" else min
    for record in _answered(library, count, draw(seed, profile(library) != "jax32"), typical):
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    serve(draw)
