"""Which library an array belongs to: a dictionary on its type, then only libraries that are already imported.

An array's library must have been imported by whoever made the array, so a look into ``sys.modules`` is enough
and nothing is imported that the user has not imported. NumPy arrays, scalars and lists give way to the other
operand's library.
"""

from __future__ import annotations

import sys
from typing import Any

from konvolve.backends import numpy as numpy_backend
from konvolve.backends.interface import Backend

LIBRARIES = ("tensorflow", "jax", "torch")
"""The libraries besides NumPy that have a backend, by the name of their module."""

_BY_TYPE: dict[type, Backend | None] = {}


def backend(name: str) -> Backend:
    """Return a backend by its library's name; ValueError for one that konvolve has not."""
    if name not in ("numpy", *LIBRARIES):
        raise ValueError(f"konvolve has no backend for {name!r}; it has numpy, {', '.join(LIBRARIES)}")
    # Plain statements: a tracing compiler follows them, and not importlib.
    found: Any = numpy_backend
    if name == "tensorflow":
        from konvolve.backends import tensorflow as found
    elif name == "jax":
        from konvolve.backends import jax as found
    elif name == "torch":
        from konvolve.backends import torch as found
    return found


def _find(x: Any) -> Backend | None:
    """Return the backend of an array, None for NumPy arrays, scalars, lists and anything unknown."""
    if not numpy_backend.owns(x):
        for library in LIBRARIES:
            if library in sys.modules:
                found = backend(library)
                if found.owns(x):
                    for kind in found.types:
                        _BY_TYPE[kind] = found
                    return found
    return None


_KINDS: dict[type, str] = {}


def _kind(kind: type) -> str:
    """Return "symbolic" or "variable" for Keras's types, "chunked" for dask's, "labelled" for xarray's, or nothing."""
    found = _KINDS.get(kind)
    if found is None:
        found = ""
        if kind.__module__.startswith("keras."):
            if kind.__name__ == "KerasTensor":
                found = "symbolic"
            elif hasattr(kind, "value") and hasattr(kind, "path"):
                found = "variable"
        elif kind.__module__.startswith("dask.array.") and hasattr(kind, "__dask_graph__"):
            found = "chunked"
        elif kind.__module__.startswith("xarray.") and kind.__name__ in ("DataArray", "Dataset"):
            found = "labelled"
        _KINDS[kind] = found
    return found


# torch.compile shall call it and not look in: the module's name of torch.nn.Parameter is no constant to it.
_kind._dynamo_marked_constant = True  # type: ignore[attr-defined]


def is_symbolic(x: Any) -> bool:
    """Whether x is one of Keras's symbolic tensors, which have a shape and a dtype and no values."""
    return _kind(type(x)) == "symbolic"


def in_chunks(x: Any) -> bool:
    """Whether x is a dask array, whose chunks are computed later."""
    return _kind(type(x)) == "chunked"


def is_labelled(x: Any) -> bool:
    """Whether x is an array of xarray, whose axes have names."""
    return _kind(type(x)) == "labelled"


def is_particular(x: Any) -> bool:
    """Whether x is more than an array: symbolic, in chunks or labelled. An operation of it is recorded."""
    return _kind(type(x)) in ("symbolic", "chunked", "labelled")


def _of_numpy() -> Any:
    """Return the backend of NumPy arrays: PyTorch's inside torch.compile, which turns them into tensors."""
    torch: Any = sys.modules.get("torch")
    return backend("torch") if torch is not None and torch.compiler.is_compiling() else numpy_backend


def resolve(arrays: dict[str, Any]) -> tuple[Backend, list[Any]]:
    """Return the one library of the named arguments, and each of them as its array.

    Raises TypeError that names both libraries where two are mixed.
    """
    chosen: Backend | None = None
    owner = ""
    values = []
    for argument, x in arrays.items():
        special = _kind(type(x))
        if special == "symbolic":
            raise TypeError(f"{argument} is a symbolic tensor, and its values are asked for")
        if special == "variable":
            x = x.value
        values.append(x)
        kind = type(x)
        found = _BY_TYPE[kind] if kind in _BY_TYPE else _BY_TYPE.setdefault(kind, _find(x))
        if found is None or found is chosen:
            continue
        if chosen is not None:
            raise TypeError(
                f"{owner} is of {chosen.name} and {argument} of {found.name}: two libraries cannot be mixed in one "
                "call; convert one of them"
            )
        chosen, owner = found, argument
    xp: Any = chosen or _of_numpy()
    like = next((x for x in values if _BY_TYPE.get(type(x)) is xp), None)
    for place, (argument, x) in enumerate(zip(arrays, values, strict=True)):
        try:
            values[place] = xp.asarray(x, like)
        except TypeError as error:
            raise TypeError(f"{argument}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{argument}: {error}") from error
    return xp, values
