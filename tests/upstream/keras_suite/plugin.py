"""The pytest plugin of the child process: replace, count, report.

Loaded with `-p keras_suite.plugin`, so that it acts before Keras's test modules are imported.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .known import reason_for


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("konvolve")
    group.addoption("--implementation", default="konvolve", choices=["konvolve", "keras"])
    group.addoption("--method", default="auto", help="the method of every convolution")
    group.addoption("--fault", default=None, choices=["shift", "scale"], help="make every answer wrong")
    group.addoption("--one-in", default=1, type=int, help="few of the tests, always the same ones")
    group.addoption("--report-to", default=None, type=Path, help="where the JSON report goes")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requires_trainable_backend: Keras's own mark")
    config.pluginmanager.register(Runner(config), "konvolve-runner")


class Runner:
    """Counts what each test made and computed, and writes the report."""

    def __init__(self, config: pytest.Config) -> None:
        self._options = config.option
        self._tests: dict[str, dict[str, Any]] = {}
        self._replacement = None
        if self._options.implementation == "konvolve":
            from .replace import Replacement

            self._replacement = Replacement(self._options.method, self._options.fault)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if zlib.crc32(item.name.encode()) % self._options.one_in == 0]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        item.user_properties.append(("module", item.module.__name__.rpartition(".")[2]))
        # Keras's tests draw from NumPy without a seed, and compare elements near zero to 1e-6.
        np.random.seed(zlib.crc32(item.name.encode()))
        counters = self._replacement
        if counters is None:
            return (yield)
        counters.begin()
        try:
            return (yield)
        finally:
            for name in ("made", "computed", "borrowed"):
                item.user_properties.append((name, dict(getattr(counters, name))))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        properties = dict(report.user_properties)
        # The file differs in how it is written from run to run.
        test_id = f"{properties.get('module', '')}::{report.nodeid.partition('::')[2]}"
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else str(report.longrepr or "")
        self._tests[test_id] = {
            "outcome": report.outcome,
            "known": reason_for(test_id),
            "message": message[:600],
            "seconds": report.duration,
            **{name: properties.get(name, {}) for name in ("made", "computed", "borrowed")},
        }

    def pytest_sessionfinish(self) -> None:
        if self._options.report_to is not None:
            self._options.report_to.write_text(json.dumps(self._tests))
