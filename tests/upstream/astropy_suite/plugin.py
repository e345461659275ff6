"""The pytest plugin of the child process: konvolve's two functions in the place of astropy's, and a report.

Errors and warnings are konvolve's in its own words: their kinds are compared with astropy's, not the texts.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import suite_plugin

from .known import reason_for

pytest_addoption = suite_plugin.add_options


def pytest_configure(config: pytest.Config) -> None:
    for name in ("raises", "warns"):
        setattr(pytest, name, _whatever_it_says(getattr(pytest, name)))
    runner = Runner(config, reason_for)
    module = importlib.import_module("astropy.convolution.convolve")
    for name in ("convolve", "convolve_fft"):
        setattr(module, name, runner.stand_in(name))
    config.pluginmanager.register(runner)


def _whatever_it_says(check: Callable) -> Callable:
    @functools.wraps(check)
    def of_the_kind(*args: Any, match: Any = None, **kwargs: Any) -> Any:
        return check(*args, **kwargs)

    return of_the_kind


class Runner(suite_plugin.Runner):
    """Puts konvolve's functions in the place of astropy's."""

    def stand_in(self, name: str) -> Callable:
        """Return the function that stands in the place of astropy's: its warnings are of astropy's own kind there."""
        from astropy.utils.exceptions import AstropyUserWarning

        import konvolve.compat.astropy as ours

        function = getattr(ours, name)

        def call(array: Any, kernel: Any, *args: Any, **options: Any) -> Any:
            self.calls[name] += 1
            plain = type(array) in (list, tuple, np.ndarray)
            dtype = np.asarray(array).dtype if plain else None
            # A masked kernel, which no other library has, is refused as it is.
            if plain and self.name != "numpy" and not np.ma.is_masked(kernel):
                kernel = getattr(kernel, "array", kernel)
                array, kernel = (self.arrays.encode(_native(x)) for x in (array, kernel))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                y = function(array, kernel, *args, **options)
            for each in caught:
                warnings.warn(str(each.message), AstropyUserWarning, stacklevel=2)
            if plain and self.name != "numpy":
                y = self.arrays.decode(y)
                y = y.astype(dtype if dtype.kind == "f" else "float64")  # type: ignore[union-attr]
            return y + y.dtype.type(1) if self.options.fault and hasattr(y, "dtype") else y

        return call


def _native(x: Any) -> np.ndarray:
    """Return an array in the byte order of the machine, which is all that other libraries take."""
    x = np.asarray(x)
    return np.array(x, x.dtype.newbyteorder("="))
