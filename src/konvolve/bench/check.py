"""Whether planning's constants fit this machine: a few convolutions, every method timed, in a fraction of a second."""

from __future__ import annotations

import math
from collections.abc import Sequence

from konvolve.bench import judge, problems
from konvolve.bench.problems import Question

QUESTIONS = (
    Question((200_000,), (31,), "same", (0,), "float32"),
    Question((200_000,), (2001,), "same", (0,), "float32"),
    Question((512, 512), (9, 9), "same", (0, 1), "float32"),
    Question((512, 512), (63, 63), "same", (0, 1), "float32"),
    Question((64, 4000), (1, 201), "same", (1,), "float32"),
)
"""Where two methods or more are near each other, and each method is near the best once: 1 to 10 ms each."""

# A choice that costs so much, in the geometric mean over the questions, is worth a calibration.
WORTH = 1.25


def measured(library: str, questions: Sequence[Question] = QUESTIONS) -> list[dict]:
    """What each method was predicted to take on each question, and takes."""
    records = []
    for question in questions:
        chosen, estimates = question.weighed(problems.profile(library))
        seconds = problems.timed(library, question, chosen, estimates)
        if seconds is not None:
            predicted = {each.method: each.seconds for each in estimates}
            records.append({"chosen": chosen, "predicted_s": predicted, "measured_s": seconds})
    return records


def sentence(library: str, records: Sequence[dict]) -> str:
    """What the records say of the constants in use, and what is to be done about it."""
    lost = math.exp(sum(math.log(judge.ratio(record)) for record in records) / len(records))
    off = [seconds / record["predicted_s"][m] for record in records for m, seconds in record["measured_s"].items()]
    found = f"the methods chosen take {lost:.2f} of the best's time; all take {_middle(off):.2g} of what is predicted"
    if lost <= WORTH:
        return found
    return f"{found}; konvolve bench --calibrate --library {library} fits the constants to this machine"


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
