"""Remembering what has been worked out once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable)

# Of one function. Long programs ask about ever new sizes; what is dropped is worked out again.
_MOST_RESULTS = 4096


def remembered(function: F) -> F:
    """Keep results by their positional arguments, in a plain dictionary; threads may share it.

    ``functools.cache`` would do, but tracing compilers warn about it and look through it; a dictionary they follow.
    """
    known: dict[tuple, Any] = {}

    @functools.wraps(function)
    def recall(*arguments: Any) -> Any:
        found = known.get(arguments, known)  # the dictionary itself stands for no result
        if found is known:
            found = function(*arguments)
            if len(known) >= _MOST_RESULTS:
                known.clear()
            known[arguments] = found
        return found

    # torch.compile shall call it, and not look in (see _shelve in execution): what is called fills the dictionary.
    recall._dynamo_marked_constant = True  # type: ignore[attr-defined]
    recall.forget = known.clear  # type: ignore[attr-defined]
    return recall  # type: ignore[return-value]
