"""What is given in the place of an array: lists and numbers become arrays; what cannot be one is refused by name."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

# What reads itself whole when an array is made of it, by the package of its type, and the way to do so on purpose.
_ELSEWHERE = {
    "dask": "pass x.compute() to have that",
    "zarr": "pass x[:] to have that, or dask.array.from_zarr(x) to convolve it chunk by chunk",
    "h5py": "pass x[:] to have that, or dask.array.from_array(x) to convolve it chunk by chunk",
}

_NAMES: dict[np.dtype, str] = {}


def dtype_name(kind: np.dtype) -> str:
    """Return the name of a dtype; NumPy makes it up at each question, in several microseconds."""
    found = _NAMES.get(kind)
    if found is None:
        found = kind.name
        if kind.isbuiltin:  # these are few
            _NAMES[kind] = found
    return found


def in_memory(x: Any) -> np.ndarray:
    """Return an array, number or list as an array; TypeError that says what is given instead, and what to do."""
    kind = type(x)
    package = kind.__module__.partition(".")[0]
    if package in _ELSEWHERE and hasattr(x, "dtype"):
        raise TypeError(
            f"a {package} array ({kind.__name__} of shape {x.shape}) is not in memory, and konvolve would read all of "
            f"it: {_ELSEWHERE[package]}"
        )
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            raise TypeError(
                f"a masked array with {np.ma.count_masked(x)} masked samples cannot be convolved: what stands under "
                "the mask would count; pass x.filled(0), or to correlate with normalize=True x.data, and ~x.mask as "
                "mask1 or mask2"
            )
        return np.asarray(x)
    try:
        found = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"a {kind.__name__} must have rows of equal lengths to be an array ({error})") from None
    if found.dtype == object and found.ndim == 0 and not isinstance(found.item(), numbers.Number):
        raise TypeError(_no_array(x))
    return found


def _no_array(x: Any) -> str:
    kind = type(x)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    way = "pass an array of NumPy, TensorFlow, JAX or PyTorch, or a list of numbers"
    if hasattr(x, "__dlpack__"):
        way = "it can be handed on by DLPack: pass np.from_dlpack(x), or what another library's from_dlpack makes of it"
    return f"{'None' if x is None else f'a {name}'} is not an array; {way}"
