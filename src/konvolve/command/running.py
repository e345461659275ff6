"""Blocks at work by dask: threads of this process, worker processes of this machine, or a scheduler's workers."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from konvolve.command.mistake import Mistake
from konvolve.command.work import Folder, Work
from konvolve.execution.chunked.grid import Piece

# Seconds in which a scheduler has to answer.
_PATIENCE = 10


class Cluster:
    """Who works: so many processes of so many threads, all in so much memory."""

    def __init__(self, workers: int | None, scheduler: str | None, memory: int) -> None:
        if workers is not None and workers < 1:
            raise Mistake(f"--workers {workers}: allowed: 1 or more")
        if workers is not None and scheduler is not None:
            raise Mistake("--workers and --scheduler: a scheduler has workers of its own; allowed: one of them")
        self._workers, self._scheduler, self._memory = workers, scheduler, memory
        self._open = contextlib.ExitStack()
        self.client: Any = None
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.threads = workers or cores  # at work at once; the job takes fewer where memory is short
        self.processes = workers or 1

    @property
    def can_wait(self) -> bool:
        """Whether fewer threads may work than there are."""
        return self._workers is None and self._scheduler is None

    def __enter__(self) -> Cluster:
        if self._workers is not None:
            from dask.distributed import Client, LocalCluster

            made = LocalCluster(
                n_workers=self._workers, threads_per_worker=1, memory_limit=self._memory // self._workers,
                dashboard_address=None, silence_logs=50,
            )  # fmt: skip
            self.client = self._open.enter_context(Client(self._open.enter_context(made)))
        elif self._scheduler is not None:
            self.client = self._open.enter_context(self._connected(self._scheduler))
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.close()

    def _connected(self, address: str) -> Any:
        from dask.distributed import Client

        try:
            client = Client(address, timeout=_PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise Mistake(
                f"--scheduler {address}: no answer in {_PATIENCE} s; allowed: the address that `dask scheduler` prints"
            ) from error
        missing = [name for name, found in client.run(_has_konvolve).items() if not found]
        if missing:
            client.close()
            raise Mistake(f"--scheduler {address}: the worker {missing[0]} has no konvolve; allowed: install it there")
        if not client.nthreads():
            client.close()
            raise Mistake(f"--scheduler {address}: has no workers; allowed: start some by `dask worker {address}`")
        return client


def _has_konvolve() -> bool:
    import importlib.util

    return importlib.util.find_spec("konvolve") is not None


def run_blocks(
    cluster: Cluster, work: Work, pieces: Sequence[Piece], folder: Folder, whole: tuple[int, float], quiet: bool
) -> None:
    """Do all blocks; ``whole`` is the number of blocks in all, and the bytes that each reads."""
    import dask

    with _watched(folder, whole, quiet):
        if cluster.client is not None:
            from dask.distributed import as_completed

            shared = cluster.client.scatter(work, broadcast=True, hash=False)
            futures = cluster.client.map(_do, pieces, work=shared, pure=False, retries=3)
            for future in as_completed(futures):
                future.result()
            return
        shared = dask.delayed(work, name="work", traverse=False)
        done = [dask.delayed(_do, pure=False)(piece, work=shared) for piece in pieces]
        dask.compute(*done, scheduler="threads", num_workers=cluster.threads, traverse=False)


def _do(piece: Piece, *, work: Work) -> None:
    work(piece)


@contextlib.contextmanager
def _watched(folder: Folder, whole: tuple[int, float], quiet: bool) -> Iterator[None]:
    """Show a bar of the blocks that are done, their megabytes a second and the time left, on a terminal."""
    import sys

    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    total, each = whole
    before, begun, ended = folder.count(), time.perf_counter(), threading.Event()
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("", total=total, completed=before, speed="")

        def watch() -> None:
            while not ended.wait(0.2):
                show()

        def show() -> None:
            done = folder.count()
            speed = (done - before) * each / 1e6 / (time.perf_counter() - begun)
            bar.update(task, completed=done, speed=f"{speed:.0f} MB/s")

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            show()
