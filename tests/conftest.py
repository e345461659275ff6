"""The whole suite: quiet start of the libraries, and the flag for the tests that take minutes."""

import ctypes
import gc
import os
import sys
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# JAX compiles for each new shape, and most of that time goes into optimizing what then runs once. The draws and the
# cells of what-works-where.md, thousands of programs, are compiled as users have them.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import hypothesis
import pytest

from konvolve.execution import plans, signal

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
    if not any("::" in name for name in config.args):
        left_out = _left_out(items, config.getoption("--seed"))
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --slow"))


@pytest.fixture(scope="module", autouse=True)
def memory_is_given_back():
    """After each file of tests let go of what the libraries have compiled, so that a process stays small."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "utils"):
        sys.modules["keras"].utils.clear_session()
    if "konvolve.backends.tensorflow.programs" in sys.modules:
        sys.modules["konvolve.backends.tensorflow.programs"]._graphs.clear()
    plans.forget()
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)  # what glibc's allocator would keep


def _left_out(items, seed):
    """Return the cases of tests marked ``one_in(n)`` that are left to --slow.

    As if drawn: of the cases of each test those with the lowest numbers stay, which their names and the seed give them.
    """
    cases = {}
    for item in items:
        mark = item.get_closest_marker("one_in")
        if mark is not None and hasattr(item, "callspec") and "slow" not in item.keywords:
            cases.setdefault((item.path, item.originalname, mark.args[0]), []).append(item)
    left_out = set()
    for (_, _, one_in), each in cases.items():
        drawn = sorted(each, key=lambda item: zlib.crc32(f"{seed} {item.name}".encode()))
        left_out.update(drawn[-(-len(drawn) // one_in) :])
    return left_out


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
