"""SciPy's own verdict between "direct" and "fft" (``choose_conv_method``), with SciPy's published constants."""

from __future__ import annotations

import math
from collections.abc import Sequence

from konvolve.planning import dtypes


def scipy_choice(
    shape1: Sequence[int], shape2: Sequence[int], mode: str, dtype1: str, dtype2: str, peak: int | None = None
) -> str:
    """Return "fft" or "direct" by SciPy's rule, ``scipy.signal.choose_conv_method(measure=False)``.

    ``peak`` bounds the sums of integer inputs, ``max|in1| max|in2| min(sizes)``; from ``2**52`` on only the
    direct sum is exact. The constants are those SciPy published in its pull request 11031.
    """
    kinds = [dtypes.parse(dtype1).kind, dtypes.parse(dtype2).kind]
    if peak is not None and peak > 2**52 - 1:
        return "direct"
    if kinds == ["bool", "bool"] or "other" in kinds:
        return "direct"
    fft_ops, direct_ops = _operations(shape1, shape2, mode)
    o_fft, o_direct, offset = _constants(shape1, shape2, mode)
    return "fft" if o_fft * fft_ops < o_direct * direct_ops + offset else "direct"


def _operations(shape1: Sequence[int], shape2: Sequence[int], mode: str) -> tuple[float, float]:
    size1, size2 = math.prod(shape1), math.prod(shape2)
    full = [n1 + n2 - 1 for n1, n2 in zip(shape1, shape2, strict=True)]
    kept = {
        "full": full,
        "valid": [abs(a - b) + 1 for a, b in zip(shape1, shape2, strict=True)],
        "same": shape1,
    }[mode]
    if len(shape1) > 1:
        direct = size1 * size2 if mode == "same" else min(size1, size2) * math.prod(kept)
    elif mode == "full":
        direct = size1 * size2
    elif mode == "valid":
        direct = kept[0] * min(size1, size2)
    else:
        direct = size1 * size2 - (0 if size1 < size2 else (size2 // 2) * ((size2 + 1) // 2))
    points = math.prod(full)
    return 3 * points * math.log(points), direct


def _constants(shape1: Sequence[int], shape2: Sequence[int], mode: str) -> tuple[float, float, float]:
    if len(shape1) > 1:
        return {
            "valid": (1.85927e-9, 2.11242e-8, -1e-4),
            "full": (1.99817e-9, 1.66174e-8, -1e-4),
            "same": (2.04735e-9, 1.55367e-8, -1e-4),
        }[mode]
    if mode == "same" and math.prod(shape2) > math.prod(shape1):
        return 3.21635404e-9, 1.1773253e-8, -1e-5
    return {
        "valid": (1.89095737e-9, 2.1364985e-10, -1e-3),
        "full": (1.7649070e-9, 2.1414831e-10, -1e-3),
        "same": (3.2646654e-9, 2.8478277e-10, -1e-3),
    }[mode]
