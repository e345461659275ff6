"""A kernel that may change between calls, and whose it is: its spectra are kept until it does.

Nothing tells reliably that a weight has changed: a variable of TensorFlow counts no changes, and PyTorch counts only
those that go by way of its autograd. So the values themselves are compared with those the spectra were made of, in
every call. That reads the kernel once, which is little beside a transform of it.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from konvolve.backends.interface import Array, Backend
from konvolve.execution.kernel import Kernel
from konvolve.planning.nn.plan import ChannelPlan

MOST_BYTES = 2**28
"""So much is kept for all owners together; what there is no more room for is computed in each call."""

MOST_CONSTANT = 2**26
"""So large may a spectrum be that becomes a constant of a compiled function."""

# So many spectra of one kernel: for inputs of a few sizes that take turns.
_MOST_SPECTRA = 4


class _Kept:
    """A kernel, with a copy of its values, and the bytes of each of its spectra."""

    def __init__(self, values: np.ndarray) -> None:
        self.kernel = Kernel(values)
        self.sizes: dict[tuple, int] = {}  # replaced and never changed: other threads may be adding it up


# Apart from the owners: nothing of this is copied, pickled or saved with them.
_KEPT: weakref.WeakKeyDictionary[Any, _Kept] = weakref.WeakKeyDictionary()


class Weight:
    """An array as the kernel of a convolution on channels, and the object for which its spectra are kept.

    The owner is one that can be weakly referenced and hashed, and has one kernel at a time. An array of NumPy is a
    constant, also of a function that is being traced.
    """

    def __init__(self, array: Any, owner: Any) -> None:
        self.array = array
        self.owner = owner

    def kept(self, xp: Backend, plan: ChannelPlan, x: Array, b: Array) -> Kernel | None:
        """Return the kernel of the present values, None where nothing may be kept; ``b`` is the library's array.

        Unless it is a constant, nothing is kept while a function is traced, since nobody could tell it of a change,
        nor where a derivative may be taken to the kernel or its values lie on an accelerator.
        """
        if isinstance(self.array, np.ndarray):
            if plan.prepared_bytes > MOST_CONSTANT and (xp.traced(x) or xp.traced(b)):
                return None
            values: Any = self.array
        else:
            values = None if xp.traced(x) or xp.traced(b) else xp.values(b)
            if values is None:
                return None
        key = (xp.profile(), xp.device(b), plan.preparation)
        found = _KEPT.get(self.owner)
        if found is not None and np.array_equal(found.kernel.array, values):
            if key in found.sizes:
                return found.kernel
        else:
            found = None
        if found is None or len(found.sizes) >= _MOST_SPECTRA:
            _KEPT.pop(self.owner, None)
            found = None
        size = plan.prepared_bytes
        if size + _kept_bytes() > MOST_BYTES:
            return None
        if found is None:
            found = _KEPT[self.owner] = _Kept(values)
        found.sizes = found.sizes | {key: size}
        return found.kernel


def _kept_bytes() -> int:
    """Return the bytes of all that is kept, to which other threads may be adding: the owners are listed first."""
    owners = [reference() for reference in _KEPT.keyrefs()]
    kept = [_KEPT.get(owner) for owner in owners if owner is not None]
    return sum(sum(each.sizes.values()) for each in kept if each is not None)
