"""What `konvolve blur` and `konvolve filter` do with arrays in files: block by block, in as much memory as is given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.command import applying, kernels
from konvolve.command.array_options import Options
from konvolve.command.mistake import Mistake
from konvolve.command.plan import size as bytes_of
from konvolve.command.running import Cluster, run_blocks
from konvolve.command.terminal import complain, duration, shown
from konvolve.command.volume_figure import write_figure
from konvolve.command.work import Folder, Work
from konvolve.execution.chunked import grid
from konvolve.execution.kernel import Kernel
from konvolve.files import volumes
from konvolve.files.decoding import READ
from konvolve.files.encoding import check_writable
from konvolve.files.volumes import Sink, Volume
from konvolve.planning.words import bytes_text, shape_text

# The words of --boundary, and what scipy.ndimage calls them.
_MODES = {"reflect": "mirror", "symmetric": "reflect", "nearest": "nearest", "wrap": "wrap", "zero": "constant"}
# Bytes that a process holds beside its blocks: the libraries (110 MB measured), the figure, what they set aside.
_BASE = 160 * 2**20
# A block is this many times as large as its samples while it is filtered: it, the pass at work, its result.
_PASSES = 6
# Of the memory that is given, the part that the prediction may fill.
_SHARE = 0.85


@dataclass(frozen=True)
class Job:
    """One array, what is done to it, and where it goes."""

    given: str
    verb: str
    output: str | None
    library: str | None
    boundary: str
    figure: bool | None
    quiet: bool
    options: Options
    sigma: float | None = None
    kernel: str | None = None
    normalize: bool | None = None

    def run(self) -> int:
        """Filter the array; the exit code."""
        started = time.perf_counter()
        source = replace(volumes.opened(self.given), sparse=self.options.sparse)
        axes = self._axes(source)
        library = applying.library_name(self.library)
        memory = bytes_of(self.options.memory, "--memory")
        boundary = applying.boundary_name(self.boundary)
        taps = self._taps(source, axes)
        cluster = Cluster(self.options.workers, self.options.scheduler, memory)
        question = self._laid(source, taps, axes, (boundary, library), memory, cluster)
        path = self._output(source)
        sink = Sink(path, question.shape, _stored(source.dtype, taps), _chunks(source, question), source.axes)
        if self.options.plan:
            print(self._plan(question, source, sink, cluster))
            return 0
        self._check_output(path, source)
        folder = Folder(path, self._told(source, taps, axes, boundary, library, question), self.options.resume)
        folder.check(self.options.overwrite)
        with cluster:
            folder.begin(sink)
            work = Work(source, folder.sink(sink), question.job, None if taps is None else Kernel(taps), folder.log)
            left = [piece for piece in question.pieces(_work_dtype(source.dtype)) if piece.at not in folder.done]
            count = len(folder.done) + len(left)
            run_blocks(cluster, work, left, folder, (count, source.nbytes / max(1, count)), self.quiet)
        folder.finish(sink)
        files, code = [str(path)], 0
        if self.figure is not False:
            drawing = path.with_name(f"{path.stem}-{path.suffix[1:]}-figure.png")
            try:
                title = (
                    f"{shown(str(source))[-60:]}, {shape_text(source.shape)} {source.dtype}  |  {self._kernel(taps)}"
                )
                write_figure(drawing, source, volumes.opened(str(path)), self._drawn(taps), title)
                files.append(str(drawing))
            except Exception as error:  # whatever Matplotlib or the disk has, the array itself is written
                complain(f"the figure {drawing} was not written: {error}")
                code = 1
        if not self.quiet:
            self._say(source, question, taps, files, time.perf_counter() - started)
        return code

    def _axes(self, source: Volume) -> tuple[int, ...] | None:
        """Return the axes that are named, None for all."""
        if self.options.axes is None:
            return None
        rank = len(source.shape)
        try:
            found = [int(each) for each in self.options.axes.split(",")]
        except ValueError:
            found = [rank]  # which is none
        if not all(-rank <= axis < rank for axis in found) or len({axis % rank for axis in found}) < len(found):
            allowed = f"different numbers from {-rank} to {rank - 1}, with commas"
            raise Mistake(f"--axes {self.options.axes}: allowed: {allowed}")
        return tuple(sorted(axis % rank for axis in found))

    def _taps(self, source: Volume, axes: tuple[int, ...] | None) -> np.ndarray | None:
        """Return the kernel with as many axes as the array; None for a Gaussian, which is a filter of its own."""
        if self.kernel is None:
            return None
        rank = len(source.shape)
        named = kernels.named_kernel(self.kernel)
        if named is not None:
            taps, own = named[..., 0], axes or tuple(range(max(0, rank - 2), rank))
        else:
            if Path(self.kernel).suffix.lower() in READ and not volumes.is_volume(self.kernel):
                if source.path.suffix == ".npy":
                    raise Mistake(
                        f"{self.given}: holds a kernel, not a picture; allowed: konvolve filter PICTURE KERNEL, in "
                        "this order, or a kernel in .npy or .zarr for an array"
                    )
                raise Mistake(f"KERNEL {self.kernel}: a picture, for an array; allowed: a kernel in .npy or .zarr")
            given = volumes.opened(self.kernel)
            taps = given[tuple(slice(0, n) for n in given.shape)]
            own = axes or tuple(range(rank))
        if taps.ndim not in (rank, len(own)):
            raise Mistake(
                f"KERNEL {self.kernel}: {taps.ndim} axes, the array {source} has {rank}; allowed: as many, or --axes "
                f"with {taps.ndim} axes to convolve"
            )
        if taps.ndim != rank:
            taps = taps.reshape([taps.shape[own.index(axis)] if axis in own else 1 for axis in range(rank)])
        if not np.isfinite(taps).all():
            raise Mistake(f"KERNEL {self.kernel}: holds NaN or infinities; allowed: finite numbers")
        if self.normalize:
            if abs(taps.sum()) <= 1e-9 * np.abs(taps).sum():
                raise Mistake(f"KERNEL {self.kernel}: the sum is 0, nothing to normalise; allowed: --no-normalize")
            taps = taps / taps.sum()
        work = _work_dtype(source.dtype)
        return taps.astype(np.result_type(work, "c8") if taps.dtype.kind == "c" else work)

    def _laid(
        self, source: Volume, taps: np.ndarray | None, axes: Any, how: tuple[str, str], memory: int, cluster: Cluster
    ) -> grid.Gridded:
        """Lay the result on a grid of blocks, as large as the memory allows.

        Where blocks of several threads would be small beside what is read around them, fewer threads are taken.
        """
        if self.options.chunks is not None:
            return self._on(source, taps, axes, how, _numbers(self.options.chunks, len(source.shape)))
        found = {}
        for threads in {cluster.threads, 1} if cluster.can_wait else {cluster.threads}:
            allowed = (_SHARE * memory - _BASE * cluster.processes) / threads
            laid = self._largest(source, taps, axes, how, allowed, threads)
            if laid is not None:
                found[threads] = laid
        if not found:
            least = self._on(source, taps, axes, how, [1] * len(source.shape))
            need = int((_bytes(least, source) * cluster.threads + _BASE * cluster.processes) / _SHARE)
            raise Mistake(
                f"--memory {self.options.memory}: a block needs {bytes_text(need)}; allowed: more memory, fewer "
                "--workers, or a smaller kernel"
            )
        cluster.threads = min(found, key=lambda threads: _excess(found[threads]) / threads)
        return found[cluster.threads]

    def _largest(
        self, source: Volume, taps: np.ndarray | None, axes: Any, how: tuple[str, str], allowed: float, threads: int
    ) -> grid.Gridded | None:
        """Return the grid of the largest blocks that take so many bytes, from the file's chunks on; None for none."""
        size = list(source.chunks)
        best = None
        while True:
            laid = self._on(source, taps, axes, how, size)
            if _bytes(laid, source) > allowed:
                if best is not None or max(size) == 1:
                    return best
                size[int(np.argmax(size))] //= 2  # less than a chunk: it is read several times
                continue
            if best is None and any(s < own for s, own in zip(size, source.chunks, strict=True)):
                return laid
            best = laid
            short = [axis for axis, n in enumerate(source.shape) if size[axis] < n]
            if not short or int(np.prod(laid.counts)) <= 2 * threads:
                return best
            size[min(short, key=size.__getitem__)] *= 2

    def _on(
        self, source: Volume, taps: np.ndarray | None, axes: Any, how: tuple[str, str], size: Sequence[int]
    ) -> grid.Gridded:
        boundary, library = how
        work = _work_dtype(source.dtype)
        if taps is None:
            options = {
                "sigma": self.sigma, "order": 0, "mode": _MODES[boundary], "cval": 0.0, "truncate": 4.0, "radius": None,
                "axes": axes, "output": None,
            }  # fmt: skip
            laid = grid.filtered("ndimage.gaussian_filter", (source.shape, work), options, size, library)
        else:
            options = {"mode": self.options.mode, "method": "auto", "axes": axes, "boundary": boundary}
            options["max_memory"] = None
            one, two = (source.shape, work), (taps.shape, taps.dtype.name)
            try:
                laid = grid.convolution("convolve", one, two, options, size, library)
            except ValueError as error:
                raise Mistake(f"--mode {self.options.mode}: {error}; allowed: full, same or valid") from error
        return laid._replace(job=laid.job.in_dtype(work))

    def _output(self, source: Volume) -> Path:
        if self.output is not None:
            if not self.output.strip():
                raise Mistake(f"--output {self.output!r}: empty; allowed: a file")
            path = Path(self.output)
        else:
            stem = (source.name.replace("/", "-") or source.path.stem) if source.name else source.path.stem
            path = Path(f"{stem}-{self.verb}{source.path.suffix}")
        if path.suffix.lower() not in (".zarr", ".npy", *volumes.TIFFS):
            raise Mistake(f"{path}: unknown output format {path.suffix!r}; allowed: .zarr, .npy, .tif, .tiff")
        return path

    def _check_output(self, path: Path, source: Volume) -> None:
        resolved, own = path.resolve(), source.path.resolve()
        if resolved == own or own in resolved.parents or resolved in own.parents:
            raise Mistake(f"{path}: the output is the input {source}, or in it; allowed: any other name")
        if path.exists() and not self.options.overwrite:
            raise Mistake(f"{path}: is there already; allowed: --overwrite, or another name for -o")
        if not path.exists():
            check_writable(path)

    def _told(
        self, source: Volume, taps: np.ndarray | None, axes: Any, boundary: str, library: str, laid: grid.Gridded
    ) -> dict[str, Any]:
        """Return all that the result depends on, which a run that is resumed must not change."""
        import hashlib

        kernel = None if taps is None else hashlib.sha256(taps.tobytes()).hexdigest()
        return {
            "input": source.stamp, "verb": self.verb, "sigma": self.sigma if taps is None else None, "kernel": kernel,
            "kernel shape": None if taps is None else list(taps.shape), "axes": None if axes is None else list(axes),
            "mode": self.options.mode, "boundary": boundary, "library": library or "numpy", "blocks": list(laid.grid),
        }  # fmt: skip

    def _plan(self, laid: grid.Gridded, source: Volume, sink: Sink, cluster: Cluster) -> str:
        """Return what would be done, in lines."""
        need = _bytes(laid, source)
        total = int(need * cluster.threads) + _BASE * cluster.processes
        lines = [
            f"{self.verb} {source}: {shape_text(source.shape)} {source.dtype}, {bytes_text(source.nbytes)}, chunks of "
            f"{shape_text(source.chunks)}",
            f"  result   {sink.path}: {shape_text(sink.shape)} {sink.dtype}, chunks of {shape_text(sink.chunks)}",
            f"  blocks   {int(np.prod(laid.counts))} of {shape_text(laid.grid)}, read with their surroundings as "
            f"{shape_text(laid.block_shape)}",
            f"  memory   {bytes_text(total)} predicted, of {self.options.memory}: {cluster.threads} at a time",
        ]
        if laid.plan is not None and laid.plan.block is not None:
            lines.append(f"  a block  {laid.plan.block.method}: {laid.plan.block.reason}")
        return "\n".join(lines)

    def _kernel(self, taps: np.ndarray | None) -> str:
        return f"Gaussian of sigma {self.sigma:g}" if taps is None else f"{shape_text(taps.shape)} kernel"

    def _drawn(self, taps: np.ndarray | None) -> np.ndarray:
        from konvolve.execution.filters.kernels import bell

        if taps is not None:
            return taps
        line = bell(float(self.sigma or 1), 2 * int(4 * float(self.sigma or 1) + 0.5) + 1)
        return np.outer(line, line) / line.sum() ** 2

    def _say(
        self, source: Volume, laid: grid.Gridded, taps: np.ndarray | None, files: list[str], seconds: float
    ) -> None:
        word = {"blur": "blurred", "filter": "filtered"}[self.verb]
        speed = source.nbytes / 1e6 / max(1e-9, seconds)
        what = f"{shape_text(source.shape)} {source.dtype}, {self._kernel(taps)}, {int(np.prod(laid.counts))} blocks"
        print(shown(f"{word} {source}: {what}, {speed:.0f} MB/s"))
        print(shown(f"written in {duration(seconds)}: {', '.join(files)}"))
        print(shown(f"try next: konvolve {self.verb} --plan with the same arguments, or konvolve {self.verb} --help"))


def _work_dtype(dtype: np.dtype) -> str:
    """Return the dtype that an array is computed in: float32 for what it holds exactly, else float64."""
    if dtype.kind == "c":
        return "complex64" if dtype.itemsize <= 8 else "complex128"
    return "float32" if dtype.itemsize <= (2 if dtype.kind in "iub" else 4) else "float64"


def _stored(dtype: np.dtype, taps: np.ndarray | None) -> np.dtype:
    """Return the dtype of the result: the array's own, complex where the kernel is."""
    if taps is not None and taps.dtype.kind == "c" and dtype.kind != "c":
        return np.dtype(np.result_type(taps.dtype, _work_dtype(dtype)))
    return dtype


def _bytes(laid: grid.Gridded, source: Volume) -> int:
    """Return what a block takes while it is computed: its samples as read, and the work on them."""
    samples = int(np.prod(laid.block_shape, dtype=np.int64))
    work = np.dtype(_work_dtype(source.dtype)).itemsize
    decoded = int(np.prod(source.chunks, dtype=np.int64)) * source.dtype.itemsize * volumes.AT_ONCE
    if laid.plan is None or laid.plan.block is None:
        return decoded + samples * (source.dtype.itemsize + _PASSES * work)
    return decoded + samples * (source.dtype.itemsize + work) + int(laid.plan.block.bytes or 0)


def _excess(laid: grid.Gridded) -> float:
    """Return how many times as many samples are read, and worked on, as there are in a block of the result."""
    return float(np.prod(laid.block_shape) / np.prod(laid.grid))


def _chunks(source: Volume, laid: grid.Gridded) -> tuple[int, ...]:
    """Return the chunks of the result: the file's own where blocks are made of them, else the blocks."""
    fits = all(size % own == 0 or size >= n for size, own, n in zip(laid.grid, source.chunks, laid.shape, strict=True))
    chunks = source.chunks if fits else laid.grid
    return tuple(min(a, b) for a, b in zip(chunks, laid.shape, strict=True))


def _numbers(given: str, rank: int) -> list[int]:
    """Return the sizes of blocks."""
    try:
        found = [int(each) for each in given.replace("x", ",").split(",")]
    except ValueError:
        found = []
    found = found * rank if len(found) == 1 else found
    if len(found) != rank or min(found, default=0) < 1:
        raise Mistake(f"--chunks {given}: allowed: a number of samples, or {rank} with commas")
    return found
