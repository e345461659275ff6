"""What the plugins of the child processes have in common: options, the tests that are asked, and a report of them."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from scipy_suite.adapters import LIBRARIES


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the child process."""
    parser.addoption("--library", default="numpy", choices=sorted(LIBRARIES))
    parser.addoption("--fault", action="store_true", help="make every answer wrong")
    parser.addoption("--one-in", default=1, type=int, help="few of the tests, always the same ones")
    parser.addoption("--report-to", type=Path, help="where the JSON report goes")


class Runner:
    """Counts which functions each test has called, and writes down how it ended.

    ``reason_for(test, library)`` says why a test is known to fail, None where it should pass.
    """

    def __init__(self, config: pytest.Config, reason_for: Callable[[str, str], str | None]) -> None:
        self.options, self.reason_for = config.option, reason_for
        self.name = config.option.library
        self.arrays = LIBRARIES[self.name]()
        self.active = False
        self.calls: Counter[str] = Counter()
        self.tests: dict[str, dict] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [x for x in items if zlib.crc32(_test_id(x.nodeid).encode()) % self.options.one_in == 0]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self.active, self.calls = True, Counter()
        try:
            return (yield)
        finally:
            self.active = False
            item.user_properties.append(("calls", dict(self.calls)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or hasattr(report, "wasxfail"):
            return
        calls = dict(report.user_properties)["calls"]
        if calls:
            test = f"{Path(report.location[0]).name}::{report.location[2]}"
            message = str(report.longrepr)[-500:] if report.failed else ""
            known = self.reason_for(test, self.name)
            self.tests[test] = {"outcome": report.outcome, "message": message, "known": known, "calls": calls}

    def pytest_sessionfinish(self) -> None:
        self.options.report_to.write_text(json.dumps(self.tests))


def _test_id(nodeid: str) -> str:
    return nodeid.rpartition("/")[2]
