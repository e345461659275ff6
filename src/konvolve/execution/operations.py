"""The public operations, in one table: what a layer of Keras, which computes later, has to know of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from konvolve.backends.interface import Backend
from konvolve.planning.operands import Operand

F = TypeVar("F", bound=Callable)
Options = Mapping[str, Any]


def public(function: F) -> F:
    """Mark a function as one that AutoGraph shall call and not rewrite.

    There is nothing in it to rewrite, tracing is faster without, and AutoGraph honours the mark without
    TensorFlow being imported here.
    """
    function.autograph_info__ = {}  # type: ignore[attr-defined]
    return function


class Operation(NamedTuple):
    """One public operation on arrays.

    ``names``: what it calls its operands. ``result(xp, operands, options)``: the shape of its result, with None for a
    size that is not known yet, and its dtype, from each operand's shape and dtype. ``compute(arrays, options, owner)``:
    its result; ``owner`` is the layer that the second operand belongs to, None if it comes with each call. The options
    are by name; ``order`` is the order in which models saved until 2026-11-26 have them, without names.

    An operation of arrays in chunks is told by one of two: ``plan(library, operands, options)`` is the plan of the one
    convolution that it is made of; ``reach(arrays, options)`` how many samples before and behind each one, along each
    axis, have a part in its result.
    """

    names: tuple[str, ...]
    result: Callable[[Backend, Sequence[Operand], Options], tuple[tuple[int | None, ...], str]]
    compute: Callable[[Sequence[Any], Options, Any], Any]
    order: tuple[str, ...]
    plan: Callable[[str, Sequence[Operand], Options], Any] | None = None
    reach: Callable[[Sequence[Any], Options], tuple[tuple[int, int], ...]] | None = None


OPERATIONS: dict[str, Operation] = {}
"""By the name that saved models have them by; each file of the operations enters its own."""
