"""The pytest plugin of the child process: konvolve's filters in the place of SciPy's while a test runs, and a report.

Loaded with `-p ndimage_suite.plugin`, so that it acts before SciPy's test module is imported: its decorators and
parameters take the functions as they find them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import suite_plugin

from .known import reason_for

FILTERS = (
    "convolve", "correlate", "convolve1d", "correlate1d", "gaussian_filter", "gaussian_filter1d", "uniform_filter",
    "uniform_filter1d", "sobel", "prewitt", "laplace", "gaussian_laplace", "gaussian_gradient_magnitude",
    "generic_laplace", "generic_gradient_magnitude",
)  # fmt: skip


pytest_addoption = suite_plugin.add_options


def pytest_configure(config: pytest.Config) -> None:
    import scipy.ndimage
    from scipy._lib import _array_api

    runner = Runner(config, reason_for)
    for name in FILTERS:
        original = getattr(scipy.ndimage, name)
        stand_in = runner.stand_in(name, original)
        table = getattr(_array_api, "xp_capabilities_table", {})
        if original in table:  # SciPy 1.16 and later: decorators look the capabilities up by function
            table[stand_in] = table[original]
        setattr(scipy.ndimage, name, stand_in)
    config.pluginmanager.register(runner)


class Runner(suite_plugin.Runner):
    """Puts konvolve's filters in the place of SciPy's while a test runs."""

    def stand_in(self, name: str, original: Callable) -> Callable:
        """Return the function that stands in the place of SciPy's."""
        import konvolve.ndimage

        ours = getattr(konvolve.ndimage, name)

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self.active:
                return original(*args, **kwargs)
            self.calls[name] += 1
            arrays = 2 if "correlate" in name or "convolve" in name else 1
            args = tuple(self.encode(x) if i < arrays else x for i, x in enumerate(args))
            kwargs = {k: self.encode(x) if k in ("input", "weights") else x for k, x in kwargs.items()}
            asked = inspect.signature(original).bind(*args, **kwargs).arguments
            into = asked.get("output")
            if self.name != "numpy" and isinstance(into, np.ndarray):  # which other libraries cannot write
                before = args[: list(asked).index("output")]
                more = asked.pop("kwargs", {})
                kwargs = {**dict(list(asked.items())[len(before) :]), **more, "output": into.dtype.name}
                args = before
            answer = ours(*args, **kwargs)
            # SciPy's tests write into what they got, which a view of a JAX array forbids.
            answer = answer if isinstance(answer, np.ndarray) else np.array(self.arrays.decode(answer))
            answer = answer + 1 if self.options.fault else answer
            if not isinstance(into, np.ndarray):
                return answer
            into[...] = answer
            return into

        return call

    def encode(self, value: Any) -> Any:
        """Return an argument as an array of the library."""
        return self.arrays.encode(np.asarray(value))
