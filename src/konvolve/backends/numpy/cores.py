"""How many cores are used, and whose transforms: as SciPy was told, or else all that this process may use."""

from __future__ import annotations

import contextlib
import contextvars
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import GeneratorType

_ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

_here = threading.local()


def cores() -> int:
    """Return the number that ``scipy.fft.set_workers`` was given, where the caller is inside of it, or else all."""
    if getattr(_here, "one", False):
        return 1
    chosen = _chosen()
    return _ALL if chosen is None else chosen


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Let this thread use no other core: it is one of several that work side by side."""
    _here.one = True
    try:
        yield
    finally:
        _here.one = False


def side_by_side(tasks: Sequence[Callable[[], object]], workers: int) -> None:
    """Call all of them, on so many threads, under the rules for floating point that hold here (``numpy.errstate``)."""
    here = [contextvars.copy_context() for _ in tasks]
    with ThreadPoolExecutor(workers) as pool:  # not kept: threads do not outlive a fork
        for _ in pool.map(lambda context, task: context.run(task), here, tasks):
            pass


def own_transforms() -> bool:
    """Whether SciPy's own transforms are in use here, and not a backend that ``scipy.fft.set_backend`` was given.

    That holds in the thread that called it, so that no other thread may transform in its place. SciPy has no public
    name for it, and another version's state may look otherwise.
    """
    try:
        from scipy._lib import uarray

        return not uarray.get_state()._pickle()[1]["numpy.scipy.fft"][1]
    except (ImportError, AttributeError, LookupError, TypeError):
        return True


class _Default(int):
    """SciPy's default of one worker, in a form that can be told from a one that somebody chose."""


def _chosen() -> int | None:
    """Return what ``scipy.fft.set_workers`` was told in this thread, None outside of its blocks.

    SciPy's ``get_workers`` says 1 in both cases, so its own variable is read, in the module that sets it (another one
    since SciPy 1.18); where a version has none, what was chosen is known only if it is more than 1. A block puts back
    what it found, 1 where nothing was. So a ``_Default`` is left there: a block that puts that back has ended.
    """
    import scipy.fft

    config = getattr(sys.modules.get(scipy.fft.set_workers.__module__), "_config", None)
    if config is None:
        chosen = scipy.fft.get_workers()
        return chosen if chosen > 1 else None
    chosen = getattr(config, "default_workers", None)
    # Once a _Default has been left in this thread, only a block puts another 1 there.
    if not getattr(_here, "left", False) and (chosen is None or (chosen == 1 and not _in_a_block())):
        config.default_workers = chosen = _Default(1)
        _here.left = True
    return None if isinstance(chosen, _Default) else chosen


def _in_a_block() -> bool:
    """Whether a block of ``scipy.fft.set_workers`` is open, in any thread: a generator of that function that waits.

    All objects are looked through (80 ms where TensorFlow is imported), once for each block that began before a
    ``_Default`` was left in this thread: the block that is found is kept until it ends.
    """
    import scipy.fft

    block = getattr(_here, "block", None)
    if block is None or block.gi_frame is None:  # it has ended
        code = getattr(getattr(scipy.fft.set_workers, "__wrapped__", None), "__code__", None)
        blocks = (one for one in gc.get_objects() if type(one) is GeneratorType and one.gi_code is code)
        block = _here.block = next((one for one in blocks if one.gi_frame is not None), None)
    return block is not None
