"""Plans made once: what was planned is remembered by everything it depends on."""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable
from typing import Any

from konvolve.backends.interface import Backend
from konvolve.planning.operands import plain
from konvolve.profiles import in_use

# Plans by everything they depend on. Threads share them without a lock: each step is one operation on the dictionary,
# and a plan that has been found is used itself, so that it may be dropped meanwhile.
_PLANS: dict[tuple, Any] = {}
_MOST_PLANS = 4096

# The same for a compiler that reads this file, by a name. Nothing is dropped: compiled programs go on looking there.
_SHELF = types.SimpleNamespace()
_NAMES: dict[tuple, str] = {}
_NUMBERS = itertools.count()


def recall(xp: Backend, planning: Callable, facts: tuple, options: dict[str, Any]) -> Any:
    """Return ``planning(*facts, **options)``, a plan, from the cache where it stands there; a function's name is first.

    The cache holds the plans of all functions, those on channels included.
    """
    if not all(map(_is_plain, options.values())):
        options = {name: plain(option) for name, option in options.items()}
        if not all(map(_is_plain, options.values())):  # an iterator, or a mistake for the checker to name
            return planning(*facts, **options)
    if xp.reads_code():
        return getattr(_SHELF, _shelve(planning, facts, options))
    return _planned(planning, facts, options)


def _planned(planning: Callable, facts: tuple, options: dict[str, Any]) -> Any:
    # Text and not values: 1, 1.0 and True are equal, and not all of them are axes.
    key = (facts, repr(options))
    found = _PLANS.get(key)
    if found is None:
        found = planning(*facts, **options)
        if len(_PLANS) >= _MOST_PLANS:
            _PLANS.clear()
        _PLANS[key] = found
    return found


def _shelve(planning: Callable, facts: tuple, options: dict[str, Any]) -> str:
    """Return the name under which the plan that answers a question stands on the shelf."""
    key = (facts, repr(options))
    name = _NAMES.get(key)
    if name is None:
        name = f"plan{next(_NUMBERS)}"
        setattr(_SHELF, name, _planned(planning, facts, options))
        _NAMES[key] = name  # last: whoever finds the name finds the plan
    return name


def forget() -> None:
    """Forget all plans, and the constants they were made with."""
    _PLANS.clear()
    _NAMES.clear()
    in_use.profile.forget()  # type: ignore[attr-defined]


# What torch.compiler.assume_constant_result does, without PyTorch: the compiler calls it and does not trace planning.
# The plan itself it reads from the shelf: of an object that is a constant to it, it cannot call the methods.
_shelve._dynamo_marked_constant = True  # type: ignore[attr-defined]


_PLAIN = frozenset((str, int, bool, float, complex, type(None)))


def _is_plain(option: Any) -> bool:
    """Whether an option's text says all of it."""
    kind = type(option)
    return kind in _PLAIN or ((kind is tuple or kind is list) and all(map(_is_plain, option)))
