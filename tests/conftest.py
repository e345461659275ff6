"""The whole suite: quiet start of the libraries, and the flag for the tests that take minutes."""

import os
import sys
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# JAX compiles for each new shape, and most of that time goes into optimizing what then runs once. The draws and the
# cells of what-works-where.md, thousands of programs, are compiled as users have them.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import hypothesis
import pytest

from konvolve.execution import signal

# The suite is a gate: the same draws every time, and no deadline on a machine that others use too.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes, too")
    parser.addoption(
        "--seed", type=int, default=0, help="the seed of what is drawn: questions, and cases of long tests"
    )
    parser.addoption("--draws", type=int, help="how many questions test_draws.py asks of each library, in each way")
    parser.addoption("--draw", type=int, help="the number of the one question that test_draws.py asks")


def pytest_report_header(config):
    return f"draws: --seed {config.getoption('--seed')}"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        # What a slow test does as well, and more of it, is not done twice.
        twice = [item for item in items if "unless_slow" in item.keywords]
        config.hook.pytest_deselected(items=twice)
        items[:] = [item for item in items if "unless_slow" not in item.keywords]
        return
    named = any("::" in name for name in config.args)
    left = [item for item in items if not named and _is_left_out(item, config.getoption("--seed"))]
    config.hook.pytest_deselected(items=left)
    left_out = set(left)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --slow"))


def _is_left_out(item, seed):
    """Whether a case of a test marked ``one_in(n)`` is left to --slow: as if drawn, by its name and the seed."""
    mark = item.get_closest_marker("one_in")
    if mark is None or not hasattr(item, "callspec") or "slow" in item.keywords:
        return False
    return zlib.crc32(f"{seed} {item.name}".encode()) % mark.args[0] != 0


@pytest.fixture(autouse=True)
def libraries_compute_themselves(monkeypatch):
    """Reach each library's own code: ``test_uncompiled.py`` and ``test_tiny.py`` test where NumPy computes instead."""
    monkeypatch.setattr(signal, "by_numpy", lambda xp, plan, *arrays: None)
    if "jax" in sys.modules:
        from konvolve.backends.jax import uncompiled as jax_uncompiled

        monkeypatch.setattr(jax_uncompiled, "by_numpy", lambda plan, arrays: False)


def pytest_runtest_teardown(item, nextitem):
    """Drop JAX's programs after each file: at some 65,000 mapped pieces of memory Linux ends the process."""
    if "jax" in sys.modules and (nextitem is None or nextitem.path != item.path):
        sys.modules["jax"].clear_caches()
