"""From arguments to a result: find the library, ask the problem, take the plan from the cache, run it."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import timeit
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Backend
from konvolve.execution.kernel import Kernel, terms
from konvolve.methods.signal import separable
from konvolve.methods.signal.run import prepare, run, run_prepared
from konvolve.planning import dtypes
from konvolve.planning.cost import Traits, scipy_choice
from konvolve.planning.geometry import MODES, window
from konvolve.planning.memoize import remembered
from konvolve.planning.signal import problem
from konvolve.planning.signal.arguments import METHODS, check_operand, plain, shown
from konvolve.planning.signal.plan import Plan
from konvolve.planning.signal.planner import make_plan
from konvolve.planning.signal.problem import Operand, Problem
from konvolve.profiles.shipped import CONSTANTS

# Plans by everything they depend on. Threads share them without a lock: each step is one operation on the dictionary,
# and a plan that has been found is used itself, so that it may be dropped meanwhile.
_PLANS: dict[tuple, Any] = {}
_MOST_PLANS = 4096

# The same for a compiler that reads this file, by a name. Nothing is dropped: compiled programs go on looking there.
_SHELF = types.SimpleNamespace()
_NAMES: dict[tuple, str] = {}
_NUMBERS = itertools.count()

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
F = TypeVar("F", bound=Callable)


def public(function: F) -> F:
    """Mark a function as one that AutoGraph shall call and not rewrite.

    There is nothing in it to rewrite, tracing is faster without, and AutoGraph honours the mark without
    TensorFlow being imported here.
    """
    function.autograph_info__ = {}  # type: ignore[attr-defined]
    return function


@remembered
def traits(library: str) -> Traits:
    """Return the planning constants of a library: measured on this machine, where that has been done, or shipped."""
    if not isinstance(library, str) or library not in CONSTANTS:
        raise ValueError(f"library must be one of {', '.join(CONSTANTS)}, not library={shown(library)}")
    from konvolve.profiles import measured  # late, and so is the look into the user's cache

    return measured.in_use(library)[0]


def solve(function: str, in1: Any, in2: Any, *options: Any) -> Any:
    """Answer a public function's question about two arrays; ``options`` are its arguments after them, in order."""
    if registry.is_symbolic(in1) or registry.is_symbolic(in2):
        return _symbolic(function, (in1, in2), options)
    kernel = in2 if isinstance(in2, Kernel) else None
    xp, (a, b) = registry.resolve({"in1": in1, "in2": in2 if kernel is None else kernel.array})
    chosen = plan_arrays(xp, function, a, b, *options)
    if chosen.separable is not None or chosen.method == "separable":
        apart = chosen.separable or chosen
        terms = _terms(xp, apart, kernel, in2, b)
        if chosen is apart and not terms:
            raise ValueError(_NOT_SEPARABLE.format(chosen.problem.compute))
        if terms and (chosen is apart or len(terms) * apart.seconds < chosen.seconds):  # type: ignore[operator]
            return separable.run(xp, xp.whole(run), apart, a, terms)
    if kernel is not None and chosen.preparable and (kernel.finite or not chosen.spreads):
        return xp.whole(run_prepared)(xp, chosen, a, kernel.prepared(xp, chosen, b, prepare), b)
    return xp.whole(run)(xp, chosen, a, b)


_NOT_SEPARABLE = (
    "method='separable' needs a kernel that is the product of one factor per axis (in {}), and whose values can be "
    "seen: not an array to which derivatives are taken or that is being traced"
)


def _terms(xp: Backend, plan: Plan, kernel: Kernel | None, given: Any, b: Any) -> list[tuple]:
    """Return the kernel's terms as arrays of the library, none where it is not separable or its values are hidden."""
    if kernel is not None:
        found = kernel.terms(plan)
    else:
        held = np.asarray(given) if isinstance(given, np.ndarray) else xp.values(b)  # a matrix multiplies otherwise
        found = [] if held is None else terms(held, plan)
    return [tuple(xp.cast(xp.asarray(factor, b), plan.problem.compute) for factor in term) for term in found]


def _symbolic(function: str, arrays: tuple, options: tuple) -> Any:
    from konvolve.execution import symbolic  # imports Keras, which whoever made the symbolic tensor has imported

    return symbolic.record(function, arrays, options)


def plan_arrays(xp: Backend, function: str, a: Any, b: Any, *options: Any) -> Plan:
    """Return the plan for two arrays of a library, from the cache where it stands there."""
    one, two = (xp.shape(a), xp.dtype(a)), (xp.shape(b), xp.dtype(b))
    bits = (_bits(xp, a, one[1]), _bits(xp, b, two[1]))
    return recall(xp, make, (function, one, two, xp.profile(), bits), options)


def recall(xp: Backend, planning: Callable, facts: tuple, options: tuple) -> Any:
    """Return ``planning(*facts, *options)``, a plan, from the cache where it stands there; a function's name is first.

    The cache holds the plans of all functions, those on channels included.
    """
    if not all(map(_is_plain, options)):
        options = tuple(map(plain, options))
        if not all(map(_is_plain, options)):  # an iterator, or a mistake for the checker to name
            return planning(*facts, *options)
    if xp.reads_code():
        return getattr(_SHELF, _shelve(planning, facts, options))
    return _planned(planning, facts, options)


def _planned(planning: Callable, facts: tuple, options: tuple) -> Any:
    # Text and not values: 1, 1.0 and True are equal, and not all of them are axes.
    key = (facts, repr(options))
    found = _PLANS.get(key)
    if found is None:
        found = planning(*facts, *options)
        if len(_PLANS) >= _MOST_PLANS:
            _PLANS.clear()
        _PLANS[key] = found
    return found


def _shelve(planning: Callable, facts: tuple, options: tuple) -> str:
    """Return the name under which the plan that answers a question stands on the shelf."""
    key = (facts, repr(options))
    name = _NAMES.get(key)
    if name is None:
        name = f"plan{next(_NUMBERS)}"
        setattr(_SHELF, name, _planned(planning, facts, options))
        _NAMES[key] = name  # last: whoever finds the name finds the plan
    return name


def forget() -> None:
    """Forget all plans, and the constants they were made with."""
    _PLANS.clear()
    _NAMES.clear()
    traits.forget()  # type: ignore[attr-defined]


# What torch.compiler.assume_constant_result does, without PyTorch: the compiler calls it and does not trace planning.
# The plan itself it reads from the shelf: of an object that is a constant to it, it cannot call the methods.
_shelve._dynamo_marked_constant = True  # type: ignore[attr-defined]


_PLAIN = frozenset((str, int, bool, float, complex, type(None)))


def _is_plain(option: Any) -> bool:
    """Whether an option's text says all of it."""
    kind = type(option)
    return kind in _PLAIN or ((kind is tuple or kind is list) and all(map(_is_plain, option)))


def _bits(xp: Backend, x: Any, dtype: str) -> int | None:
    return xp.magnitude_bits(x) if dtypes.parse(dtype).kind in ("int", "uint") else None


def make(
    function: str, one: Operand, two: Operand, library: str, bits: tuple[int | None, int | None], *options: Any
) -> Plan:
    """Ask and plan, from sizes alone."""
    return make_plan(_ASK[function](function, one, two, *map(plain, options)), traits(library), bits)


@public
def plan(
    shape1: Any, shape2: Any, *, function: str = "convolve", mode: str = "full", axes: Any = None, method: str = "auto",
    boundary: Any = "zero", lags: Any = None, dtype: str = "float32", dtype2: str | None = None,
    library: str = "tensorflow", max_memory: float | None = None, explain: bool = False,
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

    Returns:
        A ``Plan``; printing it tells its story. Times are in seconds, memory in bytes. For integers a call on NumPy
        arrays looks at the values too, and may need fewer digits than the plan says.

    Raises:
        ValueError: as the function itself, and for an unknown function or library.

    >>> print(plan((768, 1024, 3), (60, 60, 1), mode="same", axes=(0, 1)).method)
    fft
    """
    one = check_operand("shape1", shape1, "dtype", dtype)
    two = check_operand("shape2", shape2, "dtype2", dtype if dtype2 is None else dtype2)
    if isinstance(function, str) and function in ("fftconvolve", "oaconvolve"):
        return make(function, one, two, library, (None, None), mode, axes)
    if not isinstance(function, str) or function not in ("convolve", "correlate"):
        raise ValueError(
            f"function must be convolve, correlate, fftconvolve or oaconvolve, not function={shown(function)}"
        )
    more = (axes, boundary) if function == "convolve" else (axes, boundary, lags)
    taken = make(function, one, two, library, (None, None), mode, method, *more, max_memory)
    if not explain:
        return taken
    others: dict[str, Plan] = {}
    for name in METHODS:
        if name in ("auto", taken.method) or (name == "separable" and len(taken.problem.axes) < 2):
            continue
        try:
            other = make(function, one, two, library, (None, None), mode, name, *more, max_memory)
        except ValueError:  # this method can't
            continue
        if other.method != taken.method:
            others.setdefault(other.method, other)
    return replace(taken, others=tuple(others.values()))


def solve_separable(image: Any, hrow: Any, hcol: Any) -> Any:
    """Filter along the rows, then along the columns, as ``sepfir2d`` does."""
    if any(map(registry.is_symbolic, (image, hrow, hcol))):
        return _symbolic("sepfir2d", (image, hrow, hcol), ())
    xp, arrays = registry.resolve({"input": image, "hrow": hrow, "hcol": hcol})
    work = problem.separable(*((xp.shape(x), xp.dtype(x)) for x in arrays))
    y, row, column = (xp.cast(x, work) for x in arrays)
    for kernel, shape, axis in ((row, (1, -1), 1), (column, (-1, 1), 0)):
        kernel = xp.reshape(kernel, shape)
        y = xp.whole(run)(xp, plan_arrays(xp, "sepfir2d", y, kernel, axis), y, kernel)
    return y


def choose(in1: Any, in2: Any, mode: str, measure: bool) -> Any:
    """Answer ``choose_conv_method``."""
    xp, (a, b) = registry.resolve({"in1": in1, "in2": in2})
    one: Any = (xp.shape(a), xp.dtype(a))
    two: Any = (xp.shape(b), xp.dtype(b))
    problem.choice(one, two, mode)
    if measure:
        seconds = {}
        for method in ("fft", "direct"):
            ask = functools.partial(solve, "convolve", a, b, mode, method, None)
            ask()  # plans, threads and memory are set up outside the measurement
            seconds[method] = min(timeit.repeat(ask, number=1, repeat=3))
        return ("fft" if seconds["fft"] < seconds["direct"] else "direct"), seconds
    bound = None
    if "object" in (one[1], two[1]):
        return "direct"
    if any(dtypes.parse(name).kind in ("int", "uint") for name in (one[1], two[1])):
        peaks = [xp.peak(a), xp.peak(b)]
        # Values that are not known yet may be as large as the dtype lets them.
        held = [
            2 ** dtypes.parse(name).bits if peak is None else peak
            for peak, name in zip(peaks, (one[1], two[1]), strict=True)
        ]
        bound = int(held[0]) * int(held[1]) * min(math.prod(one[0]), math.prod(two[0]))
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
