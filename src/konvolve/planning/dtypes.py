"""Dtypes by name, and SciPy's promotion rules on the names.

A name is what ``numpy.dtype.name`` and ``tf.DType.name`` say: "float32", "int64", "bfloat16", "complex128".
Planning works on names, so that a plan can be made for a library that is not installed.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from konvolve.planning.memoize import remembered

Kind = Literal["bool", "int", "uint", "float", "complex", "other"]

_NAME = re.compile(r"(u?int|float|complex)(\d+)$")
_WIDTHS = {
    "int": (8, 16, 32, 64),
    "uint": (8, 16, 32, 64),
    "float": (16, 32, 64, 80, 96, 128),
    "complex": (64, 128, 160, 192, 256),
}


class DType(NamedTuple):
    """A dtype's kind and width: ``bits`` of one real component (so complex64 has 32)."""

    name: str
    kind: Kind
    bits: int

    @property
    def integral(self) -> bool:
        """Whether sums of products of it are whole numbers, to be returned exactly."""
        return self.kind in ("bool", "int", "uint")


@remembered
def parse(name: str) -> DType:
    """Read a dtype's name; kinds that have no arithmetic in common with numbers are "other"."""
    if name == "bool":
        return DType(name, "bool", 1)
    if name == "bfloat16":
        return DType(name, "float", 16)
    if name in ("longdouble", "clongdouble"):
        return DType(name, "float" if name == "longdouble" else "complex", 128)
    match = _NAME.fullmatch(name)
    if match is None:
        return DType(name, "other", 0)
    kind, bits = match.group(1), int(match.group(2))
    if bits not in _WIDTHS[kind]:
        return DType(name, "other", 0)
    return DType(name, kind, bits // 2 if kind == "complex" else bits)  # type: ignore[arg-type]


def _float_name(bits: int, *, is_complex: bool) -> str:
    if is_complex:
        return f"complex{2 * max(bits, 32)}"
    return f"float{bits}"


@remembered
def as_float(name: str) -> str:
    """Return the dtype a Fourier transform works in for an input of this dtype, as in ``scipy.fft``.

    Integers, bool and object become float64; half precisions become float32; the rest is kept.

    >>> as_float("int8"), as_float("float16"), as_float("complex64")
    ('float64', 'float32', 'complex64')
    """
    kind, bits = parse(name)[1:]
    if kind == "float":
        return "float32" if bits == 16 else name
    return name if kind == "complex" else "float64"


@remembered
def result_type(one: str, two: str) -> str:
    """Return the common dtype of two arrays, as ``numpy.result_type`` does.

    bfloat16, which NumPy has not, is common with float16 in float32 and holds small integers like float16.

    >>> result_type("uint8", "int8"), result_type("int32", "float32"), result_type("float64", "complex64")
    ('int16', 'float64', 'complex128')
    """
    if one == two:
        return one
    a, b = parse(one), parse(two)
    if "other" in (a.kind, b.kind):
        return "object" if "object" in (one, two) else f"{one}, {two}"
    if a.kind == "bool" or b.kind == "bool":
        return two if a.kind == "bool" else one
    if a.kind == b.kind and a.bits != b.bits:
        return one if a.bits > b.bits else two
    if a.kind == b.kind:  # bfloat16 with float16, or two names of one dtype
        return "float32" if "bfloat16" in (one, two) else one
    kinds = {a.kind, b.kind}
    if kinds == {"int", "uint"}:
        signed, unsigned = (a, b) if a.kind == "int" else (b, a)
        bits = max(signed.bits, 2 * unsigned.bits)
        return f"int{bits}" if bits <= 64 else "float64"
    if kinds == {"float", "complex"}:
        return _float_name(max(a.bits, b.bits), is_complex=True)
    floating, integer = (a, b) if b.integral else (b, a)
    needed = 16 if integer.bits <= 8 else 32 if integer.bits <= 16 else 64
    if floating.bits >= needed:
        return floating.name
    return _float_name(needed, is_complex=floating.kind == "complex")


def is_complex(name: str) -> bool:
    """Whether the dtype is complex."""
    return parse(name).kind == "complex"


def fitted(value: complex, name: str) -> complex:
    """Return a number as an array of the dtype takes it: integers wrap, and what is not complex is real.

    >>> fitted(2**64 - 1, "int64"), fitted(2 + 0j, "float32")
    (-1, 2.0)
    """
    kind, bits = parse(name)[1:]
    if kind not in ("int", "uint"):
        return value if kind == "complex" else value.real
    low = -(2 ** (bits - 1)) if kind == "int" else 0
    return (int(value.real) - low) % 2**bits + low


def real(name: str) -> str:
    """Return the dtype of a complex dtype's parts, any other as it is."""
    dtype = parse(name)
    return f"float{dtype.bits}" if dtype.kind == "complex" else name


@remembered
def item_size(name: str) -> int:
    """Return the bytes of one element (16 for a dtype without a width)."""
    dtype = parse(name)
    return max(dtype.bits // 8, 1) * (2 if dtype.kind == "complex" else 1) or 16
