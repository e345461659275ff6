"""The whole suite: quiet start of the libraries, and the flag for the tests that take minutes."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis
import pytest

# The suite is a gate: the same draws every time, and no deadline on a machine that others use too.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --slow"))


@pytest.fixture(autouse=True)
def jax_compiles_at_once(monkeypatch):
    """Reach JAX's own code in a first call too: ``test_jax_lengths.py`` tests what users meet there."""
    if "jax" in sys.modules:
        from konvolve.backends import jax_uncompiled

        monkeypatch.setattr(jax_uncompiled, "by_numpy", lambda plan, arrays: False)
