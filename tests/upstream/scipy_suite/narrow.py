"""SciPy's assertions for other libraries: for those without 64-bit numbers, and for other single-precision FFTs.

SciPy's tests take float64 for granted. For a library without it (JAX as it comes) the answer is widened to the
dtype SciPy would have given, and SciPy's assertions get a tolerance that suits float32, relative to the largest
value: an FFT's error is. Integers stay exact.

Where SciPy's tests are about single precision their tolerance was found by experiment with SciPy's FFT; another
FFT (PyTorch's is MKL) gets a few roundings of the largest value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_WIDE = {"float32": "float64", "complex64": "complex128", "int32": "int64", "uint32": "uint64"}
_TOLERANCE = 2e-5
_FEW_ROUNDINGS = 4 * 2.0**-23


def widen(name: str, answer: Any, arguments: Sequence[Any]) -> Any:
    """Give the answer the dtype SciPy's would have, where an argument was narrowed on its way in."""
    # The dtype of sepfir2d's answer follows the image alone.
    decisive = arguments[:1] if name == "sepfir2d" else arguments
    dtypes = [np.asarray(x).dtype for x in decisive]
    narrowed = any(d.str[1:] in {"f8", "c16", "i8", "u8"} for d in dtypes)
    return answer.astype(_WIDE.get(answer.dtype.name, answer.dtype)) if narrowed else answer


def loosen_assertions() -> None:
    """Replace SciPy's assertion helpers, before a test module imports them."""
    from scipy._lib import _array_api as helpers

    strictly_close, strictly_equal = helpers.xp_assert_close, helpers.xp_assert_equal

    def close(actual: Any, desired: Any, **how: Any) -> None:
        how["rtol"] = max(how.get("rtol") or 0, _TOLERANCE)
        how["atol"] = max(how.get("atol", 0), _TOLERANCE * _largest(desired))
        strictly_close(actual, desired, **how)

    def equal(actual: Any, desired: Any, **checks: Any) -> None:
        inexact = np.issubdtype(np.asarray(desired).dtype, np.inexact)
        (close if inexact else strictly_equal)(actual, desired, **checks)

    def almost_equal(actual: Any, desired: Any, decimal: int = 6, **_ignored: Any) -> None:
        atol = max(1.5 * 10.0**-decimal, _TOLERANCE * _largest(desired))
        np.testing.assert_allclose(actual, desired, rtol=_TOLERANCE, atol=atol)

    helpers.xp_assert_close, helpers.xp_assert_equal = close, equal
    helpers.assert_array_almost_equal = helpers.assert_almost_equal = almost_equal


def allow_few_roundings() -> None:
    """Let results in single precision differ by a few roundings of the largest value."""
    from scipy._lib import _array_api as helpers

    strictly_close = helpers.xp_assert_close

    def close(actual: Any, desired: Any, **how: Any) -> None:
        if np.asarray(desired).dtype in (np.float32, np.complex64):
            how["atol"] = max(how.get("atol", 0), _FEW_ROUNDINGS * _largest(desired))
        strictly_close(actual, desired, **how)

    helpers.xp_assert_close = close


def _largest(values: Any) -> float:
    values = np.abs(np.asarray(values, dtype=complex))
    return float(values.max()) if values.size else 0.0
