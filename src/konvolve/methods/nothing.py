"""Zeros where an operand is empty, which still depend on the operands."""

from __future__ import annotations

from collections.abc import Sequence

from konvolve.backends.interface import Array, Backend, Size
from konvolve.planning import dtypes


def zeros(xp: Backend, shape: Sequence[Size], dtype: str, *operands: Array) -> Array:
    """Return zeros whose derivatives by the operands are zeros too.

    Without a path from the operands to the result there would be no derivatives: PyTorch raises, TensorFlow returns
    None. So the sum of no samples of each operand is added, which is zero whatever their values are.
    """
    y = xp.zeros(shape, dtype, operands[0])
    if dtypes.parse(dtype).integral:
        return y
    for x in operands:
        rank = len(xp.shape(x))
        none = xp.window(x, [0] * rank, [0] * rank)
        if dtypes.is_complex(xp.dtype(x)) and not dtypes.is_complex(dtype):  # SciPy's empty result is always real
            none = xp.split_complex(none)[0]
        y = y + xp.reshape(xp.total(xp.cast(none, dtype), range(rank)), ())
    return y
