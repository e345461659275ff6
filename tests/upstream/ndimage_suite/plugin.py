"""The pytest plugin of the child process: konvolve's filters in the place of SciPy's while a test runs, and a report.

Loaded with `-p ndimage_suite.plugin`, so that it acts before SciPy's test module is imported: its decorators and
parameters take the functions as they find them.
"""

from __future__ import annotations

import functools
import inspect
import json
import zlib
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy_suite.adapters import LIBRARIES

from .known import reason_for

FILTERS = (
    "convolve", "correlate", "convolve1d", "correlate1d", "gaussian_filter", "gaussian_filter1d", "uniform_filter",
    "uniform_filter1d", "sobel", "prewitt", "laplace", "gaussian_laplace", "gaussian_gradient_magnitude",
    "generic_laplace", "generic_gradient_magnitude",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--library", default="numpy", choices=sorted(LIBRARIES))
    parser.addoption("--fault", action="store_true", help="make every answer wrong")
    parser.addoption("--one-in", default=1, type=int, help="few of the tests, always the same ones")
    parser.addoption("--report-to", type=Path, help="where the JSON report goes")


def pytest_configure(config: pytest.Config) -> None:
    import scipy.ndimage
    from scipy._lib import _array_api

    runner = Runner(config)
    for name in FILTERS:
        original = getattr(scipy.ndimage, name)
        stand_in = runner.stand_in(name, original)
        table = getattr(_array_api, "xp_capabilities_table", {})
        if original in table:  # SciPy 1.16 and later: decorators look the capabilities up by function
            table[stand_in] = table[original]
        setattr(scipy.ndimage, name, stand_in)
    config.pluginmanager.register(runner)


class Runner:
    """Counts which filter each test has called, and writes down how it ended."""

    def __init__(self, config: pytest.Config) -> None:
        self.options = config.option
        self.library = LIBRARIES[self.options.library]()
        self.active = self.inside = False
        self.calls: Counter[str] = Counter()
        self.tests: dict[str, dict] = {}

    def stand_in(self, name: str, original: Callable) -> Callable:
        """Return the function that stands in the place of SciPy's."""
        import konvolve.ndimage

        ours = getattr(konvolve.ndimage, name)

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self.active or self.inside:
                return original(*args, **kwargs)
            self.calls[name] += 1
            arrays = 2 if "correlate" in name or "convolve" in name else 1
            args = tuple(self.encode(x) if i < arrays else x for i, x in enumerate(args))
            kwargs = {k: self.encode(x) if k in ("input", "weights") else x for k, x in kwargs.items()}
            asked = inspect.signature(original).bind(*args, **kwargs).arguments
            into = asked.get("output")
            if self.options.library != "numpy" and isinstance(into, np.ndarray):  # which other libraries cannot write
                before = args[: list(asked).index("output")]
                more = asked.pop("kwargs", {})
                kwargs = {**dict(list(asked.items())[len(before) :]), **more, "output": into.dtype.name}
                args = before
            answer = ours(*args, **kwargs)
            answer = answer if isinstance(answer, np.ndarray) else self.library.decode(answer)
            answer = answer + 1 if self.options.fault else answer
            if not isinstance(into, np.ndarray):
                return answer
            into[...] = answer
            return into

        return call

    def encode(self, value: Any) -> Any:
        """Return an argument as an array of the library."""
        return self.library.encode(np.asarray(value))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [x for x in items if zlib.crc32(x.nodeid.split("::", 1)[1].encode()) % self.options.one_in == 0]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self.active, self.calls = True, Counter()
        try:
            return (yield)
        finally:
            self.active = False
            item.user_properties.append(("calls", dict(self.calls)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not hasattr(report, "wasxfail"):
            test = report.nodeid.split("::", 1)[1]
            calls = dict(report.user_properties)["calls"]
            if calls:
                message = str(report.longrepr)[-400:] if report.failed else ""
                known = reason_for(test, self.options.library)
                self.tests[test] = {"outcome": report.outcome, "message": message, "known": known, "calls": calls}

    def pytest_sessionfinish(self) -> None:
        self.options.report_to.write_text(json.dumps(self.tests))
