"""Remembering what has been worked out once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable)


def remembered(function: F) -> F:
    """Keep every result by its positional arguments, in a plain dictionary.

    ``functools.cache`` would do, but tracing compilers warn about it and look through it; a dictionary they follow.
    """
    known: dict[tuple, Any] = {}

    @functools.wraps(function)
    def recall(*arguments: Any) -> Any:
        if arguments not in known:
            known[arguments] = function(*arguments)
        return known[arguments]

    # torch.compile shall call it, and not look in (see execute._shelve): what is called fills the dictionary.
    recall._dynamo_marked_constant = True  # type: ignore[attr-defined]
    recall.forget = known.clear  # type: ignore[attr-defined]
    return recall  # type: ignore[return-value]
