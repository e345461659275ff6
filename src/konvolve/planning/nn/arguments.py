"""Checks of the single arguments of a convolution on channels, and their messages."""

from __future__ import annotations

import operator
from typing import Any

from konvolve.planning import dtypes
from konvolve.planning.operands import BOUNDARIES, CHANNEL_METHODS, EDGE_WORDS, Operand, others_word, shown

FORMATS = ("channels_last", "channels_first")
PADDINGS = ("valid", "same", "causal")


def check_each(argument: str, value: Any, rank: int, least: int) -> tuple[int, ...]:
    """Return an integer per axis, from one or from a sequence of them."""
    try:
        if isinstance(value, (tuple, list)):
            found = tuple(operator.index(v) for v in value)
            found = found * rank if len(found) == 1 else found
        else:
            found = (operator.index(value),) * rank
    except TypeError:
        found = ()
    if len(found) != rank or min(found, default=least) < least:
        word = "a positive integer" if least else "an integer of at least 0"
        raise ValueError(
            f"{argument} must be {word}, or one for each of the {rank} spatial axes, not {argument}={shown(value)}"
        )
    return found


def check_padding(padding: Any, rank: int, allowed: tuple[str, ...]) -> str:
    """Return the padding's word, or raise ValueError."""
    word = padding.lower() if isinstance(padding, str) else ""
    if word not in allowed:
        raise ValueError(f"padding must be one of {', '.join(map(repr, allowed))}, not padding={shown(padding)}")
    if word == "causal" and rank != 1:
        raise ValueError(f"padding='causal' is for one spatial axis, not for {rank}")
    return word


def check_padding_modes(padding_mode: Any, rank: int, padding: str) -> tuple[str, ...]:
    """Return what the padding of each axis holds, in konvolve's words, or raise ValueError."""
    several = isinstance(padding_mode, (tuple, list))
    words = tuple(padding_mode) if several else (padding_mode,) * rank
    wrong = [word for word in words if not isinstance(word, str) or word not in BOUNDARIES]
    if len(words) != rank or wrong:
        raise ValueError(
            f"padding_mode must be {EDGE_WORDS}, or one of them for each of the {rank} spatial axes, "
            f"not padding_mode={shown(padding_mode)}{others_word(wrong[0]) if wrong else ''}"
        )
    kinds = tuple(BOUNDARIES[word] for word in words)
    if padding == "valid" and set(kinds) != {"zero"}:
        raise ValueError(
            f"padding='valid' pads nothing, so padding_mode={shown(padding_mode)} has no effect with it: say "
            "padding='same' (or 'causal'), or leave padding_mode out"
        )
    return kinds


def check_format(data_format: Any) -> str:
    """Return the data format, or raise ValueError."""
    word = data_format.lower() if isinstance(data_format, str) else ""
    if word not in FORMATS:
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first', not data_format={shown(data_format)}"
        )
    return word


def check_channel_method(method: Any) -> str:
    """Return the method, or raise ValueError."""
    if not isinstance(method, str) or method not in CHANNEL_METHODS:
        raise ValueError(f"method must be 'auto', 'direct', 'fft' or 'overlap', not method={shown(method)}")
    return method


# What inputs of too few axes may lack.
_FEWER = {
    1: "; inputs[None, :, None] is one sample of one channel",
    2: "; inputs[None, ..., None] is one picture of one channel, inputs[None] one sequence of several",
}


def check_operands(function: str, inputs: Operand, kernel: Operand, argument: str = "kernel") -> tuple[int, bool]:
    """Return the number of spatial axes, and whether there is a kernel for each sample."""
    rank = len(inputs[0]) - 2
    if not 1 <= rank <= 3:
        raise ValueError(
            f"{function}: inputs must have a batch axis, 1 to 3 spatial axes and channels, not shape {inputs[0]}"
            f"{_FEWER.get(len(inputs[0]), '')}"
        )
    per_sample = len(kernel[0]) == rank + 3
    if len(kernel[0]) != rank + 2 and not per_sample:
        raise ValueError(
            f"{function}: {argument} must have {rank + 2} axes for inputs of shape {inputs[0]} "
            f"({rank + 3} with one {argument} for each sample), not shape {kernel[0]}"
            + (f"; {argument}[..., None, None] has one channel in and one out" if len(kernel[0]) == rank else "")
        )
    known = kernel[0][1:] if per_sample else kernel[0]
    if None in known:
        raise ValueError(f"{function}: the sizes of {argument} must be known, but for the samples, not {kernel[0]}")
    if 0 in known:
        raise ValueError(f"{function}: {argument} is empty: shape {kernel[0]}")
    batch, samples = inputs[0][0], kernel[0][0]
    if per_sample and None not in (batch, samples) and batch != samples:
        raise ValueError(f"{function}: {samples} kernels for {batch} samples")
    return rank, per_sample


def common_dtype(function: str, one: str, two: str) -> tuple[str, str]:
    """Return the dtype to compute in and that of the result; integers take the other operand's dtype, as in Keras."""
    first, second = dtypes.parse(one), dtypes.parse(two)
    if first.integral and not second.integral:
        one = two
    elif second.integral and not first.integral:
        two = one
    common = dtypes.result_type(one, two)
    found = dtypes.parse(common)
    if found.kind not in ("float", "complex"):
        raise TypeError(f"{function}: inputs and kernel must be of a floating or complex dtype, not {one} and {two}")
    return dtypes.as_float(common), common
