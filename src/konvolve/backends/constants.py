"""What planning has to know of each library: speeds, and what its own convolution can do.

The keys are those of ``planning.cost.Traits``, which says what they mean. They stand apart from the backends so
that a plan can be made and read where the library is not installed. Measured on two cores (AMD EPYC, AVX-512)
with TensorFlow 2.21, NumPy 2.4 and SciPy 1.17; only their ratios decide.
"""

from __future__ import annotations

from typing import Any

CONSTANTS: dict[str, dict[str, Any]] = {
    "numpy": {
        "fft": 7.0e-11,
        "alone": 1.6,
        "tap": 9.0e-10,
        "direct": 2.2e-10,
        "call": 2.0e-6,
        "row": 1.5e-6,
        "native_ranks": (1,),
        "native_exact": True,
        "native_complex": True,
        "loop_taps": 0,
        "band": 2**20,
    },
    "tensorflow": {
        "fft": 5.5e-11,
        "alone": 1.6,
        "tap": 1.0e-9,
        "direct": 2.0e-10,
        "call": 8.0e-6,
        "row": 0.0,
        "native_ranks": (1, 2, 3),
        "native_exact": False,
        "native_complex": False,
        "loop_taps": 4,
        "band": 2**22,
    },
}
