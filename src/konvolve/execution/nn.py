"""From arguments to a result on channels: find the library, ask the problem, take the plan from the cache, run it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from konvolve.backends import registry
from konvolve.backends.interface import Array, Backend
from konvolve.execution.deferred import is_symbolic, record
from konvolve.execution.kernel import Kernel
from konvolve.execution.operations import OPERATIONS, Operation, Options, public
from konvolve.execution.plans import recall
from konvolve.execution.weight import Weight
from konvolve.methods.nn import run as methods
from konvolve.planning.nn import problem as channels
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.nn.planner import make_plan
from konvolve.planning.nn.problem import ChannelProblem
from konvolve.planning.operands import Operand, check_operand, plain, shown
from konvolve.planning.profile import ChannelProfile
from konvolve.profiles import in_use
from konvolve.profiles.shipped import CHANNELS

__all__ = ["planned", "public", "separable", "solve"]

FUNCTIONS = ("conv", "depthwise_conv", "conv_transpose")
"""What ``solve`` answers."""


def _data_format(data_format: Any) -> Any:
    """Return the format, Keras's setting where none is given and Keras has been imported."""
    if data_format is not None:
        return data_format
    keras: Any = sys.modules.get("keras")
    return keras.config.image_data_format() if hasattr(keras, "config") else "channels_last"


def _library(library: str | None) -> str:
    """Return the key of the planning constants, that of Keras's backend where none is given and Keras was imported."""
    if library is not None:
        return library
    keras: Any = sys.modules.get("keras")
    return registry.backend(keras.config.backend()).profile() if hasattr(keras, "config") else "tensorflow"


def solve(function: str, inputs: Any, kernel: Any, backward: Any = None, **options: Any) -> Any:
    """Answer any of ``FUNCTIONS``; ``options`` are all arguments from ``strides`` on.

    The kernel may be a ``Kernel`` or a ``Weight``; ``backward`` is the kernel of a bidirectional convolution.
    """
    options["data_format"] = _data_format(options["data_format"])
    return _solve(function, (inputs, kernel) if backward is None else (inputs, kernel, backward), options)


def _solve(function: str, arrays: tuple, options: dict[str, Any]) -> Any:
    given = arrays[1]
    if isinstance(given, Kernel | Weight):
        arrays = (arrays[0], given.array, *arrays[2:])
    if any(map(is_symbolic, arrays)):
        return record(function, arrays, options)
    names = ("inputs", "kernel", "bidirectional")[: len(arrays)]
    xp, (x, kernel, *more) = registry.resolve(dict(zip(names, arrays, strict=True)))
    plan = plan_arrays(xp, function, (x, kernel, *more), options)
    if more:
        kernel = methods.both_ways(xp, plan.problem, kernel, more[0])
    elif plan.preparable and isinstance(given, Kernel | Weight):
        stored = given if isinstance(given, Kernel) else given.kept(xp, plan, x, kernel)
        if stored is not None and (stored.finite or not plan.problem.local):
            return xp.compiled(methods.run)(xp, plan, x, kernel, stored.prepared(xp, plan, kernel, methods.prepare))
    return xp.compiled(methods.run)(xp, plan, x, kernel)


def _enter(function: str, *order: str) -> None:
    """Enter a function into the table of operations."""

    def result(xp: Backend, operands: Sequence[Operand], options: Options) -> tuple[tuple[int | None, ...], str]:
        question = make(function, tuple(operands), xp.profile(), **options)
        return question.output_shape, question.problem.result

    def compute(arrays: Sequence[Any], options: Options, owner: Any) -> Any:
        inputs, kernel, *more = arrays
        return _solve(function, (inputs, kernel if owner is None else Weight(kernel, owner), *more), dict(options))

    OPERATIONS[function] = Operation(("inputs", "kernel", "bidirectional"), result, compute, order)


for _function in FUNCTIONS[:2]:
    _enter(_function, "strides", "padding", "data_format", "dilation_rate", "method", "padding_mode")
_enter("conv_transpose", "strides", "padding", "output_padding", "data_format", "dilation_rate", "method")


def separable(inputs: Any, depthwise: Any, pointwise: Any, backward: Any, **options: Any) -> Any:
    """Answer ``separable_conv``: the channels on their own, then each place on its own."""
    rank = len(_shape(inputs)) - 2
    taps = _shape(pointwise)[-2 - rank : -2]
    if any(n != 1 for n in taps):
        raise ValueError(f"separable_conv: pointwise_kernel must have one tap along each axis, not {taps}")
    y = solve("depthwise_conv", inputs, depthwise, backward, **options)
    each = {"strides": 1, "padding": "valid", "dilation_rate": 1, "method": "auto", "padding_mode": "zeros"}
    return solve("conv", y, pointwise, data_format=options["data_format"], **each)


def _shape(x: Any) -> tuple[int | None, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def make(function: str, operands: tuple[Operand, ...], library: str, **options: Any) -> ChannelPlan:
    """Ask and plan, from sizes alone."""
    inputs, kernel, *more = operands
    options = {name: plain(option) for name, option in options.items()}
    problem: ChannelProblem
    if function == "conv_transpose":
        problem = channels.transposition(function, inputs, kernel, **options)
    else:
        problem = channels.convolution(function, inputs, kernel, **options, backward=more[0] if more else None)
    return make_plan(problem, in_use.profile(library), ChannelProfile(**CHANNELS[library]))


def plan_arrays(xp: Backend, function: str, arrays: tuple[Array, ...], options: dict[str, Any]) -> ChannelPlan:
    """Return the plan for arrays of a library, from the cache where it stands there."""
    operands = tuple((xp.shape(x), xp.dtype(x)) for x in arrays)
    return recall(xp, make, (function, operands, xp.profile()), options)


def planned(
    function: str, shapes: tuple, dtypes: tuple, *, library: str | None, padding_mode: Any, output_padding: Any,
    **options: Any,
) -> ChannelPlan:  # fmt: skip
    """Answer ``nn.plan``; ``options`` are the arguments that all functions have, from ``strides`` on."""
    if not isinstance(function, str) or function not in FUNCTIONS:
        allowed = f"{', '.join(FUNCTIONS[:-1])} or {FUNCTIONS[-1]}"
        raise ValueError(f"function must be {allowed}, not function={shown(function)}")
    transposing = function == "conv_transpose"
    others = {
        "padding_mode": not isinstance(padding_mode, str) or padding_mode != "zeros",
        "bidirectional": len(shapes) > 2,
    }
    for argument, given in others.items() if transposing else (("output_padding", output_padding is not None),):
        if given:
            raise ValueError(f"{function} has no {argument}")
    names = ("inputs", "kernel", "bidirectional")
    words = ("dtype", "kernel_dtype", "kernel_dtype")
    operands = tuple(map(check_operand, names, shapes, words, dtypes))
    options["data_format"] = _data_format(options["data_format"])
    own = {"output_padding": output_padding} if transposing else {"padding_mode": padding_mode}
    return make(function, operands, _library(library), **options, **own)
