"""From arguments to a result: find the library, ask the problem, take the plan from the cache, run it."""

from __future__ import annotations

import functools
import math
import operator
import timeit
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Backend
from konvolve.execution.chunked import family
from konvolve.execution.deferred import in_chunks, is_particular, record
from konvolve.execution.kernel import Kernel, terms
from konvolve.execution.operations import OPERATIONS, Operation, Options, public
from konvolve.execution.plans import recall
from konvolve.methods.signal import separable
from konvolve.methods.signal.run import prepare, run
from konvolve.planning import dtypes
from konvolve.planning.chunked.along import check_chunks
from konvolve.planning.geometry import MODES, window
from konvolve.planning.operands import METHODS, Operand, check_operand, plain, shown
from konvolve.planning.signal import problem
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.planner import make_plan
from konvolve.planning.signal.problem import Problem
from konvolve.planning.signal.scipy_rule import scipy_choice
from konvolve.planning.signal.separable import Separable
from konvolve.profiles import in_use

# Which question each public function asks; "sepfir2d" asks one per pass.
_ASK: dict[str, Callable[..., Problem]] = {
    "fftconvolve": problem.fourier,
    "oaconvolve": problem.fourier,
    "convolve": problem.convolve,
    "correlate": problem.correlate,
    "convolve2d": problem.planar,
    "correlate2d": problem.planar,
    "sepfir2d": problem.separable_pass,
}


def solve(function: str, in1: Any, in2: Any, **options: Any) -> Any:
    """Answer a public function's question about two arrays; ``options`` are its other arguments."""
    if is_particular(in1) or is_particular(in2):
        return record(function, (in1, in2), options)
    kernel = in2 if isinstance(in2, Kernel) else None
    xp, (a, b) = registry.resolve({"in1": in1, "in2": in2 if kernel is None else kernel.array})
    prepared = {"prepared": True} if kernel is not None and kernel.finite else {}
    chosen = plan_arrays(xp, function, a, b, **options, **prepared)
    apart = chosen.separable or (chosen if isinstance(chosen.way, Separable) else None)
    if apart is not None:
        terms = _terms(xp, apart, kernel, in2, b)
        if chosen is apart and not terms:
            raise ValueError(_NOT_SEPARABLE.format(chosen.problem.compute))
        if terms and (chosen is apart or len(terms) * apart.seconds < chosen.seconds):  # type: ignore[operator]
            return separable.run(xp, xp.compiled(run), apart.way, a, terms)  # type: ignore[arg-type]
    if kernel is not None and chosen.preparable and (kernel.finite or not chosen.spreads):
        return carry_out(xp, chosen, a, b, kernel.prepared(xp, chosen, b, prepare))
    return carry_out(xp, chosen, a, b)


_NOT_SEPARABLE = (
    "method='separable' needs a kernel that is the product of one factor per axis (in {}), and whose values can be "
    "seen: not an array to which derivatives are taken or that is being traced"
)


def carry_out(xp: Backend, plan: Plan, a: Any, b: Any, *prepared: Any) -> Any:
    """Carry out a plan on two arrays of a library, and the prepared kernel where there is one, in the quickest way.

    That is by NumPy where the values may be seen and nothing lasts, and by a program of a library that computes one
    operation after the other, where the plan is long and comes again.
    """
    if plan.eager == "host" and not prepared:
        seen = by_numpy(xp, plan, a, b)
        if seen is not None:
            return xp.asarray(run(registry.backend("numpy"), plan, *seen), a)
    if plan.eager:
        program = xp.program(functools.partial(run, xp, plan, finite_input=True), plan, (a, b, *prepared))
        if program is not None and _all_finite(xp, plan, a, b):
            y = program(a, b, *prepared)
            if not plan.problem.warns or xp.begins_finite(y):
                return y
    return xp.compiled(run)(xp, plan, a, b, *prepared)


def by_numpy(xp: Backend, plan: Plan, *arrays: Any) -> list[Any] | None:
    """Return the arrays as NumPy's where it may carry out the plan: nobody traces, and no derivative is lost."""
    seen = [xp.values(x) for x in arrays]
    return None if any(x is None for x in seen) else seen


def _all_finite(xp: Backend, plan: Plan, a: Any, b: Any) -> bool:
    """Whether all samples are finite that ``run`` would look at."""
    if plan.spreads:
        fills = [edge.value for edge in plan.problem.edges if edge.kind == "constant"]
        return all(map(np.isfinite, fills)) and xp.all_finite((a, b)) is True
    if plan.method == "direct":
        return xp.all_finite((a if plan.way.swap else b,)) is True  # type: ignore[attr-defined]
    return True


def _terms(xp: Backend, plan: Plan, kernel: Kernel | None, given: Any, b: Any) -> list[tuple]:
    """Return the kernel's terms as arrays of the library, none where it is not separable or its values are hidden."""
    if kernel is not None:
        found = kernel.terms(plan)
    else:
        values = np.asarray(given) if isinstance(given, np.ndarray) else xp.values(b)  # a matrix multiplies otherwise
        found = [] if values is None else terms(values, plan)
    return [tuple(xp.cast(xp.asarray(factor, b), plan.problem.compute) for factor in term) for term in found]


def plan_arrays(xp: Backend, function: str, a: Any, b: Any, **options: Any) -> Plan:
    """Return the plan for two arrays of a library, from the cache where it stands there."""
    one, two = (xp.shape(a), xp.dtype(a)), (xp.shape(b), xp.dtype(b))
    bits = (_bits(xp, a, one[1]), _bits(xp, b, two[1]))
    return recall(xp, make, (function, one, two, xp.profile(), bits), options)


def _bits(xp: Backend, x: Any, dtype: str) -> int | None:
    return xp.magnitude_bits(x) if dtype.startswith(("int", "uint")) else None


def _plain(options: Options) -> dict[str, Any]:
    return {name: plain(option) for name, option in options.items()}


def make(
    function: str, one: Operand, two: Operand, library: str, bits: tuple[int | None, int | None],
    prepared: bool = False, **options: Any,
) -> Plan:  # fmt: skip
    """Ask and plan, from sizes alone, and whether the second operand is a `Kernel`."""
    asked = replace(_ASK[function](function, one, two, **_plain(options)), prepared=prepared)
    return make_plan(asked, in_use.profile(library), bits)


_NO_FUNCTION = "function must be convolve, correlate, fftconvolve or oaconvolve, not function={}"


@public
def plan(
    shape1: Any, shape2: Any, *, function: str = "convolve", mode: str = "full", axes: Any = None, method: str = "auto",
    boundary: Any = "zero", lags: Any = None, dtype: str = "float32", dtype2: str | None = None,
    library: str = "tensorflow", max_memory: float | None = None, explain: bool = False, chunks: Any = None,
) -> Plan:  # fmt: skip
    """Return the plan of a convolution from shapes alone: what will run, at which lengths, at what cost, and why.

    Args:
        shape1: The shape of in1; None for a size that is known only at run time.
        shape2: The shape of in2.
        function: "convolve", "correlate", "fftconvolve" or "oaconvolve".
        mode: "full", "same" or "valid".
        axes: The axes to convolve over, all by default.
        method: As in ``convolve``.
        boundary: As in ``convolve``.
        lags: As in ``correlate``.
        dtype: The dtype of in1, or its name.
        dtype2: The dtype of in2, that of in1 by default.
        max_memory: As in ``convolve``.
        library: "tensorflow", "numpy", "jax", "jax32" (JAX without 64-bit types) or "torch"; it need not be installed.
        explain: Plan the methods that are not taken too (``others``), and print how each of them would go about it.
        chunks: The chunks of in1 where it is a dask array: a number of samples, or for each axis one or all sizes.

    Returns:
        A ``Plan``, with ``chunks`` a ``ChunkedPlan``; printing it tells its story. Times are in seconds, memory in
        bytes. For integers a call on NumPy arrays looks at the values too, and may need fewer digits than the plan
        says.

    Raises:
        ValueError: as the function itself, and for an unknown function or library.

    >>> print(plan((768, 1024, 3), (60, 60, 1), mode="same", axes=(0, 1)).method)
    fft
    """
    if chunks is not None:
        options = {"mode": mode, "axes": axes, "method": method, "boundary": boundary, "lags": lags}
        return _in_chunks(shape1, shape2, chunks, (dtype, dtype2 or dtype), function, library, options)
    one = check_operand("shape1", shape1, "dtype", dtype)
    two = check_operand("shape2", shape2, "dtype2", dtype if dtype2 is None else dtype2)
    if isinstance(function, str) and function in ("fftconvolve", "oaconvolve"):
        return make(function, one, two, library, (None, None), mode=mode, axes=axes)
    if not isinstance(function, str) or function not in ("convolve", "correlate"):
        raise ValueError(_NO_FUNCTION.format(shown(function)))
    options = {"mode": mode, "axes": axes, "boundary": boundary, "max_memory": max_memory}
    if function == "correlate":
        options["lags"] = lags
    taken = make(function, one, two, library, (None, None), method=method, **options)
    if not explain:
        return taken
    others: dict[str, Plan] = {}
    for name in METHODS:
        if name in ("auto", taken.method) or (name == "separable" and len(taken.problem.axes) < 2):
            continue
        try:
            other = make(function, one, two, library, (None, None), method=name, **options)
        except ValueError:  # this method can't
            continue
        if other.method != taken.method:
            others.setdefault(other.method, other)
    return replace(taken, others=tuple(others.values()))


def _in_chunks(
    shape1: Any, shape2: Any, chunks: Any, given: tuple[Any, Any], function: str, library: str, options: dict[str, Any]
) -> Any:
    """Return the plan of a convolution of an array in chunks."""
    one, two = (
        check_operand(*each) for each in (("shape1", shape1, "dtype", given[0]), ("shape2", shape2, "dtype2", given[1]))
    )
    if None in (*one[0], *two[0]):
        raise ValueError(f"chunks need sizes that are known, not the shapes {one[0]} and {two[0]}")
    if not isinstance(function, str) or function not in ("convolve", "correlate", "fftconvolve", "oaconvolve"):
        raise ValueError(_NO_FUNCTION.format(shown(function)))
    if function in ("fftconvolve", "oaconvolve"):
        options = {"mode": options["mode"], "axes": options["axes"]}
    elif function == "convolve":
        del options["lags"]
    question = family.ask(function, one, two, options, library, False)
    sizes: Any = one[0]
    whole: Any = tuple((n,) for n in two[0])
    return family.planned(question, check_chunks(chunks, sizes), whole, True, advise=True)


def solve_separable(image: Any, hrow: Any, hcol: Any) -> Any:
    """Filter along the rows, then along the columns, as ``sepfir2d`` does."""
    if in_chunks(image):
        return _separable_in_chunks(image, *(np.asarray(x) for x in (hrow, hcol)))
    if any(map(is_particular, (image, hrow, hcol))):
        return record("sepfir2d", (image, hrow, hcol), {})
    xp, arrays = registry.resolve({"input": image, "hrow": hrow, "hcol": hcol})
    work = problem.separable(*((xp.shape(x), xp.dtype(x)) for x in arrays))
    y, row, column = (xp.cast(x, work) for x in arrays)
    for kernel, shape, axis in ((row, (1, -1), 1), (column, (-1, 1), 0)):
        kernel = xp.reshape(kernel, shape)
        y = carry_out(xp, plan_arrays(xp, "sepfir2d", y, kernel, axis=axis), y, kernel)
    return y


def _separable_in_chunks(image: Any, hrow: np.ndarray, hcol: np.ndarray) -> Any:
    """Filter an image in chunks, whose two passes are convolutions of the image in chunks."""
    work = problem.separable(*((x.shape, x.dtype.name) for x in (image, hrow, hcol)))
    y = image.astype(work)
    for kernel, axis in ((hrow[None, :], 1), (hcol[:, None], 0)):
        y = solve(
            "convolve", y, kernel.astype(work), mode="same", method="auto", axes=axis, boundary="symmetric",
            max_memory=None,
        )  # fmt: skip
    return y


def _enter(function: str, *order: str) -> None:
    """Enter a function of two arrays into the table of operations."""

    def result(xp: Backend, operands: Sequence[Operand], options: Options) -> tuple[tuple[int | None, ...], str]:
        one, two = operands
        planned = make(function, one, two, xp.profile(), (None, None), **options)
        return planned.output_shape, planned.problem.result

    def compute(arrays: Sequence[Any], options: Options, owner: Any) -> Any:
        return solve(function, *arrays, **options)

    def planned(library: str, operands: Sequence[Operand], options: Options) -> Plan:
        one, two = operands
        return make(function, one, two, library, (None, None), **options)

    OPERATIONS[function] = Operation(("in1", "in2"), result, compute, order, planned)


for _function in ("fftconvolve", "oaconvolve"):
    _enter(_function, "mode", "axes")
_enter("convolve", "mode", "method", "axes", "boundary", "max_memory")
_enter("correlate", "mode", "method", "axes", "boundary", "lags", "max_memory")
for _function in ("convolve2d", "correlate2d"):
    _enter(_function, "mode", "boundary", "fillvalue", "method")
OPERATIONS["sepfir2d"] = Operation(
    ("input", "hrow", "hcol"),
    lambda xp, operands, options: (operands[0][0], problem.separable(*operands)),
    lambda xs, options, owner: solve_separable(*xs),
    (),
)


def choose(in1: Any, in2: Any, mode: str, measure: bool) -> Any:
    """Answer ``choose_conv_method``."""
    chunked = tuple(in_chunks(x) and not measure for x in (in1, in2))
    in1, in2 = (
        np.broadcast_to(np.zeros((), x.dtype), x.shape) if c else x for x, c in zip((in1, in2), chunked, strict=True)
    )
    xp, (a, b) = registry.resolve({"in1": in1, "in2": in2})
    one: Any = (xp.shape(a), xp.dtype(a))
    two: Any = (xp.shape(b), xp.dtype(b))
    problem.choice(one, two, mode)
    if measure:
        seconds = {}
        for method in ("fft", "direct"):
            ask = functools.partial(solve, "convolve", a, b, mode=mode, method=method, axes=None)
            ask()  # plans, threads and memory are set up outside the measurement
            seconds[method] = min(timeit.repeat(ask, number=1, repeat=3))
        return ("fft" if seconds["fft"] < seconds["direct"] else "direct"), seconds
    bound = None
    if "object" in (one[1], two[1]):
        return "direct"
    if any(dtypes.parse(name).kind in ("int", "uint") for name in (one[1], two[1])):
        peaks = [None if c else xp.peak(x) for x, c in zip((a, b), chunked, strict=True)]
        # Values that are not known yet may be as large as the dtype lets them.
        largest = [
            2 ** dtypes.parse(name).bits if peak is None else peak
            for peak, name in zip(peaks, (one[1], two[1]), strict=True)
        ]
        bound = int(largest[0]) * int(largest[1]) * min(math.prod(one[0]), math.prod(two[0]))
    return scipy_choice(one[0], two[0], mode, one[1], two[1], bound)


def lags(in1_len: int, in2_len: int, mode: str) -> np.ndarray:
    """Answer ``correlation_lags``."""
    if not isinstance(mode, str) or mode not in MODES:
        said = mode if isinstance(mode, str) else shown(mode)
        raise ValueError(f"Mode {said} is invalid: it must be 'full', 'same' or 'valid'")
    try:
        n1, n2 = operator.index(in1_len), operator.index(in2_len)
    except TypeError:
        n1 = n2 = 0
    if min(n1, n2) < 1:
        raise ValueError(
            f"in1_len and in2_len must be integers of at least 1, not {shown(in1_len)} and {shown(in2_len)}"
        )
    kept = window(mode, n1, n2)
    first = kept.start - (n2 - 1)
    return np.arange(first, first + kept.size)
