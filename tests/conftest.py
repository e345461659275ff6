"""The whole suite: quiet start of the libraries, and the flag for the tests that take minutes."""

import collections
import ctypes
import gc
import mmap
import os
import pathlib
import sys
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# JAX compiles for each new shape, and most of that time goes into optimizing what then runs once. The draws and the
# cells of what-works-where.md, thousands of programs, are compiled as users have them.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# The libraries' many threads take memory from two pools of glibc's and not from eight for each core, of which none is
# ever given back whole.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
if hasattr(_libc, "mallopt"):
    _libc.mallopt(-8, 2)  # M_ARENA_MAX

import hypothesis
import pytest

from konvolve.execution import plans, signal

STATM = pathlib.Path("/proc/self/statm")  # Linux's
MUCH = 256 * 2**20
_held = [0]  # bytes, after memory was given back

STARTING_LARGE_PROCESSES = (
    *("tests/upstream/", "tests/command/", "tests/docs/", "tests/benchmarks/test_fresh.py"),
    *("tests/test_capabilities.py", "tests/backends/test_keras_backend.py", "tests/backends/jax/test_export.py"),
    *("tests/backends/jax/test_sharded.py", "tests/execution/test_symbolic.py", "tests/layers/test_models.py"),
)

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
        items[:] = _in_order([item for item in items if "unless_slow" not in item.keywords])
        return
    if not any("::" in name for name in config.args):
        left_out = _left_out(items, config.getoption("--seed"))
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    items[:] = _in_order(items)
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --slow"))


@pytest.fixture(scope="module", autouse=True)
def memory_is_given_back():
    """After each file of tests let go of all that the libraries keep, so that a process stays small."""
    yield
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "utils"):
        sys.modules["keras"].utils.clear_session()
    if "tensorflow.python.framework.ops" in sys.modules:
        # TensorFlow registers each gradient of tf.custom_gradient in a graph, and with it the graph, for good.
        registered = sys.modules["tensorflow.python.framework.ops"].gradient_registry._registry
        for name in [name for name in registered if name.startswith("CustomGradient-")]:
            del registered[name]
    _give_back()


def _give_back():
    """Let go of what the libraries have compiled, and konvolve planned."""
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()
    if "konvolve.backends.tensorflow.programs" in sys.modules:
        sys.modules["konvolve.backends.tensorflow.programs"]._graphs.clear()
    plans.forget()
    gc.collect()
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)  # what glibc's allocator would keep
    _held[0] = _memory()


def _memory():
    """Return the bytes that this process holds, 0 where that is not known."""
    if not STATM.exists():
        return 0
    return int(STATM.read_text().split()[1]) * mmap.PAGESIZE


def _in_order(items):
    """Return the tests in the order in which their files are handed out, one after the other.

    Those that start large processes come first, while the processes of the tests themselves are still small (4.7 GB
    were held at the peak otherwise); then the files with the most tests, so that no long one is left for the end.
    """
    tests = collections.Counter(item.path for item in items)

    def order(item):
        name = item.path.relative_to(item.config.rootpath).as_posix()
        return not name.startswith(STARTING_LARGE_PROCESSES), -tests[item.path], name

    return sorted(items, key=order)


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
    """Give back what has been compiled after each file, and where tests of one have taken much memory.

    JAX's programs above all: at some 65,000 mapped pieces of memory Linux ends the process.
    """
    if nextitem is None or nextitem.path != item.path:
        if "jax" in sys.modules:
            sys.modules["jax"].clear_caches()
    elif _memory() > _held[0] + MUCH:
        _give_back()
