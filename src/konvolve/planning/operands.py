"""What both families say of an operand, and how an argument is shown: shapes, dtypes, edges, the methods' names."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

from konvolve.planning import dtypes

Shape = tuple[int | None, ...]

Operand = tuple[Shape, str]
"""An operand as planning sees it: its shape, None where a size is not known yet, and its dtype's name."""

METHODS = ("auto", "direct", "fft", "overlap", "matrix", "separable")
"""What may be asked for: the first stands for those between it and the last, which is made of them."""

CHANNEL_METHODS = METHODS[:4]

# For any number: the words of numpy.pad, of SciPy and of PyTorch, for ``boundary`` and ``padding_mode`` alike.
BOUNDARIES = {
    "zero": "zero",
    "zeros": "zero",
    "constant": "zero",
    "wrap": "wrap",
    "circular": "wrap",
    "symmetric": "symmetric",
    "symm": "symmetric",
    "reflect": "reflect",
    "nearest": "nearest",
    "edge": "nearest",
    "replicate": "nearest",
}

EDGE_WORDS = (
    "'zeros' (or 'zero', 'constant'), 'reflect', 'symmetric' (or 'symm'), 'nearest' (or 'edge', 'replicate'), "
    "'circular' (or 'wrap')"
)

# Words of others that mean something else here, or need a number.
_OTHERS_WORDS = {
    "mirror": "; scipy.ndimage's 'mirror' is 'reflect' here, and its 'reflect' is 'symmetric'",
    "grid-mirror": "; scipy.ndimage's 'grid-mirror' is 'symmetric' here",
    "grid-wrap": "; scipy.ndimage's 'grid-wrap' is 'wrap' here",
    "fill": "; for a constant give the number itself to boundary of convolve or correlate",
    "pad": "; for a constant give the number itself to boundary of convolve or correlate",
}

_LONGEST = 160
"""So many characters of a wrong argument are shown in a message."""

_MOST_NUMBERS = 64
"""An option that is an array holds no more numbers than this, one or two for each axis."""


def shown(given: Any) -> str:
    """Return an argument as a message shows it: on one line, and cut where it is long.

    >>> shown([0] * 1000)[-20:]
    ', 0, 0, 0, 0, 0, ...'
    """
    text = " ".join(repr(given).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def plain(option: Any) -> Any:
    """Return a scalar of an array library's own type as Python's, and a small array as a list; the rest as it is.

    So a number is a number, whatever made it: plans are remembered by it, and models saved with it.
    """
    kind = type(option)
    if kind is list or kind is tuple:
        return kind(map(plain, option))
    if not hasattr(option, "__array_interface__") or getattr(option, "size", 1) > _MOST_NUMBERS:
        return option
    found = option.tolist()
    if hasattr(found, "__array_interface__"):  # longer than Python's
        return complex(found) if found.imag else float(found)
    return found


class Edge(NamedTuple):
    """What lies beyond both ends of an axis: a kind, and the value of a constant."""

    kind: str
    value: complex = 0


ZERO = Edge("zero")


def check_operand(argument: str, shape: Any, dtype_argument: str, dtype: Any) -> tuple[Shape, str]:
    """Return a shape given by hand as a tuple, and a dtype as its name, or raise ValueError."""
    try:
        given = shape if isinstance(shape, Iterable) else (shape,)
        sizes = tuple(None if n is None else operator.index(n) for n in given)
    except TypeError:
        sizes = (-1,)
    if any(n is not None and n < 0 for n in sizes):
        raise ValueError(f"{argument} must be sizes, or None for those not known yet, not {shown(shape)}")
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", getattr(dtype, "__name__", repr(dtype)))
    if dtypes.parse(name).kind == "other" and name != "object":
        raise ValueError(f"{dtype_argument} must be a dtype of numbers, such as 'float32', not {shown(dtype)}")
    return sizes, name


def others_word(word: Any) -> str:
    """Return what a word of another library is called here, as the end of a message."""
    return _OTHERS_WORDS.get(word, "") if isinstance(word, str) else ""
