"""The libraries: how a NumPy array becomes an array of theirs, and how the answer comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


class CannotConvertError(AssertionError):
    """An array has a dtype the library lacks, or the answer is no array of the library.

    Not a ValueError or TypeError: SciPy's tests of wrong arguments would take one for the right error.
    """


@dataclass(frozen=True)
class Library:
    """One array library, as SciPy's tests (which speak NumPy) need it."""

    array_type: type | tuple[type, ...]
    from_numpy: Callable[[Any], Any]
    to_numpy: Callable[[Any], Any]
    #: Whether 64-bit arrays become 32-bit ones on the way in.
    narrows: bool = False
    #: Whether its transforms in single precision may err by a few roundings more than SciPy's own.
    rounds_more: bool = False

    def encode(self, value: Any) -> Any:
        """Turn one array argument into an array of the library."""
        try:
            return self.from_numpy(value)
        except Exception as error:
            raise CannotConvertError(f"{getattr(value, 'dtype', type(value))}: {error}") from error

    def decode(self, value: Any) -> Any:
        """Turn the answer into what SciPy would have given; a scalar where the answer has no axes."""
        if not isinstance(value, self.array_type):
            raise CannotConvertError(f"the answer is a {type(value)}, not a {self.array_type}")
        return self.to_numpy(value)


def _numpy() -> Library:
    # Nothing is converted: lists and scalars reach konvolve as the test wrote them.
    return Library((np.ndarray, np.generic), lambda x: x, lambda x: x)


def _tensorflow() -> Library:
    import tensorflow as tf

    # Through NumPy first: tf.constant([1, 2]) is int32 and tf.constant([1.0]) float32, SciPy takes 64 bits.
    return Library(tf.Tensor, lambda x: tf.constant(np.asarray(x)), lambda x: x.numpy()[()])


def _jax(x64: bool) -> Library:
    import jax

    jax.config.update("jax_enable_x64", x64)
    return Library(jax.Array, jax.numpy.asarray, lambda x: np.asarray(x)[()], narrows=not x64)


def _torch() -> Library:
    import torch

    # Negative strides are refused, and a read-only array warns: a copy has neither.
    return Library(
        torch.Tensor, lambda x: torch.from_numpy(np.array(x)), lambda x: x.numpy(force=True)[()], rounds_more=True
    )


LIBRARIES: dict[str, Callable[[], Library]] = {
    "numpy": _numpy,
    "tensorflow": _tensorflow,
    "jax": lambda: _jax(x64=False),
    "jax-x64": lambda: _jax(x64=True),
    "torch": _torch,
}
