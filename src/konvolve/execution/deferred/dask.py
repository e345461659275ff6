"""Convolutions of dask arrays: the tasks of each block of the result. The only file that knows dask's arrays.

What is computed, and of which chunks, is told by ``execution/chunked``; here it becomes a graph. Nothing is computed.
"""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph
from dask.task_spec import List, Task, TaskRef

from konvolve.backends import registry
from konvolve.execution.chunked import family, filters, tasks
from konvolve.execution.chunked.region import borders
from konvolve.execution.kernel import Kernel
from konvolve.planning.chunked.halo import Blocks, border_of
from konvolve.planning.dtypes import fitted, parse
from konvolve.planning.operands import Operand, shown
from konvolve.planning.signal.arguments import check_fill

LIBRARIES = (None, "numpy", *registry.LIBRARIES)


def record(operation: str, arrays: tuple, options: dict[str, Any]) -> Any:
    """Return the result of an operation of dask arrays, as one; nothing is computed but errors of the arguments."""
    library = _library()
    if operation.startswith("ndimage."):
        return _filtered(operation, arrays, options, library)
    in1, in2, *more = arrays
    if not registry.in_chunks(in1):
        swapped = _swapped(operation, in1, in2, options)
        if swapped:
            return record(operation, (in2, np.asarray(in1), *more), options)
        in1 = da.from_array(np.asarray(in1), chunks=-1)
    if operation == "holes" and options["nan"] in ("fill", "raise", "interpolate"):
        return _without_holes(in1, in2, more, options)
    kernel = _given(in2)
    one, two = _operand("in1", in1), _operand("in2", in2)
    question = family.ask(operation, one, two, options, library, operation == "holes" and bool(more))
    if 0 in question.whole.output_shape:
        return da.zeros(question.whole.output_shape, dtype=question.dtype)
    taps: Any = in2.chunks if registry.in_chunks(in2) else tuple((n,) for n in two[0])
    finite = registry.in_chunks(in2) or not family.is_float(two[1]) or bool(np.isfinite(np.asarray(kernel)).all())
    plan = family.planned(question, in1.chunks, taps, finite)
    token = dask.base.tokenize(operation, in1.name, _token(in2), *map(_token, more), options, library)
    graph = _Graph(operation, token, plan.chunks, _empty(in1, question.dtype))
    ref = graph.operand("kernel", kernel, tasks.kernel_of, question.flip, question.conjugate)
    if plan.way == "parts":
        _in_parts(graph, question, plan, in1, ref)
        return graph.array(in1)
    if operation == "coefficient":
        _coefficient(graph, question, plan, (in1, ref), more)
        return graph.array(in1)
    operands: list[Any] = [in1]
    if more:
        operands.append(_like(more[0], in1))
    job = family.job_of(question, masked=False)
    graph.blocks(job, plan, operands, [False, True][: len(operands)], ref)
    y = graph.array(*operands)
    if options.get("keep_nan"):
        y = da.where(_holes(in1, more), np.asarray(math.nan, y.dtype), y)
    return y


def _library() -> str:
    """Return the library that computes chunks of NumPy: ``dask.config.set({"konvolve.library": ...})``."""
    found = dask.config.get("konvolve.library", None)
    if found not in LIBRARIES:
        names = ", ".join(map(repr, LIBRARIES[1:]))
        raise ValueError(f"dask's setting konvolve.library must be one of {names}, or None, not {shown(found)}")
    return "" if found in (None, "numpy") else found


def _swapped(operation: str, in1: Any, in2: Any, options: dict[str, Any]) -> bool:
    """Whether a convolution is the same with its operands exchanged, and the one in chunks is the signal."""
    symmetric = operation in ("convolve", "fftconvolve", "oaconvolve") and options["mode"] in ("full", "valid")
    return symmetric and options.get("boundary", "zero") == "zero" and np.size(in1) < in2.size


def _operand(argument: str, x: Any) -> Operand:
    """Return the shape and dtype of an operand, whose sizes must be known."""
    if not registry.in_chunks(x):
        array = x if isinstance(x, Kernel) else np.asarray(x)
        return tuple(array.shape), str(array.dtype)
    if any(math.isnan(n) for n in x.shape):
        raise ValueError(
            f"{argument} has chunks of unknown size, {x.chunks}: call {argument}.compute_chunk_sizes() first, which "
            "computes them"
        )
    return tuple(map(int, x.shape)), x.dtype.name


def _given(in2: Any) -> Any:
    """Return the kernel as every library can take it: as it is, or as a NumPy array."""
    if registry.in_chunks(in2) or (isinstance(in2, Kernel) and in2.library == "numpy"):
        return in2
    xp, (array,) = registry.resolve({"in2": in2.array if isinstance(in2, Kernel) else in2})
    if xp.traced(array) or getattr(array, "requires_grad", False):
        raise ValueError(
            "in2 is an array that derivatives are taken to or that is being traced, and dask arrays, which are "
            "computed later, have no derivatives: give its values, or convolve arrays in memory"
        )
    return xp.to_numpy(array)


def _token(x: Any) -> Any:
    return x.name if registry.in_chunks(x) else np.asarray(x)


def _like(x: Any, signal: Any) -> Any:
    """Return weights or a mask in the signal's shape and chunks."""
    found = x if registry.in_chunks(x) else np.asarray(x)
    return da.broadcast_to(da.asarray(found, chunks=-1), signal.shape).rechunk(signal.chunks)


def _empty(in1: Any, dtype: str) -> Any:
    """Return an array without samples of the kind and dtype of the result's chunks."""
    xp, (meta,) = registry.resolve({"in1": in1._meta})
    return xp.zeros((0,) * in1.ndim, xp.canonical(dtype), meta)


def _without_holes(in1: Any, in2: Any, more: Sequence[Any], options: dict[str, Any]) -> Any:
    """Fill holes, by a number or by what "omit" has there, or refuse them, and convolve what comes out."""
    own = ("function", "nan", "fill_value", "min_weight", "keep_nan")
    plain = {name: option for name, option in options.items() if name not in own}
    hole, whole = _holes(in1, more), in1
    dtype = in1.dtype.name
    if options["nan"] == "interpolate":
        here = {**options, "nan": "omit", "mode": "same", "keep_nan": False}
        here |= {"lags": None} if "lags" in options else {}
        whole, plain["local"] = da.where(hole, record("holes", (in1, in2, *more), here), in1), True
    elif family.is_float(dtype) and options["nan"] == "fill":
        value = fitted(check_fill(options["fill_value"], dtype, "fill_value"), dtype)
        whole, plain["local"] = da.where(hole, np.asarray(value, dtype), in1), not cmath.isfinite(value)
    elif family.is_float(dtype):
        whole = in1.map_blocks(tasks.refused, dtype=in1.dtype, meta=in1._meta)
    y = record(options["function"], (whole, in2), plain)
    return da.where(hole, np.asarray(math.nan, y.dtype), y) if options["keep_nan"] else y


def _holes(in1: Any, weights: Sequence[Any]) -> Any:
    """Return where a sample is missing altogether."""
    hole = ~da.isfinite(in1)
    return hole | (_like(weights[0], in1) == 0) if weights else hole


def _coefficient(graph: _Graph, question: family.Question, plan: Any, pair: tuple, masks: Sequence[Any]) -> None:
    """Enter the blocks of correlation coefficients, with a mask where a block reaches beyond the edges."""
    in1, ref = pair
    given = list(masks)
    mask1 = given.pop(0) if question.options["mask1"] else None
    present = da.ones(in1.shape, chunks=in1.chunks, dtype=bool) if mask1 is None else _like(mask1, in1) != 0
    more = [graph.operand("mask2", given[0], tasks.turned, question.flip, False)] if given else []
    whole = family.job_of(question, masked=mask1 is not None)
    masked = family.job_of(question, masked=True)
    graph.more += (present, *filter(registry.in_chunks, given))
    graph.blocks(masked, plan, [in1, present], [False, False], ref, more, None if mask1 is not None else whole)


def _same(x: Any) -> Any:
    return x


def _nested(x: Any, index: tuple[int, ...] = ()) -> Any:
    """Return references to all chunks of an array, nested as they lie."""
    if len(index) == x.ndim:
        return TaskRef((x.name, *index))
    return List(*(_nested(x, (*index, place)) for place in range(x.numblocks[len(index)])))


def _in_parts(graph: _Graph, question: family.Question, plan: Any, in1: Any, ref: TaskRef) -> None:
    """Enter the tasks of partitioned overlap-save."""
    how = family.transform(question, plan)
    there = family.frames(plan)
    taken = itertools.count()
    frames = {}
    for place, region in there.items():
        sources = List(*(TaskRef((in1.name, *chunk)) for chunk, _ in region.sources()))
        operand = tasks.Operand(region, how.compute)
        frames[place] = graph.enter("frame", (next(taken),), tasks.frame, how, operand, sources)
    flip = tuple(axis for axis in question.whole.problem.flip if axis in question.whole.problem.axes)
    conjugate = question.whole.problem.conjugate
    parts = {}
    for place, box in family.part_boxes(plan).items():
        parts[place] = graph.enter("part", place, tasks.part, how, ref, box, flip, conjugate)
    for each in family.sums(plan, there):
        total, groups = None, each.groups()
        for number, group in enumerate(groups):
            both = [List(*(found[pair[side]] for pair in group)) for side, found in ((0, frames), (1, parts))]
            if number + 1 < len(groups):
                total = graph.enter("sum", (*each.at, number), tasks.products, total, *both)
            else:
                graph.result(each.at, tasks.finished, how, each.kept, total, *both)
        if not groups:
            shape = tuple(size[place] for size, place in zip(graph.chunks, each.at, strict=True))
            graph.result(each.at, _zeros, graph.meta, shape)


def _zeros(meta: Any, shape: tuple[int, ...]) -> Any:
    xp, (like,) = registry.resolve({"meta": meta})
    return xp.zeros(shape, xp.dtype(like), like)


def _filtered(operation: str, arrays: tuple, options: dict[str, Any], library: str) -> Any:
    """Return a filter of a dask array: each chunk with as much of its neighbours as the filter reaches."""
    x, *weights = arrays
    if not registry.in_chunks(x):
        raise TypeError("weights are a dask array and input is not: convolve the image in chunks, or compute them")
    if parse(x.dtype.name).kind == "other":
        raise RuntimeError(f"input must be an array of numbers, not of dtype {x.dtype}")
    weights = [each.compute() if registry.in_chunks(each) else _given(each) for each in weights]
    _operand("input", x)
    question = filters.ask(operation, x._meta, x.chunks, weights, options, library)
    token = dask.base.tokenize(operation, x.name, *weights, options, library)
    graph = _Graph(operation.rpartition(".")[2], token, x.chunks, _empty(x, question.dtype))
    more = [graph.once("weights", _same, np.asarray(each)) for each in weights]
    near = _Borders(graph, x, question.along)
    for need in filters.needs(question):
        sources = List(*(near.source(chunk, own) for _, chunk, own in need.sources))
        graph.result(need.at, tasks.blocked, question.job, need.block, None, List(*more), sources)
    return graph.array(x)


class _Graph:
    """The tasks of a result in chunks, as they are entered."""

    def __init__(self, operation: str, token: str, chunks: Any, meta: Any) -> None:
        self.name, self.token, self.chunks, self.meta = f"{operation}-{token}", token, chunks, meta
        self.more: tuple = ()
        self._tasks: dict[Any, Task] = {}

    def enter(self, what: str, index: tuple, function: Callable, *arguments: Any) -> TaskRef:
        """Enter a task beside the result's own."""
        key = (f"{what}-{self.token}", *index)
        self._tasks[key] = Task(key, function, *arguments)
        return TaskRef(key)

    def once(self, what: str, function: Callable, *arguments: Any) -> TaskRef:
        """Enter a task that is done once for all blocks."""
        key = f"{what}-{self.token}"
        self._tasks[key] = Task(key, function, *arguments)
        return TaskRef(key)

    def result(self, index: tuple[int, ...], function: Callable, *arguments: Any) -> None:
        """Enter the task of a chunk of the result."""
        key = (self.name, *index)
        self._tasks[key] = Task(key, function, *arguments)

    def operand(self, what: str, given: Any, function: Callable, *arguments: Any) -> TaskRef:
        """Enter what a function makes of an operand that every block takes whole, once for all of them."""
        if registry.in_chunks(given):
            self.more += (given,)
            given = self.once(f"whole-{what}", tasks.joined, _nested(given))
        return self.once(what, function, given, *arguments)

    def blocks(
        self, job: tasks.Job, plan: Any, operands: Sequence[Any], weights: Sequence[bool], kernel: TaskRef,
        more: Sequence[TaskRef] = (), inner: tasks.Job | None = None,
    ) -> None:  # fmt: skip
        """Enter the blocks of a result; ``inner`` is the job of those that need only the first operand."""
        along = family.along_axes(plan)
        near = [_Borders(self, x, along, number) for number, x in enumerate(operands)]
        for need in family.needs(plan, weights, operands[0].dtype.name):
            block, sources, own = need.block, need.sources, job
            if inner is not None and not need.padded:
                block, own = block._replace(operands=block.operands[:1]), inner
                sources = tuple(each for each in sources if each[0] == 0)
            found = List(*(near[number].source(chunk, mine) for number, chunk, mine in sources))
            self.result(need.at, tasks.blocked, own, block, kernel, List(*more), found)

    def array(self, *operands: Any) -> Any:
        """Return the result."""
        given = [x for x in (*operands, *self.more) if registry.in_chunks(x)]
        graph = HighLevelGraph.from_collections(self.name, self._tasks, dependencies=given)
        return da.Array(graph, self.name, self.chunks, meta=self.meta)


class _Borders:
    """References to the chunks of an operand, or to their borders, which are copied once for all that need them."""

    def __init__(self, graph: _Graph, x: Any, along: Sequence[Blocks], number: int = 0) -> None:
        self._graph, self._x, self._along, self._number = graph, x, along, number
        self._found: dict[tuple[int, ...], TaskRef] = {}

    def source(self, chunk: tuple[int, ...], own: bool) -> TaskRef:
        """Return a reference to a chunk, or to the borders of one that is not the block's own."""
        if own:
            return TaskRef((self._x.name, *chunk))
        if chunk not in self._found:
            sizes = [size[place] for size, place in zip(self._x.chunks, chunk, strict=True)]
            thickness = border_of(self._along, sizes, chunk)
            whole = TaskRef((self._x.name, *chunk))
            self._found[chunk] = (
                whole
                if thickness is None
                else self._graph.enter(f"borders{self._number or ''}", chunk, borders, whole, thickness)
            )
        return self._found[chunk]
