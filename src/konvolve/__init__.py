"""SciPy's convolutions on TensorFlow, JAX, PyTorch and NumPy, and Keras's layers: fast when the kernel is large."""

import importlib
from typing import Any

from konvolve import _former as _former  # what was pickled or saved with former names of modules loads
from konvolve._version import __version__ as __version__
from konvolve.execution.kernel import Kernel as Kernel
from konvolve.execution.signal import plan as plan
from konvolve.signal import choose_conv_method as choose_conv_method
from konvolve.signal import convolve as convolve
from konvolve.signal import convolve2d as convolve2d
from konvolve.signal import correlate as correlate
from konvolve.signal import correlate2d as correlate2d
from konvolve.signal import correlation_lags as correlation_lags
from konvolve.signal import fftconvolve as fftconvolve
from konvolve.signal import oaconvolve as oaconvolve
from konvolve.signal import sepfir2d as sepfir2d
from konvolve.stream import Stream as Stream

_LATE = ("layers", "ndimage", "nn", "to_keras", "to_konvolve")


def __getattr__(name: str) -> Any:
    """Import what needs Keras, and what is a room of its own, when it is first asked for."""
    if name in ("layers", "ndimage", "nn"):
        return importlib.import_module(f"konvolve.{name}")
    if name in ("to_konvolve", "to_keras"):
        return getattr(importlib.import_module("konvolve.layers.convert"), name)
    raise AttributeError(f"module 'konvolve' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what is public."""
    functions = [name for name, value in globals().items() if getattr(value, "__module__", "").startswith("konvolve.")]
    return sorted([*functions, *_LATE, "__version__", "__doc__"])
