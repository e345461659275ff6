"""Tests and examples plan with the shipped constants, whatever the user has measured; and all of them in parallel."""

import os
import tempfile

os.environ["KONVOLVE_CACHE"] = os.path.join(tempfile.gettempdir(), "konvolve-tests-keep-no-cache")
# Fewer pools of memory than glibc has for the many threads of the libraries, each of which keeps what it once held.
os.environ.setdefault("MALLOC_ARENA_MAX", "2")

# Each process imports all the libraries, which takes 2 GB.
MOST_PROCESSES = 4


def pytest_xdist_auto_num_workers(config):
    """Return how many processes share the tests: none beside this one where only files are named."""
    if all(os.path.isfile(name.partition("::")[0]) for name in config.args):
        return 0
    return min(os.cpu_count() or 1, MOST_PROCESSES)
