"""A convolution with a product of factors is one convolution after another, along one axis each."""

from __future__ import annotations

from dataclasses import replace

from konvolve.planning import dtypes
from konvolve.planning.geometry import window
from konvolve.planning.operands import ZERO
from konvolve.planning.signal.problem import Problem

METHODS = ("direct", "fft", "overlap", "matrix")


def separates(problem: Problem) -> bool:
    """Whether the problem can be answered axis by axis if the kernel is a product.

    Integers stay exact only in sums, a kernel of its own for every row has as many factors, and a constant beyond the
    edges is not the same constant after the first pass.
    """
    return (
        problem.kind == "convolution"
        and problem.known
        and all(edge.kind != "constant" for edge in problem.edges)
        and dtypes.parse(problem.compute).kind in ("float", "complex")
        and all(problem.shape2[axis] == 1 for axis in problem.batch)
    )


def passes(problem: Problem) -> list[Problem]:
    """Return the problem of each axis; what is kept and what lies beyond the edges are settled per axis anyway."""
    found = []
    shape1: list[int | None] = list(problem.shape1)
    dtype1 = problem.dtype1
    for place, axis in enumerate(problem.axes):
        last = place == len(problem.axes) - 1
        shape2: list[int | None] = [1] * len(shape1)
        shape2[axis] = problem.shape2[axis]
        found.append(
            replace(
                problem,
                shape1=tuple(shape1),
                shape2=tuple(shape2),
                dtype1=dtype1,
                dtype2=problem.compute,
                result=problem.result if last else problem.compute,
                axes=(axis,),
                flip=(axis,) if axis in problem.flip else (),
                edges=problem.edges[place : place + 1],
                lags=problem.lags[place : place + 1],
                methods=METHODS if set(problem.methods) != {"direct"} else problem.methods,
            )
        )
        kept = window(problem.keeps(place), shape1[axis], problem.shape2[axis])
        shape1[axis], dtype1 = kept.size, problem.compute
    return found


def single_taps_behind(problem: Problem) -> Problem:
    """Return a problem of one axis as one of all the axes from it on, the kernel having a single tap on the others."""
    (axis,) = problem.axes
    behind = tuple(range(axis + 1, len(problem.shape1)))
    lags = tuple((0, (problem.shape1[other] or 1) - 1) for other in behind) if problem.lags else ()
    edges = (ZERO,) * len(behind) if problem.edges else ()
    return replace(problem, axes=(axis, *behind), edges=problem.edges + edges, lags=problem.lags + lags)
