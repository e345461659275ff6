"""The pytest plugin of the child process: replace, select, count, report.

Loaded with `-p scipy_suite.plugin`, so that it acts before SciPy's test modules are imported.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .adapters import LIBRARIES
from .known import KNOWN, LONG, MANY, ONE_IN, reason_for, too_large
from .replace import FAULTS, Replacement
from .subjects import subjects_of, wanted


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("konvolve")
    group.addoption("--library", default="numpy", choices=sorted(LIBRARIES))
    group.addoption("--implementation", default="konvolve", choices=["konvolve", "scipy"])
    group.addoption("--fault", default=None, choices=sorted(FAULTS), help="make every answer wrong")
    group.addoption("--quick", action="store_true", help="few of the parameters of a test that has many")
    group.addoption("--one-in", default=1, type=int, help="few of the tests, always the same ones")
    group.addoption("--report-to", default=None, type=Path, help="where the JSON report goes")


def pytest_configure(config: pytest.Config) -> None:
    options = config.option
    replacement = Replacement(options.library, options.implementation, options.fault)
    config.pluginmanager.register(Runner(replacement, options.library, options.one_in), "konvolve-runner")
    if not hasattr(config, "workerinput"):  # not in a worker of xdist: it sends what it saw to the controller
        config.pluginmanager.register(Reporter(config), "konvolve-reporter")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> list[Any] | None:
    """Leave out the tests of other functions before their many parameters are expanded."""
    return [] if isinstance(collector, pytest.Module) and not wanted(name) else None


class Runner:
    """Runs each test with its subject replaced."""

    def __init__(self, replacement: Replacement, library: str, one_in: int) -> None:
        self._replacement = replacement
        self._library = library
        self._one_in = one_in

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if zlib.crc32(_test_id(item.nodeid).encode()) % self._one_in == 0]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if reason := too_large(self._library, _test_id(item.nodeid)):
            pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        test_id = _test_id(item.nodeid)
        # Most of the tests draw from NumPy's global generator and do not seed it.
        np.random.seed(zlib.crc32(test_id.encode()))
        self._replacement.begin(test_id)
        try:
            return (yield)
        finally:
            self._replacement.end()
            item.user_properties.append(("calls", dict(self._replacement.calls)))
            item.user_properties.append(("borrowed", dict(self._replacement.borrowed)))


class Reporter:
    """Gathers the outcomes and writes the report."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: dict[str, dict[str, Any]] = {}
        self._collected: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # Before pytest takes out the slow ones.
        self._collected = [_test_id(item.nodeid) for item in items]
        if self._config.option.quick:
            items[:] = quick(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome = report.outcome
        if report.when != "call" and outcome == "passed":
            return
        if hasattr(report, "wasxfail"):  # SciPy's own expectation, of a test it calls flaky
            outcome = "xpassed" if outcome == "passed" else "xfailed"
        test_id = _test_id(report.nodeid)
        properties = dict(report.user_properties)
        crash = getattr(report.longrepr, "reprcrash", None)
        message = f"line {crash.lineno}: {crash.message}" if crash else str(report.longrepr or "")
        self._tests[test_id] = {
            "subjects": subjects_of(test_id),
            "outcome": outcome,
            "known": reason_for(self._config.option.library, test_id),
            "calls": properties.get("calls", {}),
            "borrowed": properties.get("borrowed", {}),
            "message": message[:600],
        }

    def pytest_sessionfinish(self) -> None:
        path = self._config.option.report_to
        if path is not None:
            names = {x for test in self._collected for x in (test, test.partition("[")[0])}
            misspelt = [x for x in KNOWN[self._config.option.library] if x not in names]
            # The controller of xdist collects nothing itself.
            report = {"tests": self._tests, "misspelt": misspelt if self._collected else []}
            path.write_text(json.dumps(report))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        calls: Counter[str] = Counter()
        for test in self._tests.values():
            calls.update(test["calls"])
        terminalreporter.write_line(f"calls of the replaced functions: {dict(calls)}")


def quick(items: list[pytest.Item]) -> list[pytest.Item]:
    """Leave out the long tests and most parameters of those that have many, always the same ones."""
    tests = [_test_id(item.nodeid) for item in items]
    parameters = Counter(test.partition("[")[0] for test in tests)

    def taken(test: str) -> bool:
        name = test.partition("[")[0]
        return name not in LONG and (parameters[name] < MANY or zlib.crc32(test.encode()) % ONE_IN == 0)

    return [item for item, test in zip(items, tests, strict=True) if taken(test)]


def _test_id(nodeid: str) -> str:
    # The file differs in how it is written from run to run; no two of the tests share the rest.
    return nodeid.partition("::")[2]
