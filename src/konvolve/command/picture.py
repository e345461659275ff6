"""What `konvolve blur` and `konvolve filter` do: read pictures, apply a kernel, write and draw them, and say so."""

from __future__ import annotations

import importlib
import os
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.command import applying, figure, kernels, outputs
from konvolve.command.mistake import Mistake
from konvolve.command.terminal import complain, duration, progress, shown
from konvolve.files import encoding, pictures
from konvolve.files.errors import PictureError

# Below so many pixels a comparison with SciPy and a figure take less time than a user notices.
SMALL = 10_000_000


@dataclass(frozen=True)
class Job:
    """What `blur` and `filter` have in common: everything but the kernel."""

    pictures: tuple[str, ...]
    verb: str
    kernel: str | None = None
    output: str | None = None
    backend: str | None = None
    boundary: str = "reflect"
    check: bool | None = None
    figure: bool | None = None
    max_pixels: int | None = None
    explain: bool = False
    quiet: bool = False

    def run(self, make_kernel: Callable[[], np.ndarray]) -> int:
        """Convert all pictures; the exit code. Of several pictures those that can't be read are named and left out."""
        started = time.perf_counter()
        backend, boundary = applying.backend_name(self.backend), applying.boundary_name(self.boundary)
        if self.max_pixels is not None and self.max_pixels < 1:
            raise Mistake(f"--max-pixels {self.max_pixels}: allowed: 1 or more")
        given = [Path(each) for each in self.pictures]
        if "" in self.pictures:
            raise Mistake("PICTURE '': empty; allowed: a file or a folder")
        folders = any(path.is_dir() for path in given)
        for name in self.pictures:
            pictures.check_no_address(name)
            if self.verb == "filter" and kernels.is_name(name) and not os.path.exists(name):
                raise Mistake(
                    f"{name}: a kernel, not a picture; allowed: konvolve filter PICTURE KERNEL, in this order"
                )
        names = outputs.Names(self.output, self.verb, len(given) > 1 or folders)
        sources: list[Path | None] = [*outputs.inputs(given, names.output)] or [None]
        read = tuple(Path(path) for path in (*sources, self.kernel) if path)
        done, code = [], 0
        # SciPy's transforms take a quarter of a second to import: that goes on while the first picture is decoded.
        importing = threading.Thread(target=importlib.import_module, args=("scipy.fft",))
        importing.start()
        with progress(self.quiet) as step:
            kernel = make_kernel()
            for source in sources:
                try:
                    one = self._one(source, kernel, names, read, (backend, boundary), step)
                except (Mistake, PictureError) as error:
                    if len(sources) == 1:
                        raise
                    complain(str(error))
                    code = 2
                    continue
                done.append(one)
                code = max(code, one.code)
        if not self.quiet and done:
            self._say(done, kernel, time.perf_counter() - started)
        return code

    def _one(
        self,
        source: Path | None,
        kernel: np.ndarray,
        names: outputs.Names,
        read: tuple[Path, ...],
        how: tuple[str, str],
        step: Callable[[str], Any],
    ) -> _Done:
        """Read, convolve, write and draw one picture; none of those that are `read` is replaced."""
        step("reading")
        before = pictures.read_picture(source, self.max_pixels) if source else pictures.sample_picture()
        colours = before.colour.shape[2]
        if kernel.shape[2] not in (1, colours):
            raise Mistake(
                f"the kernel has {kernel.shape[2]} layers, the picture is {before.description}; allowed: "
                + ("1 layer" if colours == 1 else f"1 layer, or one for each of its {colours} colours")
            )
        small = before.pixels.shape[0] * before.pixels.shape[1] < SMALL
        check, draw = (small if asked is None else asked for asked in (self.check, self.figure))
        names.ready()
        output = names.of(source, before)
        drawing = outputs.figure_name(output)
        outputs.check_output(output, read)
        if draw:
            outputs.check_output(drawing, (*read, output))
        encoding.check_holds(output, before)
        done = applying.applied(before, kernel, *how, check, step)
        step("writing")
        encoding.write_picture(output, done.picture)
        files, code = [output], 0
        if draw:
            step("drawing")
            title = f"{shown(before.name)[:40]}, {before.description}  |  {_kernel(kernel)}  |  {_way(done, how[0])}"
            try:
                figure.write_figure(drawing, before, done.picture, kernel, title)
                files.append(drawing)
            except Exception as error:  # whatever Matplotlib or the disk has, the picture itself is written
                complain(f"the figure {drawing} was not written: {error}")
                code = 1
        if self.explain:
            print(done.plan)
        # Of the pictures that are done only the words are needed: several of them need not be in memory at once.
        remark = f"{before.remark}, " if before.remark else ""
        said = f"{before.name}: {before.description}, {remark}{_kernel(kernel)}, "
        said += duration(done.seconds) if how[0] == "numpy" else f"{duration(done.seconds)} on {how[0]}"
        if done.difference is not None:
            said += f", {done.difference:.1g} from SciPy"
        if done.clipped:
            said += f", {done.clipped:.2%} clipped"
        return _Done(said, files, code, None if source is None else str(source))

    def _say(self, done: list[_Done], kernel: np.ndarray, seconds: float) -> None:
        """Three lines: what was done, where it is, and what to try next."""
        word = {"blur": "blurred", "filter": "filtered"}[self.verb]
        if len(done) == 1:
            print(shown(f"{word} {done[0].said}"))
            print(shown(f"written in {duration(seconds)}: {', '.join(map(str, done[0].files))}"))
        else:
            for each in done:
                print(shown(f"  {each.said}"))
            files = [path for each in done for path in each.files]
            print(shown(f"{word} {len(done)} pictures with a {_kernel(kernel)}"))
            print(shown(f"written in {duration(seconds)}: {len(files)} files in {files[0].parent}"))
        name = done[0].source or ""
        name = "./" + name if name.startswith("-") else name  # which would be an option
        name = f" {shlex.quote(shown(name))}" if name else ""
        if self.verb == "blur":
            print(shown(f"try next: konvolve filter{name or ' photo.jpg'} sharpen, or konvolve blur --help"))
        else:
            print(shown(f"try next: konvolve blur{name} --sigma 3, or konvolve filter --help"))


@dataclass(frozen=True)
class _Done:
    """What became of one picture."""

    said: str
    files: list[Path]
    code: int
    source: str | None


def _kernel(kernel: np.ndarray) -> str:
    return f"{kernel.shape[1]} x {kernel.shape[0]} kernel"


def _way(done: applying.Applied, backend: str) -> str:
    return f"{duration(done.seconds)} ({done.plan.method} on {backend})"
