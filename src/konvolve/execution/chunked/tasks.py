"""What a scheduler's tasks do: a block of the result by a function of konvolve, from the chunks that it needs.

Everything here can be pickled and is handed arrays alone, so that it runs in any process that can import konvolve.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.backends.numpy.cores import one_core
from konvolve.execution.chunked.region import Box, Region, assemble, cut
from konvolve.execution.kernel import Kernel
from konvolve.execution.operations import OPERATIONS
from konvolve.methods import parts
from konvolve.planning import dtypes
from konvolve.planning.geometry import trailing


@dataclass(frozen=True)
class Job:
    """What is done with each block: an operation with its options, and in which library.

    ``module`` is the file that enters the operation into the table; a process that has not imported it does so.
    ``library`` computes chunks of NumPy, which chunks of other libraries never are. ``dtype`` is the one blocks are put
    together in, empty for that of their chunks.
    """

    module: str
    operation: str
    options: dict[str, Any] = field(hash=False)
    library: str = ""
    dtype: str = ""

    def in_dtype(self, dtype: str) -> Job:
        """Return the same on blocks in this dtype."""
        return replace(self, dtype=dtype)

    def compute(self, arrays: Sequence[Any]) -> Any:
        """Return the operation's result for a block, in the library of the chunks."""
        importlib.import_module(self.module)
        with one_core():  # the scheduler has a thread for each core
            y = OPERATIONS[self.operation].compute(arrays, self.options, None)
        if not self.library:
            return y
        xp, (y,) = registry.resolve({"block": y})
        return xp.to_numpy(y)


class Operand(NamedTuple):
    """How a block of an operand is put together: where its samples lie, and, for the kernel, which rows are its own."""

    region: Region
    like: str  # the dtype of a block that lies beyond the edges altogether


class Block(NamedTuple):
    """One block of the result: the operands in chunks, the rows of the kernel, and what is kept of the answer."""

    operands: tuple[Operand, ...]
    rows: tuple[tuple[int, int], ...] | None = None
    kept: tuple[tuple[int, int], ...] | None = None


def blocked(job: Job, block: Block, kernel: Any, more: Sequence[Any], sources: Sequence[Any]) -> Any:
    """Return one block of the result.

    ``kernel`` is in2, None where there is none, ``more`` are operands that every block takes whole, and ``sources`` the
    chunks, or borders of chunks, of all operands in chunks, in the order of their regions.
    """
    left = list(sources)
    arrays = []
    for operand in block.operands:
        boxes = [box for _, box in operand.region.sources()]
        samples = [cut(left.pop(0), box) for box in boxes]
        arrays.append(gathered(operand, samples, job.dtype))
    first, *rest = arrays
    if job.library:
        first = on_library(job.library, first)
    own = () if kernel is None else (_rows(kernel, block.rows),)
    y = job.compute([first, *own, *rest, *(_rows(each, block.rows) for each in more)])
    return y if block.kept is None else _kept(y, block.kept)


def _kept(y: Any, kept: tuple[tuple[int, int], ...]) -> Any:
    """Return what is kept of an answer; NumPy's is copied, so that the rest is not held with it."""
    part = y[tuple(slice(*each) for each in kept)]
    return part.copy() if isinstance(part, np.ndarray) and part.size < y.size else part


def gathered(operand: Operand, samples: list, dtype: str) -> Array:
    """Return a block of an operand, in the library of its chunks."""
    named = {f"chunk {place}": x for place, x in enumerate(samples)} or {"block": np.zeros((), operand.like)}
    xp, found = registry.resolve(named)
    if dtype:
        found = [xp.cast(x, dtype) for x in found]
    own = dtype or xp.dtype(found[0])
    return assemble(xp, operand.region, found if samples else [], own, found[0])


def on_library(name: str, x: Any) -> Any:
    """Return a block of NumPy as an array of another library."""
    return registry.backend(name).asarray(x) if isinstance(x, np.ndarray) else x


def _rows(kernel: Any, rows: tuple[tuple[int, int], ...] | None) -> Any:
    """Return the rows of the kernel that are a block's own."""
    if rows is None or all(row == (0, n) for row, n in zip(rows, kernel.shape, strict=True)):
        return kernel
    array = kernel.array if isinstance(kernel, Kernel) else kernel
    return array[tuple(slice(*row) for row in rows)]


def kernel_of(array: Any, flip: tuple[int, ...], conjugate: bool) -> Any:
    """Return a kernel once for all blocks, so that what can be computed of it alone is."""
    array = turned(array, flip, conjugate)
    return array if isinstance(array, Kernel) or 0 in array.shape else Kernel(array)


def turned(array: Any, flip: tuple[int, ...], conjugate: bool) -> Any:
    """Return a kernel, or its mask, reversed along axes that are not convolved, which correlations reverse."""
    if not flip and not conjugate:
        return array
    xp, (array,) = registry.resolve({"in2": np.asarray(array) if isinstance(array, Kernel) else array})
    array = xp.flip(array, flip) if flip else array
    return xp.conjugate(array) if conjugate and dtypes.is_complex(xp.dtype(array)) else array


def refused(chunk: Any) -> Any:
    """Return a chunk; ValueError if it has holes."""
    xp, (x,) = registry.resolve({"in1": chunk})
    x = xp.to_numpy(x)
    if not np.isfinite(x).all():
        number = int((~np.isfinite(x)).sum())
        raise ValueError(f"nan='raise', and in1 has holes: {number} of {x.size} samples of a chunk are NaN or infinite")
    return chunk


def joined(chunks: Any, axis: int = 0) -> Any:
    """Return nested lists of chunks as one array."""
    if not isinstance(chunks, list):
        return chunks
    parts = [joined(each, axis + 1) for each in chunks]
    xp, parts = registry.resolve({f"chunk {place}": part for place, part in enumerate(parts)})
    return xp.concatenate(parts, axis) if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class Transform:
    """How frames and parts are transformed: the convolved axes, the lengths, and the dtype of the sums."""

    axes: tuple[int, ...]
    lengths: tuple[int, ...]
    compute: str
    result: str
    local: bool
    library: str = ""

    def last(self, xp: Backend, x: Array) -> Array:
        """Return x in the dtype of the sums, the convolved axes last."""
        order = trailing(len(xp.shape(x)), self.axes)
        x = xp.cast(x, self.compute)
        return x if order is None else xp.transpose(x, order[0])


def frame(how: Transform, operand: Operand, sources: Sequence[Any]) -> parts.Spectra:
    """Return the spectra of a frame, from the chunks, or borders of chunks, that it lies on."""
    samples = [cut(source, box) for source, (_, box) in zip(sources, operand.region.sources(), strict=True)]
    x = gathered(operand, samples, how.compute)
    if how.library:
        x = on_library(how.library, x)
    xp, (x,) = registry.resolve({"frame": x})
    with one_core():
        return parts.of_frame(xp, how.last(xp, x), how.lengths, how.local)


def part(
    how: Transform, kernel: Any, box: Box, flip: tuple[int, ...], conjugate: bool
) -> parts.Spectra:  # fmt: skip
    """Return the spectra of a part of the kernel, counted along it as it is reversed."""
    array = kernel.array if isinstance(kernel, Kernel) else kernel
    xp, (array,) = registry.resolve({"in2": on_library(how.library, array) if how.library else array})
    array = xp.flip(array, flip) if flip else array
    array = xp.conjugate(array) if conjugate and dtypes.is_complex(xp.dtype(array)) else array
    taps = array[tuple(slice(*each) for each in box)]
    with one_core():
        return parts.of_part(xp, how.last(xp, taps), how.lengths, how.local)


def products(total: parts.Spectra | None, frames: Sequence[parts.Spectra], kernels: Sequence[parts.Spectra]) -> Any:
    """Return the sum of products of frames and parts, added to a total."""
    xp, _ = registry.resolve({"frame": frames[0].values})
    alike = [
        parts.Spectra(_as(xp, each.values), each.marks and tuple(_as(xp, x) for x in each.marks)) for each in kernels
    ]
    return parts.multiplied(xp, total, list(zip(frames, alike, strict=True)))


def _as(xp: Backend, x: Any) -> Array:
    """Return a spectrum of the kernel, which may be NumPy's, in the library of the frames."""
    return xp.asarray(x) if isinstance(x, np.ndarray) else x


def finished(how: Transform, kept: tuple[tuple[int, int], ...], total: Any, frames: Sequence, kernels: Sequence) -> Any:
    """Return a block of the result: the last products are added, and the sum is transformed back."""
    total = products(total, frames, kernels) if frames else total
    xp, _ = registry.resolve({"frame": total.values})
    with one_core():
        y = parts.block(xp, total, how.compute, how.lengths, kept)
    order = trailing(len(xp.shape(y)), how.axes)
    y = xp.cast(y if order is None else xp.transpose(y, order[1]), how.result)
    return xp.to_numpy(y) if how.library else xp.to_result(y)
