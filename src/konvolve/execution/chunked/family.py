"""SciPy's convolution family on arrays in chunks: what is asked, as jobs for blocks, and what every block needs."""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from konvolve.execution.chunked import tasks
from konvolve.execution.chunked.region import Region
from konvolve.execution.chunked.tasks import Block, Job, Transform
from konvolve.execution.operations import OPERATIONS, Options
from konvolve.planning import dtypes
from konvolve.planning.chunked.along import Along, Chunks
from konvolve.planning.chunked.halo import Blocks, blocks
from konvolve.planning.chunked.pieces import Piece, pieces
from konvolve.planning.chunked.plan import ChunkedPlan
from konvolve.planning.chunked.planner import FAN_IN, chunked_plan
from konvolve.planning.operands import Edge, Operand
from konvolve.planning.signal.arguments import check_axes
from konvolve.planning.signal.plan import Plan
from konvolve.profiles import in_use

_PLANAR = {"convolve2d": "convolve", "correlate2d": "correlate"}


class Question(NamedTuple):
    """What is asked: the operation with its options, the plan of the whole, the kernel's turn, and the library.

    ``flip`` are the axes along which the kernel is reversed before blocks see it, since they do not convolve them.
    """

    operation: str
    options: Options
    whole: Plan
    flip: tuple[int, ...]
    conjugate: bool
    library: str
    weighted: bool

    @property
    def module(self) -> str:
        """The file that enters the operation into the table."""
        return OPERATIONS[self.operation].compute.__module__

    @property
    def dtype(self) -> str:
        """The dtype of the result."""
        result = self.whole.problem.result
        if self.operation == "coefficient":
            return dtypes.as_float(result)
        return "float64" if self.weighted and not is_float(result) else result


def ask(
    operation: str, one: Operand, two: Operand, options: Options, library: str, weighted: bool
) -> Question:  # fmt: skip
    """Ask what an operation asks about two operands, whose sizes are all known."""
    plan = OPERATIONS[operation].plan
    assert plan is not None
    whole = plan(library or "numpy", (one, two), options)
    problem = whole.problem
    flip = tuple(axis for axis in problem.flip if axis not in problem.axes)
    conjugate = problem.kind == "product" and problem.conjugate and operation != "coefficient"
    if problem.kind == "product" and operation == "coefficient":
        flip = ()  # it looks at single samples too, and reverses them by itself
    return Question(operation, options, whole, flip, conjugate, library, weighted)


def planned(question: Question, chunks1: Chunks, chunks2: Chunks, finite: bool, *, advise: bool = False) -> ChunkedPlan:
    """Plan for in1 in these chunks; ``finite``: whether all taps of the kernel are, as far as is known."""
    problem = question.whole.problem
    profile = in_use.profile(question.library or "numpy")
    simple = question.operation in OPERATIONS and question.operation not in ("holes", "coefficient")
    may_part = simple and finite and problem.kind == "convolution" and problem.methods != ("direct",)
    job = job_of(question, masked=False)

    def block(shape1: tuple, shape2: tuple) -> Plan | None:
        plan = OPERATIONS[job.operation].plan
        if plan is None or problem.kind != "convolution":
            return None
        operands = ((shape1, problem.dtype1), (shape2, problem.dtype2))
        return plan(question.library or "numpy", operands, job.options)

    return chunked_plan(question.whole, chunks1, chunks2, profile, block, may_part=may_part, advise=advise)


def job_of(question: Question, *, masked: bool) -> Job:
    """Return what is done with each block: the same operation, of which "valid" is kept."""
    operation, problem = question.operation, question.whole.problem
    options = dict(question.options)
    if problem.kind == "product":
        operation = "convolve" if operation in ("correlate", *_PLANAR) else operation
        options = {"mode": "full", "axes": options.get("axes")}
        if operation == "convolve":
            options |= {"method": "auto", "boundary": "zero", "max_memory": None}
        if operation in ("holes", "coefficient"):
            options = dict(question.options) | {"mode": "full"}
    else:
        options |= {"mode": "valid", "axes": problem.axes}
        if operation in _PLANAR:
            operation = _PLANAR[operation]
            options = {"mode": "valid", "method": options["method"], "axes": problem.axes, "max_memory": None}
            options["boundary"] = "zero"
        if "boundary" in options:
            options["boundary"] = "zero"
    if "lags" in options or operation == "correlate":
        options["lags"] = None
    if "keep_nan" in options:
        options["keep_nan"] = False  # where a hole is, the whole array knows
    if question.operation == "coefficient":
        options["mask1"] = masked
        options["min_overlap"] = _overlap(question)
    constants = [edge.value for edge in problem.edges if edge.kind == "constant"]
    if "method" in options and not all(map(cmath.isfinite, constants)):
        options["method"] = "direct"  # as the whole problem is answered
    return Job(question.module, operation, options, question.library, problem.result if constants else "")


def _overlap(question: Question) -> float:
    """Return the least overlap; a share of all of in2 as a number, where blocks see a part of it alone."""
    least, problem = question.options["min_overlap"], question.whole.problem
    asked = check_axes(question.options["axes"], len(problem.shape2))
    sizes: list[int] = [problem.shape2[axis] or 0 for axis in asked]
    if not 0 < least < 1 or all(axis in problem.axes or n == 1 for axis, n in zip(asked, sizes, strict=True)):
        return least
    if question.options["mask2"]:
        raise ValueError(
            f"min_overlap={least} is a share of what mask2 leaves of in2, which goes beyond a block of in1, of one "
            "sample along an axis: give a number of samples"
        )
    return math.ceil(least * math.prod(sizes) - 1e-6)


class Need(NamedTuple):
    """What the tasks of one block are made from: its place, what is done, and where its operands lie.

    ``sources`` are pairs of an operand's number and the index of one of its chunks; the third of each says whether it
    is the block's own, which is handed on whole, or one of others, of which the borders may be enough.
    """

    at: tuple[int, ...]
    block: Block
    padded: bool
    sources: tuple[tuple[int, tuple[int, ...], bool], ...]


def needs(plan: ChunkedPlan, weights: Sequence[bool], dtype: str) -> Iterator[Need]:
    """Yield what each block needs of each operand in chunks, all of which have the chunks of in1.

    ``weights`` says of each operand whether it is the weights of in1, which count in full beyond constant edges.
    """
    lines = [[_regions(each, weighing) for each in plan.along] for weighing in weights]
    own = [blocks(each, _sizes(along.starts)).own for each, along in zip(lines[0], plan.along, strict=True)]
    for index in itertools.product(*(range(len(each.blocks)) for each in plan.along)):
        mine = tuple(each[place] for each, place in zip(own, index, strict=True))
        operands, sources, padded = [], [], False
        for number, axes in enumerate(lines):
            region = Region(tuple(axis[place] for axis, place in zip(axes, index, strict=True)))
            padded = padded or any(piece.chunk is None for axis in region.pieces for piece in axis)
            operands.append(tasks.Operand(region, dtype))
            sources += [(number, chunk, chunk == mine) for chunk, _ in region.sources()]
        rows = tuple(each.kernel_range(each.blocks[place]) for each, place in zip(plan.along, index, strict=True))
        yield Need(index, Block(tuple(operands), rows), padded, tuple(sources))


def along_axes(plan: ChunkedPlan) -> list[Blocks]:
    """Return what the blocks along each axis need of in1."""
    return [blocks(_regions(each, False), _sizes(each.starts)) for each in plan.along]


def _regions(along: Along, weighing: bool) -> list[tuple[Piece, ...]]:
    """Return the pieces of each block; of weights what lies beyond a constant edge counts, unless it is missing."""
    if weighing and along.edge.kind in ("zero", "constant"):
        along = along._replace(edge=Edge("constant", float(cmath.isfinite(along.edge.value))))
    return [along.region(block) for block in along.blocks]


def _sizes(starts: Sequence[int]) -> list[int]:
    return [b - a for a, b in itertools.pairwise(starts)]


def transform(question: Question, plan: ChunkedPlan) -> Transform:
    """Return how frames and parts are transformed."""
    problem = question.whole.problem
    convolved = [each for each in plan.along if each.taps]
    lengths = tuple(each.length for each in convolved)
    return Transform(problem.axes, lengths, problem.compute, problem.result, problem.local, question.library)


class Sum(NamedTuple):
    """One block of the result: the frames and the parts whose products are added, and what is kept of the inverse."""

    at: tuple[int, ...]
    pairs: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    kept: tuple[tuple[int, int], ...]

    def groups(self) -> list:
        """Return the pairs, so many at a time as one task multiplies."""
        return [self.pairs[start : start + FAN_IN] for start in range(0, len(self.pairs), FAN_IN)]


def frames(plan: ChunkedPlan) -> dict[tuple[int, ...], Region]:
    """Return where each frame's samples lie; one that is zero altogether is left out."""
    lines: list[list[tuple[int, tuple[Piece, ...]]]] = []
    for each in plan.along:
        if each.taps:
            ranges = [(place, each.frame(place)) for place in each.frames]
            lines.append([(place, pieces(*found, each.starts, each.edge)) for place, found in ranges])
        else:
            lines.append([(place, each.region(block)) for place, block in enumerate(each.blocks)])
    found = {}
    for chosen in itertools.product(*lines):
        region = Region(tuple(pieces for _, pieces in chosen))
        if not region.silent:
            found[tuple(place for place, _ in chosen)] = region
    return found


def part_boxes(plan: ChunkedPlan) -> dict[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return what of the kernel each part is: by its place along convolved axes, and the block's along others."""
    lines = []
    for each in plan.along:
        if each.taps:
            bounds = [min(each.taps, each.part * j) for j in range(each.parts + 1)]
            lines.append([(j, (bounds[j], bounds[j + 1])) for j in range(each.parts)])
        elif each.kernel > 1:
            lines.append([(place, each.kernel_range(block)) for place, block in enumerate(each.blocks)])
        else:
            lines.append([(0, (0, each.kernel))])
    return {
        tuple(place for place, _ in chosen): tuple(box for _, box in chosen) for chosen in itertools.product(*lines)
    }


def sums(plan: ChunkedPlan, there: dict[tuple[int, ...], Region]) -> Iterator[Sum]:
    """Yield the products that make each block of the result."""
    counts = [range(each.parts) if each.taps else range(1) for each in plan.along]
    for index in itertools.product(*(range(len(each.blocks)) for each in plan.along)):
        pairs = []
        for part in itertools.product(*counts):
            at = tuple(place - j for place, j in zip(index, part, strict=True))
            if at in there:
                rows = (
                    j if each.taps else place if each.kernel > 1 else 0
                    for each, j, place in zip(plan.along, part, index, strict=True)
                )
                pairs.append((at, tuple(rows)))
        kept = tuple(
            (each.part - 1, each.blocks[place][1] - each.blocks[place][0])
            for each, place in zip(plan.along, index, strict=True)
            if each.taps
        )
        yield Sum(index, tuple(pairs), kept)


def is_float(dtype: str) -> bool:
    """Whether an array of this dtype may have holes."""
    return dtypes.parse(dtype).kind in ("float", "complex")
