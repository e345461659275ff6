"""Arrays that have no values yet: an operation of them is recorded and done later."""

from __future__ import annotations

from typing import Any

from konvolve.backends.registry import is_symbolic as is_symbolic


def record(operation: str, arrays: tuple, options: dict[str, Any]) -> Any:
    """Return the result of an operation, by its name, as an array without values."""
    from konvolve.execution.deferred import symbolic  # imports Keras, which whoever made the tensor has imported

    return symbolic.record(operation, arrays, options)
