"""What planning has to know of each library: speeds, and what its own convolution can do.

The keys are those of ``planning.cost.Traits``, which says what they mean. They stand apart from the backends so
that a plan can be made and read where the library is not installed. Fitted on two cores (AMD EPYC, AVX-512) with
TensorFlow 2.21, JAX 0.10, PyTorch 2.13, NumPy 2.4 and SciPy 1.17 to 60 to 110 random problems for each library
(`konvolve bench --calibrate`), TensorFlow's by hand; only their ratios decide.
"""

from __future__ import annotations

from typing import Any

CONSTANTS: dict[str, dict[str, Any]] = {
    "numpy": {
        "fft": 7.9e-11,
        "alone": 2.8,
        "together": 8,
        "crowded": 1.4,
        "tap": 6.0e-10,
        "direct": {1: 1.6e-10, 2: 5.0e-9, 3: 3.0e-9, 4: 4.0e-9},
        "product": 1.7e-11,
        "move": 6.5e-10,
        "call": 6.0e-6,
        "row": 4.0e-7,
        "native_exact": True,
        "native_complex": True,
        "band": 2**20,
        "memory": (
            ("fft", (2.0, 3.0, 2.0)),
            ("alone", (4.3, 3.1)),
            ("blocks", (4.5, 5.0)),
            ("joined", 1.0),
            ("loop", 3.0),
            ("direct", (1.0, 1.0, 1.0)),
            ("lone", 2.0),
            ("matrix", (1.0, 1.15, 0.0, 1.0)),
        ),
    },
    "tensorflow": {
        "fft": 6.5e-11,
        "alone": 3.8,
        "together": 8,
        "tap": 1.0e-9,
        "direct": {1: 2.0e-10, 2: 2.0e-10, 3: 5.0e-10},
        "product": 2.5e-11,
        "banded": {1: 1.0e-11, 2: 9.5e-12, 3: 1.3e-11},
        "banded_double": {1: 3.5e-11, 2: 3.5e-11},
        "move": 5.0e-10,
        "call": 2.5e-5,
        "row": 0.0,
        "native_exact": False,
        "native_complex": False,
        "band": 2**21,
        "memory": (
            ("fft", (3.0, 4.0, 4.0)),
            ("alone", (6.3, 5.0)),
            ("blocks", (5.5, 6.0)),
            ("joined", 2.0),
            ("loop", 3.0),
            ("direct", (1.0, 1.0, 1.0)),
            ("lone", 4.8),
            ("matrix", (2.0, 1.45, 1.25, 1.0)),
            ("layout", 1.3),
        ),
        "start": 2.5e-4,
    },
    "jax": {
        "fft": 9.9e-11,
        "alone": 3.2,
        "together": 1,
        "crowded": 2.0,
        "tap": 9.3e-11,
        "direct": {1: 1.0e-9, 2: 1.0e-9, 3: 1.5e-8},
        "product": 3.2e-11,
        "banded": {1: 1.9e-11, 2: 1.9e-11},
        "move": 9.7e-10,
        "call": 2.9e-6,
        "row": 0.0,
        "native_exact": True,
        "native_complex": True,
        "band": 2**22,
        "memory": (
            ("fft", (3.0, 3.0, 3.0)),
            ("alone", (4.0, 4.0)),
            ("blocks", (4.9, 8.0)),
            ("joined", 1.0),
            ("loop", 1.0),
            ("direct", (1.0, 1.0, 1.0)),
            ("lone", 1.0),
            ("matrix", (0.0, 2.1, 2.1, 0.0)),
        ),
        # Seen: 49 taps on 1024 x 1024 3 ms, their gradient 245 ms, by the matrix 33 ms.
        "fused": True,
        "late_lengths": False,
        "start": 5.0e-5,
    },
    "torch": {
        "fft": 6.4e-11,
        "alone": 3.6,
        "together": 1,
        "crowded": 2.0,
        "tap": 6.4e-10,
        "direct": {1: 5.6e-10, 2: 3.6e-10, 3: 3.4e-10},
        "product": 1.4e-11,
        "banded": {1: 1.1e-11, 2: 1.35e-11, 3: 1.4e-11},
        "move": 8.0e-10,
        "call": 1.6e-5,
        "row": 0.0,
        "native_exact": False,
        "native_complex": True,
        "band": 2**22,
        "memory": (
            ("fft", (2.0, 3.0, 3.0)),
            ("alone", (4.3, 3.1)),
            ("blocks", (3.7, 6.5)),
            ("joined", 1.0),
            ("loop", 4.0),
            ("direct", (17.5, 17.5, 19.0)),
            ("lone", 17.5),
            ("matrix", (1.0, 1.05, 0.0, 1.0)),
            ("batched", 1.0),
            ("cropped", 1.0),
        ),
    },
}
CONSTANTS["jax32"] = CONSTANTS["jax"] | {"has_float64": False}

# The keys are those of ``planning.channel_plan.ChannelTraits``. Chosen on 40 random layers for each library and judged
# by others (`konvolve bench --validate N --channels`).
CHANNELS: dict[str, dict[str, Any]] = {
    "numpy": {
        "dense": {1: 6.0e-11, 2: 6.0e-11, 3: 6.0e-11},
        "narrow": 0.0,
        "grouped": 1.0,
        "sample": 1.0e-9,
        "depthwise": 1.0e-9,
        "depthwise_sample": 1.0e-9,
        "slim": 0.0,
        "product": 8.0e-10,
        "moved": 2.5e-10,
        "native": False,
    },
    "tensorflow": {
        "dense": {1: 2.4e-11, 2: 1.6e-11, 3: 1.8e-11},
        "narrow": 16.0,
        "grouped": 1.0,
        "sample": 1.3e-9,
        "depthwise": 5.0e-11,
        "depthwise_sample": 1.3e-9,
        "slim": 6.0,
        "product": 3.3e-10,
        "moved": 2.8e-10,
        # Seen: 256 taps of 1793 outputs 6.1e-9 and of 769 outputs 9.5e-11; 15 x 15 of 64 x 64 8.2e-9, 14 x 14 2.9e-11.
        "cliff": (128, 400_000, 8.0e-9),
        # Seen: 3 x 3 2.9e-10, 7 x 7 4.4e-10, 15 x 15 1.1e-9.
        "depthwise_cliff": (49, 0, 5.0e-10),
        "plain": (3,),
        "mixed": False,
    },
    "jax": {
        "dense": {1: 1.8e-11, 2: 1.5e-11, 3: 1.0e-10},
        "narrow": 50.0,
        "grouped": 4.3,
        "sample": 4.7e-9,
        "depthwise": 1.7e-9,
        "depthwise_sample": 2.5e-8,
        "slim": 0.5,
        "product": 1.0e-9,
        "moved": 2.7e-10,
    },
    "torch": {
        "dense": {1: 2.5e-11, 2: 1.2e-11, 3: 5.0e-11},
        "narrow": 16.0,
        "grouped": 1.0,
        "sample": 3.0e-9,
        "depthwise": 5.0e-11,
        "depthwise_sample": 1.0e-9,
        "slim": 12.0,
        "product": 1.5e-10,
        "moved": 2.5e-10,
    },
}
CHANNELS["jax32"] = CHANNELS["jax"]
