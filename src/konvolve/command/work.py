"""The work on an array in a file: what each block does, and the folder in which the result grows until it is whole.

``OUT.zarr.konvolve`` holds the growing result, ``manifest.json``, all that it depends on, and ``done``, a line for each
block that is written. When all are, the result is renamed to ``OUT.zarr`` and the folder goes.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import konvolve
from konvolve.command.mistake import Mistake
from konvolve.execution.chunked import tasks
from konvolve.execution.chunked.grid import Piece
from konvolve.files.volumes import Sink, Volume


@dataclass(frozen=True)
class Work:
    """What is done with a block: read, computed, written, and entered as done."""

    source: Volume
    sink: Sink
    job: tasks.Job
    kernel: Any
    log: Path

    def __call__(self, piece: Piece) -> tuple[int, ...]:
        """Do one block; its place in the grid."""
        (operand,) = piece.block.operands
        count = sum(1 for _ in operand.region.sources())
        y = tasks.blocked(self.job, piece.block, self.kernel, [], [self.source] * count)
        self.sink.write(piece.region, _as(y, self.sink.dtype))
        with open(self.log, "a") as log:  # one write, which the system appends whole
            log.write(" ".join(map(str, piece.at)) + "\n")
        return piece.at


def _as(y: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return samples in the dtype of the file: integers are rounded, and kept in their range."""
    if dtype.kind == "b":
        return y >= 0.5
    if dtype.kind not in "iu" or y.dtype.kind in "iu":
        return y.astype(dtype, copy=False)
    info = np.iinfo(dtype)
    # What float64 cannot tell from the largest integers would leave their range when it is rounded.
    high = min(float(info.max), np.nextafter(float(info.max) + 1, 0, dtype=y.dtype))
    return np.clip(np.rint(np.nan_to_num(y)), float(info.min), high).astype(dtype)


class Folder:
    """Where the result of one question grows; ``done`` are the blocks that were written by an earlier run."""

    def __init__(self, output: Path, question: dict[str, Any], resume: bool) -> None:
        self.output, self.question, self.resume = output, question, resume
        self.path = output.with_name(output.name + ".konvolve")
        self.log = self.path / "done"
        self.done: set[tuple[int, ...]] = set()

    def check(self, overwrite: bool) -> None:
        """Raise Mistake where an earlier run is not to be taken up, or is of another question."""
        manifest = self.path / "manifest.json"
        if not self.path.exists():
            if self.resume:
                raise Mistake(f"--resume: no run for {self.output} was stopped; allowed: the same without --resume")
            return
        if not self.resume:
            if overwrite:
                shutil.rmtree(self.path)
                return
            raise Mistake(f"{self.path}: a run was stopped here; allowed: --resume, or --overwrite to begin again")
        try:
            earlier = json.loads(manifest.read_text())
            lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
            self.done = {tuple(map(int, line.split())) for line in lines if line.endswith("\n")}
        except (OSError, ValueError) as error:
            raise Mistake(f"{self.path}: damaged, {error}; allowed: --overwrite to begin again") from error
        asked = self._manifest()
        for name in asked:
            if earlier.get(name) != asked[name]:
                raise Mistake(
                    f"--resume: {name} was {earlier.get(name)} and is {asked[name]}; allowed: the same question, or "
                    "--overwrite to begin again"
                )

    def _manifest(self) -> dict[str, Any]:
        return json.loads(json.dumps({"konvolve": konvolve.__version__, **self.question}))

    def sink(self, sink: Sink) -> Sink:
        """Return the growing result."""
        return replace(sink, path=self.path / f"whole{sink.path.suffix}")

    def begin(self, sink: Sink) -> None:
        """Make the folder and the result in it, where an earlier run has not."""
        if self.resume and self.log.exists():
            return
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        try:
            self.sink(sink).create()
            (self.path / "manifest.json").write_text(json.dumps(self._manifest(), indent=1))
            self.log.touch()
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def count(self) -> int:
        """Return how many blocks are done."""
        with open(self.log, "rb") as log:
            return sum(part.count(b"\n") for part in iter(lambda: log.read(2**16), b""))

    def finish(self, sink: Sink) -> None:
        """Give the whole result its name; what had it goes."""
        whole, former = self.sink(sink).path, self.path / "former"
        if self.output.exists():
            os.replace(self.output, former)
        os.replace(whole, self.output)
        shutil.rmtree(self.path)
