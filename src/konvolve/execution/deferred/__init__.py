"""Arrays that are more than arrays: without values yet, in chunks, or with names. Operations of them are recorded."""

from __future__ import annotations

from typing import Any

from konvolve.backends.registry import in_chunks as in_chunks
from konvolve.backends.registry import is_labelled
from konvolve.backends.registry import is_particular as is_particular
from konvolve.backends.registry import is_symbolic as is_symbolic
from konvolve.execution.deferred import labelled


def record(operation: str, arrays: tuple, options: dict[str, Any]) -> Any:
    """Return the result of an operation, by its name, as an array of their kind."""
    if any(map(is_labelled, arrays)):
        return labelled.compute(operation, arrays, options)
    if any(map(is_symbolic, arrays)):
        from konvolve.execution.deferred import symbolic  # imports Keras, as whoever made the tensor has

        return symbolic.record(operation, arrays, options)
    from konvolve.execution.deferred import dask  # likewise

    return dask.record(operation, arrays, options)
