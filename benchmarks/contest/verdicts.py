"""What the contest has shown, summed up: konvolve's ratios to the others, and whether the aims are met."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.contest.aims import AIMS, PART_AIM, THIRD_AIM, TRANSFORMS_AIM, Aim
from benchmarks.contest.contestants import PART, TRANSFORMS
from benchmarks.contest.workloads import BACKWARD, CALL
from konvolve.bench import results
from konvolve.bench.contestants import BY_HAND, PEER
from konvolve.bench.measure import Entry
from konvolve.bench.results import against, fastest
from konvolve.bench.workloads import Workload


def _verdicts(w: Workload, aims: Aim, timed: list[Entry]) -> list[dict]:
    """Each of konvolve's judged entries against what its aims name.

    On TensorFlow that is the best of everything, and the best function that a library brings; on another library what
    that library brings, or for a gradient and a small call what can be put together in it.
    """
    found = []
    for judged in (entry for entry in timed if entry.contestant.judged):
        library = judged.contestant.library
        own = (PEER, BY_HAND) if w.group in (BACKWARD, CALL) else (PEER,)
        named = {entry.contestant.name: entry for entry in timed}
        rivals: list[tuple[Entry | None, float | None, str]]
        if aims.rivals and library == "tensorflow":
            rivals = [(named.get(name), aim, "a peer that was named") for name, aim in aims.rivals.items()]
        elif library != "tensorflow":
            rivals = [(fastest(timed, *own, library=library), aims.own.get(library), f"the best on {library}")]
        else:
            everything = fastest(timed, PEER, BY_HAND, library="tensorflow" if w.group == CALL else None)
            rivals = [(everything, aims.best, "the best of all")]
            if w.group != CALL:
                rivals.append((fastest(timed, PEER), aims.best, "the best ready-made function"))
        if aims.rivals and library == "torch":
            rivals += [(named.get(name), THIRD_AIM, "by transforms") for name in ("torch-fftconv", "fft-conv-pytorch")]
        rivals.append((fastest(timed, TRANSFORMS, library=library), TRANSFORMS_AIM, "its own transforms"))
        rivals.append((fastest(timed, PART, library=library), PART_AIM, "the forward pass alone"))
        said: set[str] = set()
        for other, aim, what in rivals:
            if other is None or other.contestant.name in said:
                continue
            said.add(other.contestant.name)
            compared = against(judged, other)
            met = None if aim is None else compared["ratio"] <= aim
            names = {"judged": judged.contestant.name, "library": library, "other": other.contestant.name, "as": what}
            found.append(names | compared | {"aim": aim, "met": met})
    return found


def summary(w: Workload, entries: Sequence[Entry], aims: Aim | None = None) -> dict:
    """What goes into the results file for one workload: the race's summary, the aim and the verdicts."""
    aims = aims or AIMS.get(w.name, Aim())
    timed = [entry for entry in entries if entry.times]
    return results.summary(w, entries) | {"aim": aims.best, "verdicts": _verdicts(w, aims, timed)}
