"""The pytest plugin of the child process: konvolve's two functions in the place of astropy's, and a report."""

from __future__ import annotations

import importlib
import json
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy_suite.adapters import LIBRARIES

from .known import reason_for


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--library", default="numpy", choices=sorted(LIBRARIES))
    parser.addoption("--fault", action="store_true", help="make every answer wrong")
    parser.addoption("--one-in", default=1, type=int, help="few of the tests, always the same ones")
    parser.addoption("--report-to", type=Path, help="where the JSON report goes")


def pytest_configure(config: pytest.Config) -> None:
    runner = Runner(config)
    module = importlib.import_module("astropy.convolution.convolve")
    for name in ("convolve", "convolve_fft"):
        setattr(module, name, runner.stand_in(name))
    config.pluginmanager.register(runner)


class Runner:
    """Counts the calls of each test, and writes down how it ended."""

    def __init__(self, config: pytest.Config) -> None:
        self.options = config.option
        self.library = LIBRARIES[self.options.library]()
        self.calls = 0
        self.tests: dict[str, dict] = {}

    def stand_in(self, name: str) -> Callable:
        """Return the function that stands in the place of astropy's: its warnings are of astropy's own kind there."""
        from astropy.utils.exceptions import AstropyUserWarning

        import konvolve.compat.astropy as ours

        function = getattr(ours, name)

        def call(array: Any, kernel: Any, *args: Any, **options: Any) -> Any:
            self.calls += 1
            plain = type(array) in (list, tuple, np.ndarray)
            dtype = np.asarray(array).dtype if plain else None
            if plain and self.options.library != "numpy":
                kernel = getattr(kernel, "array", kernel)
                array, kernel = (self.library.encode(_native(x)) for x in (array, kernel))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                y = function(array, kernel, *args, **options)
            for each in caught:
                warnings.warn(str(each.message), AstropyUserWarning, stacklevel=2)
            if plain and self.options.library != "numpy":
                y = self.library.decode(y)
                y = y.astype(dtype if dtype.kind == "f" else "float64")  # type: ignore[union-attr]
            return y + y.dtype.type(1) if self.options.fault and hasattr(y, "dtype") else y

        return call

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [x for x in items if zlib.crc32(x.nodeid.rpartition("/")[2].encode()) % self.options.one_in == 0]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        self.calls = 0
        try:
            return (yield)
        finally:
            item.user_properties.append(("calls", self.calls))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or hasattr(report, "wasxfail"):
            return
        calls = dict(report.user_properties)["calls"]
        if calls:
            test = f"{Path(report.location[0]).name}::{report.location[2]}"
            message = str(report.longrepr)[-500:] if report.failed else ""
            self.tests[test] = {"outcome": report.outcome, "message": message, "known": reason_for(test)}

    def pytest_sessionfinish(self) -> None:
        self.options.report_to.write_text(json.dumps(self.tests))


def _native(x: Any) -> np.ndarray:
    """Return an array in the byte order of the machine, which is all that other libraries take."""
    x = np.asarray(x)
    return np.array(x, x.dtype.newbyteorder("="))
