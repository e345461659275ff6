"""Arrays whose values come later: an operation of them is recorded and done then."""

from __future__ import annotations

from typing import Any

from konvolve.backends.registry import in_chunks as in_chunks
from konvolve.backends.registry import is_deferred as is_deferred
from konvolve.backends.registry import is_symbolic as is_symbolic


def record(operation: str, arrays: tuple, options: dict[str, Any]) -> Any:
    """Return the result of an operation, by its name, as an array whose values come later."""
    if any(map(is_symbolic, arrays)):
        from konvolve.execution.deferred import symbolic  # imports Keras, as whoever made the tensor has

        return symbolic.record(operation, arrays, options)
    from konvolve.execution.deferred import dask  # likewise

    return dask.record(operation, arrays, options)
