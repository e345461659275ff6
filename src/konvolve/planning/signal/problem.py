"""The question, checked and normalised: what is to be convolved with what, in sizes and dtypes.

Every error for a wrong argument is raised here, once. The order of the checks is SciPy's, because it decides
which error wins. All functions end in one and the same kind of question: the full convolution of two arrays
along some axes, one operand reversed for a correlation, a window of it kept, the other axes broadcast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from konvolve.planning import dtypes
from konvolve.planning.geometry import Mode, broadcast
from konvolve.planning.operands import METHODS, ZERO, Edge, Operand, Shape
from konvolve.planning.signal.arguments import (
    check_axes,
    check_boundary,
    check_compatible,
    check_fill,
    check_lags,
    check_memory,
    check_method,
    check_mode,
    check_not_empty,
    check_planar_boundary,
    check_valid,
)

# The rows a batch whose size is not known is costed with.
_BATCH = 32


@dataclass(frozen=True)
class Problem:
    """One convolution, in numbers and names only.

    ``axes`` are the axes really convolved, ascending: an axis where one operand has a single sample is left to
    broadcasting, which gives the same values. ``compute`` is the dtype the sums are taken in and ``result`` the
    dtype given back. ``flip`` are the axes on which in2 is reversed (a correlation, which also conjugates it).
    """

    function: str
    kind: Literal["convolution", "product", "empty"]
    shape1: Shape
    shape2: Shape
    dtype1: str
    dtype2: str
    compute: str
    result: str
    axes: tuple[int, ...] = ()
    mode: str = "full"
    late: bool = False  # correlate2d's "same" starts one sample later for an even kernel
    conjugate: bool = False
    flip: tuple[int, ...] = ()
    edges: tuple[Edge, ...] = ()  # one per convolved axis; none where all is zero beyond in1
    lags: tuple[tuple[int, int], ...] = ()  # one per convolved axis; none where the mode says what is kept
    methods: tuple[str, ...] = METHODS[1:-1]  # all but "auto", which stands for these, and "separable"
    max_memory: int | None = None
    local: bool = False  # what is not finite shall be met by the taps that meet it, whatever the method
    cropped: tuple[int, ...] = ()  # the broadcast axes on which "same" cuts the result to in1's size, about the centre
    prepared: bool = False  # in2 is a `Kernel`: what can be computed of it alone is computed once for many calls
    batch: tuple[int, ...] = field(init=False, compare=False, repr=False)  # the axes that are broadcast, not convolved

    def __post_init__(self) -> None:
        # Once for all: planning asks for it a hundred times.
        object.__setattr__(self, "batch", tuple(axis for axis in range(len(self.shape1)) if axis not in self.axes))

    @cached_property
    def rows(self) -> tuple[int, int, int]:
        """The rows of in1, in2 and the result, an unknown batch taken for one of many rows."""
        shapes = [[shape[axis] for axis in self.batch] for shape in (self.shape1, self.shape2)]
        one, two, out = (
            math.prod([_BATCH if n is None else n or 1 for n in sizes]) for sizes in (*shapes, self.batch_shape)
        )
        return one, two, out

    @cached_property
    def known(self) -> bool:
        """Whether every size along the convolved axes is known; the batch decides little."""
        return all(None not in (self.shape1[axis], self.shape2[axis]) for axis in self.axes)

    @property
    def warns(self) -> bool:
        """Whether a result that is not finite is worth a warning: where another method might have kept it local."""
        ours = self.function not in ("fftconvolve", "oaconvolve") and not self.local
        return ours and self.compute.startswith(("float", "complex"))

    @property
    def extended(self) -> bool:
        """Whether in1 has values other than zero beyond its edges."""
        return any(edge != ZERO for edge in self.edges)

    def keeps(self, place: int) -> Mode:
        """Return what is kept along one of the convolved axes."""
        if self.lags:
            return self.lags[place]
        return "late" if self.late else self.mode

    @property
    def batch_shape(self) -> Shape:
        """The broadcast sizes of the batch axes."""
        return tuple(broadcast(self.shape1[axis], self.shape2[axis]) for axis in self.batch)


def _more_axes(shape1: Shape, shape2: Shape) -> str:
    """Return how the operand of fewer axes gets as many as the other."""
    name, missing = ("in2", len(shape1) - len(shape2)) if len(shape2) < len(shape1) else ("in1", 0)
    missing = missing or len(shape2) - len(shape1)
    if () in (shape1, shape2):
        return f"{name} is a single number: multiply by it, or give it axes of one sample, as in np.reshape"
    if missing == 1:
        return f"an axis of one sample is broadcast: {name}[..., None], or {name}[None, ...]"
    return (
        f"axes of one sample are broadcast: {name}[None, ..., None]"
        if missing == 2
        else (f"axes of one sample are broadcast: give {name} {missing} more")
    )


def _same_rank(in1: Operand, in2: Operand, names: str = "in1 and in2") -> int:
    if len(in1[0]) != len(in2[0]):
        raise ValueError(
            f"{names} should have the same dimensionality, not {len(in1[0])} and {len(in2[0])}: "
            f"in1 has the shape {in1[0]}, in2 {in2[0]}; {_more_axes(in1[0], in2[0])}"
        )
    return len(in1[0])


def _product(function: str, in1: Operand, in2: Operand, **rest: Any) -> Problem:
    common = dtypes.result_type(in1[1], in2[1])
    return Problem(function, "product", in1[0], in2[0], in1[1], in2[1], common, common, **rest)


def _convolution(
    function: str, in1: Operand, in2: Operand, axes: tuple[int, ...], mode: str, result: str, *,
    edges: dict[int, Edge] | None = None, lags: dict[int, tuple[int, int]] | None = None, **rest: Any,
) -> Problem:  # fmt: skip
    """Leave the axes of a single sample to broadcasting and settle the dtype of the sums.

    The axes come in any order; ``edges`` and ``lags`` say per axis what lies beyond in1 and what is kept.
    """
    shape1, shape2 = in1[0], in2[0]
    check_compatible(shape1, shape2, [axis for axis in range(len(shape1)) if axis not in axes])
    edges, lags = edges or {}, lags or {}
    # correlate2d's "same", lags, and values beyond the edges look at the sizes of an axis whatever they are.
    valued = {axis for axis, edge in edges.items() if edge != ZERO}
    particular = valued | _cornered(edges) | set(lags) | set(axes if rest.get("late") else ())
    kept = tuple(axis for axis in sorted(axes) if axis in particular or 1 not in (shape1[axis], shape2[axis]))
    if mode == "same":  # an axis that is not asked for keeps its broadcast size
        rest["cropped"] = tuple(axis for axis in sorted(axes) if axis not in kept)
    compute = result if dtypes.parse(result).kind in ("bool", "int", "uint", "other") else dtypes.as_float(result)
    kind: Literal["convolution", "product"] = "convolution" if kept else "product"
    rest["edges"] = tuple(edges.get(axis, ZERO) for axis in kept) if particular else ()
    if any(edge.value - edge.value != 0 for edge in rest["edges"]):  # NaN or inf
        rest["methods"] = ("direct",)  # a transform would spread it over everything
    rest["lags"] = tuple(lags[axis] for axis in kept) if lags else ()
    return Problem(function, kind, shape1, shape2, in1[1], in2[1], compute, result, kept, mode, **rest)


def _cornered(edges: dict[int, Edge]) -> set[int]:
    """Return the axes before one with a constant: it lies beyond the zeros before and behind a single sample, too."""
    last = max((axis for axis, edge in edges.items() if edge.kind == "constant"), default=-1)
    return {axis for axis in edges if axis < last}


def fourier(function: str, in1: Operand, in2: Operand, mode: Any, axes: Any) -> Problem:
    """Ask what ``scipy.signal.fftconvolve`` and ``oaconvolve`` ask."""
    shape1, shape2 = in1[0], in2[0]
    if shape1 == shape2 == ():
        return _product(function, in1, in2)
    ndim = _same_rank(in1, in2)
    if 0 in shape1 or 0 in shape2:
        return Problem(function, "empty", shape1, shape2, in1[1], in2[1], "float64", "float64")
    convolved = check_axes(axes, ndim)
    kept = tuple(axis for axis in sorted(convolved) if 1 not in (shape1[axis], shape2[axis]))
    check_compatible(shape1, shape2, [axis for axis in range(ndim) if axis not in kept])
    if mode == "valid":
        check_valid(shape1, shape2, kept)
    check_mode(mode)
    # SciPy cuts the broadcast axes of "same" to in1's size too.
    cropped = tuple(axis for axis in range(ndim) if axis not in kept) if mode == "same" else ()
    if not kept:
        return _product(function, in1, in2, mode=mode, cropped=cropped)
    result = dtypes.result_type(dtypes.as_float(in1[1]), dtypes.as_float(in2[1]))
    methods = ("overlap",) if function == "oaconvolve" else ("fft", "overlap")
    return Problem(
        function,
        "convolution",
        shape1,
        shape2,
        in1[1],
        in2[1],
        result,
        result,
        kept,
        mode,
        methods=methods,
        cropped=cropped,
    )


def convolve(
    function: str, in1: Operand, in2: Operand, mode: Any, method: Any, axes: Any, boundary: Any = "zero",
    max_memory: Any = None, local: bool = False,
) -> Problem:  # fmt: skip
    """Ask what ``scipy.signal.convolve`` asks, along ``axes``, with values beyond the edges.

    ``local``: what is not finite shall stay where taps meet it, by a method asked for by name too.
    """
    if in1[0] == in2[0] == ():
        return _product(function, in1, in2)
    ndim = _same_rank(in1, in2, "volume and kernel")
    return _general(function, in1, in2, mode, method, check_axes(axes, ndim), boundary, max_memory, local=local)


def correlate(
    function: str,
    in1: Operand,
    in2: Operand,
    mode: Any,
    method: Any,
    axes: Any,
    boundary: Any = "zero",
    lags: Any = None,
    max_memory: Any = None,
    local: bool = False,
) -> Problem:
    """Ask what ``scipy.signal.correlate`` asks, along ``axes``, with values beyond the edges, for a window of lags."""
    if in1[0] == in2[0] == ():
        return _product(function, in1, in2, conjugate=True)
    ndim = _same_rank(in1, in2)
    check_mode(mode)
    axes = check_axes(axes, ndim)
    lags = check_lags(lags, axes, mode)
    flip = tuple(axis for axis in axes if in2[0][axis] != 1)
    rest: dict[str, Any] = {"lags": lags, "conjugate": True, "flip": flip, "local": local}
    return _general(function, in1, in2, mode, method, axes, boundary, max_memory, **rest)


def _general(
    function: str, in1: Operand, in2: Operand, mode: Any, method: Any, axes: tuple[int, ...], boundary: Any,
    max_memory: Any, **rest: Any,
) -> Problem:  # fmt: skip
    rest["max_memory"] = check_memory(max_memory)
    if mode == "valid":
        check_valid(in1[0], in2[0], axes)
    check_method(method)
    check_mode(mode)
    check_not_empty(function, in1[0], in2[0], axes)
    result = dtypes.result_type(in1[1], in2[1])
    if dtypes.parse(result).kind == "other" and result != "object":
        raise TypeError(f"{function}: arrays of dtypes {in1[1]} and {in2[1]} cannot be convolved")
    edges = check_boundary(boundary, axes, result)
    rest["local"] = rest["local"] or method == "auto"
    if method != "auto":
        rest["methods"] = (method,)
    # No sample beyond the edges enters a "valid" result.
    return _convolution(function, in1, in2, axes, mode, result, edges={} if mode == "valid" else edges, **rest)


def planar(function: str, in1: Operand, in2: Operand, mode: Any, boundary: Any, fillvalue: Any, method: Any) -> Problem:
    """Ask what ``scipy.signal.convolve2d`` and ``correlate2d`` ask."""
    shape1, shape2 = in1[0], in2[0]
    if len(shape1) != 2 or len(shape2) != 2:
        raise ValueError(f"{function} inputs must both be 2-D arrays, not of shapes {shape1} and {shape2}")
    if mode == "valid":
        check_valid(shape1, shape2, (0, 1))
    check_mode(mode)
    check_planar_boundary(boundary, 0)
    check_method(method)
    common = dtypes.result_type(in1[1], in2[1])
    if dtypes.parse(common).kind in ("bool", "other"):
        raise ValueError(f"{function} not available for this type: {in1[1]} with {in2[1]}.")
    fill = check_fill(fillvalue, common)
    correlating = function == "correlate2d"
    rest: dict[str, Any] = {"conjugate": correlating, "flip": (0, 1) if correlating else ()}
    if mode != "valid":  # no sample beyond the edges enters a "valid" result
        rest["edges"] = dict.fromkeys((0, 1), check_planar_boundary(boundary, fill))
        rest["late"] = correlating and mode == "same"
    rest["local"] = method == "auto"
    if method != "auto":
        rest["methods"] = (method,)
    return _convolution(function, in1, in2, (0, 1), mode, common, **rest)


def separable(image: Operand, hrow: Operand, hcol: Operand) -> str:
    """Check what ``scipy.signal.sepfir2d`` is given and return the dtype it works in."""
    for argument, (shape, _), rank in (("input", image, 2), ("hrow", hrow, 1), ("hcol", hcol, 1)):
        if len(shape) != rank:
            depth = (
                "object too deep for desired array"
                if len(shape) > rank
                else "object of too small depth for desired array"
            )
            raise ValueError(f"{depth}: {argument} must have {rank} dimension{'s'[: rank - 1]}, not shape {shape}")
    if any(shape[0] is not None and shape[0] % 2 == 0 for shape, _ in (hrow, hcol)):
        raise ValueError(f"hrow and hcol must be odd length, not {hrow[0][0]} and {hcol[0][0]}")
    for argument, (shape, _), n in (("hrow", hrow, image[0][1]), ("hcol", hcol, image[0][0])):
        if n is not None and shape[0] is not None and shape[0] > n:
            raise ValueError(
                f"{argument} must not be longer than the image along its axis: {shape[0]} taps for {n} samples"
            )
    work = dtypes.result_type(dtypes.as_float(image[1]) if image[1] in ("float16", "bfloat16") else image[1], "float32")
    for argument, (_, name) in (("hrow", hrow), ("hcol", hcol)):
        if dtypes.is_complex(name) and not dtypes.is_complex(work):
            raise TypeError(f"cannot cast the complex {argument} ({name}) to the type of the image ({work})")
    return work


def separable_pass(function: str, in1: Operand, in2: Operand, axis: int) -> Problem:
    """Ask for one pass of ``sepfir2d``: along one axis, edges mirrored."""
    return _convolution(function, in1, in2, (axis,), "same", in1[1], edges={axis: Edge("symmetric")}, local=True)


def choice(in1: Operand, in2: Operand, mode: Any) -> None:
    """Check what ``scipy.signal.choose_conv_method`` is given."""
    if mode == "valid":
        check_valid(in1[0], in2[0], range(len(in1[0])))
    check_mode(mode)
    _same_rank(in1, in2)
    if None in (*in1[0], *in2[0]):
        raise ValueError(f"choose_conv_method has to know all sizes, not {in1[0]} and {in2[0]}")
    check_not_empty("choose_conv_method", in1[0], in2[0], range(len(in1[0])))
