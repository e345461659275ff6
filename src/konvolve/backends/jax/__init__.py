"""JAX: its own transforms, derivatives of every kind, vmap and jit need nothing from here.

Seen with JAX 0.10:

- Without jax_enable_x64 there is no float64 and no int64: casts to them give the 32-bit type without a warning, and
  integers are summed in integers, because no floating type could hold the sums (``profile`` tells planning so).
- Half precision has no transform: the methods compute it in float32.
- A dimension of jax.export may be a symbol; it has arithmetic but no number.

The transforms, on one device and on many, are in ``spectra.py``, windows and blocks in ``windows.py``,
XLA's convolutions on channels in ``convolutions.py``, what is done where samples are not finite in ``finite.py``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from konvolve.backends import shared
from konvolve.backends.jax import uncompiled as uncompiled
from konvolve.backends.jax.convolutions import conv, conv_transpose, is_fast_in
from konvolve.backends.jax.finite import all_finite, constant, either, isfinite, summed, unless, zeroed
from konvolve.backends.jax.spectra import fftn, ifftn, irfftn, rfftn
from konvolve.backends.jax.windows import folded, map_slabs, overlapping_blocks, rows_apart, window
from konvolve.backends.numpy import asarray as plain
from konvolve.backends.numpy.operands import dtype_name
from konvolve.backends.shared import map_rows

# Adapted next door, asked for here.
__all__ = [
    "all_finite", "constant", "conv", "conv_transpose", "either", "fftn", "folded", "ifftn", "irfftn", "is_fast_in",
    "isfinite", "map_rows", "map_slabs", "overlapping_blocks", "rfftn", "rows_apart", "summed", "unless", "window",
    "zeroed",
]  # fmt: skip

name = "jax"
# XLA takes a loop over a single row one sample at a time where their number is odd: 17 taps on 1000001 samples 4.9 ms,
# on 1000002 0.5 (JAX 0.10, two cores of an AMD EPYC; several rows, and rows of less than 2000 samples, take no longer).
even_rows = True
_HERE = sys.modules[__name__]
types: tuple[type, ...] = ()


def profile() -> str:
    """Return the name of the planning constants: those of 32-bit JAX are its own."""
    return "jax" if jax.config.read("jax_enable_x64") else "jax32"


def reads_code() -> bool:
    """Never: functions are run to be traced."""
    return False


def owns(x: Any) -> bool:
    """Whether x is a JAX array or a tracer, or one of JAX's sparse arrays, which ``asarray`` refuses by name."""
    return isinstance(x, jax.Array) or type(x).__module__.startswith("jax.experimental.sparse")


_WIDE = frozenset(("float64", "complex128", "int64", "uint64"))


def asarray(x: Any, like: jax.Array | None = None) -> jax.Array:
    """Return a JAX array, a 32-bit one where 64 bits have been switched off since it was made.

    TypeError for a random key and for a sparse array.
    """
    if isinstance(x, jax.Array):
        weak = getattr(x, "weak_type", None)
        if weak is None:
            raise TypeError("a random key cannot be convolved: it has no numbers; pass what jax.random makes of it")
        if dtype_name(x.dtype) in _WIDE and not jax.config.read("jax_enable_x64"):
            return x.astype(jax.dtypes.canonicalize_dtype(x.dtype))
        return jnp.asarray(x) if weak else x
    if owns(x):
        raise TypeError(
            f"a sparse array ({type(x).__name__}) cannot be convolved: pass a dense one, such as .todense() makes"
        )
    x = plain(x)
    try:
        if isinstance(x, np.ndarray) and not isinstance(like, jax.core.Tracer):
            return jax.device_put(x)  # for which JAX 0.10 compiles no program, as it does for jnp.asarray
        return jnp.asarray(x)
    except TypeError as error:
        raise TypeError(f"JAX has no such dtype: {x.dtype}") from error


def dtype(x: jax.Array) -> str:
    """Return the name of the dtype."""
    return dtype_name(x.dtype)


def shape(x: jax.Array) -> tuple[int | None, ...]:
    """Return the sizes, None for a symbolic one."""
    return tuple(n if isinstance(n, int) else None for n in x.shape)


def sizes(x: jax.Array) -> tuple[Any, ...]:
    """Return the sizes, symbols as they are."""
    return x.shape


def magnitude_bits(x: jax.Array) -> None:
    """Never look at values: they are not known under jit, and eager code must agree with it."""
    return


def traced(x: jax.Array) -> bool:
    """Whether x is a tracer."""
    return isinstance(x, jax.core.Tracer)


def peak(x: jax.Array) -> float | None:
    """Return the largest magnitude of a concrete array."""
    if traced(x):
        return None
    if jnp.iscomplexobj(x):
        return float(jnp.abs(x).max())
    return max(abs(x.max().item()), abs(x.min().item()))


def device(x: jax.Array) -> str:
    """Say nothing: what is committed to a device moves the rest there."""
    return ""


def to_numpy(x: jax.Array) -> np.ndarray:
    """Return a NumPy array."""
    return np.asarray(x)


def values(x: jax.Array) -> Any:
    """Return the values of an array that is not traced, on the host."""
    if traced(x) or not x.is_fully_addressable or next(iter(x.devices())).platform != "cpu":
        return None
    return np.asarray(x)


def snapshot(x: jax.Array) -> jax.Array:
    """Return the array, which nobody can change."""
    if traced(x):
        raise TypeError(
            f"the kernel has no values while a function is traced: make the Kernel outside of it, not of {x}"
        )
    return x


outside_trace = jax.ensure_compile_time_eval


def minimum(a: Any, b: Any) -> Any:
    """Return the lesser of two sizes."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else jax.core.min_dim(a, b)


def maximum(a: Any, b: Any) -> Any:
    """Return the greater of two sizes."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else jax.core.max_dim(a, b)


def next_length(size: Callable[[], Any], table: Sequence[int]) -> Any:
    """Refuse: the length of a transform has to be a number, also in an exported function.

    Without asking for the size: JAX may think for minutes about which of two terms with a symbol is the greater.
    """
    raise ValueError(
        "JAX has to know the sizes of the convolved axes, on which the length of a transform depends. Where the "
        "kernel's are known method='direct' does without the others, and along one axis, or on channels, "
        "method='overlap' does"
    )


@functools.cache
def compiled(function: Callable) -> Callable:
    """Return a function of (backend, plan, *arrays) that is compiled for each plan that comes again."""
    return uncompiled.when_it_comes_again(function)


def program(function: Callable, plan: Any, arrays: Sequence[Any]) -> None:
    """Return None: ``compiled`` does that."""
    return


def banded_product(x: Any, band: Any, axis: int, start: int, size: int) -> Any:
    """Multiply blocks that are cut out."""
    return shared.banded_product(_HERE, x, band, axis, start, size)


def canonical(dtype: str) -> str:
    """Return the dtype that an array asked to have this one gets."""
    return jax.dtypes.canonicalize_dtype(dtype).name


def cast(x: jax.Array, dtype: str) -> jax.Array:
    """Convert to a dtype, or to its 32-bit kin where 64 bits are disabled; x may be a size that is not known."""
    if not isinstance(x, jax.Array):
        x = jnp.asarray(x)
    if dtype_name(x.dtype) == dtype:  # also a conversion to what an array is takes time
        return x
    return x.astype(jax.dtypes.canonicalize_dtype(dtype))


def begins_finite(y: jax.Array) -> bool:
    """Never look: it would wait for the device."""
    return True


def to_result(y: jax.Array) -> jax.Array:
    """Return the result as it is."""
    return y


def scalar(value: complex, dtype: str, like: jax.Array) -> jax.Array:
    """Return a number as an array without axes."""
    return jnp.asarray(value).astype(jax.dtypes.canonicalize_dtype(dtype))


def zeros(shape: Sequence[Any], dtype: str, like: jax.Array) -> jax.Array:
    """Return zeros."""
    return jnp.zeros(shape, jax.dtypes.canonicalize_dtype(dtype))


def arange(start: int, stop: int, like: jax.Array) -> jax.Array:
    """Return indices."""
    return jnp.arange(start, stop)


where = jnp.where
round = jnp.rint
conjugate = jnp.conj
transpose = jnp.transpose
reshape = jnp.reshape
flip = jnp.flip
stack = jnp.stack
concatenate = jnp.concatenate
broadcast_to = jnp.broadcast_to
to_complex = jax.lax.complex


def total(x: jax.Array, axes: Sequence[int]) -> jax.Array:
    """Sum over axes."""
    return x.sum(tuple(axes), keepdims=True)


def highest(x: jax.Array, axes: Sequence[int]) -> jax.Array:
    """Return the largest value along axes."""
    return x.max(tuple(axes), keepdims=True)


def split_complex(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the real and imaginary parts."""
    return x.real, x.imag


def take(x: jax.Array, indices: jax.Array, axis: int) -> jax.Array:
    """Gather along an axis."""
    return jnp.take(x, indices, axis, mode="clip")


def add_product(total: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Add a product."""
    return total + x * y


def multiply(x: jax.Array, y: jax.Array) -> jax.Array:
    """Multiply with broadcasting."""
    return x * y


def matmul(x: jax.Array, y: jax.Array) -> jax.Array:
    """Multiply matrices along the last two axes, in full precision also where tensor cores are."""
    return jnp.matmul(x, y, precision=jax.lax.Precision.HIGHEST)


def depthwise_correlate(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlate channel by channel with XLA's convolution, in full precision also where tensor cores are."""
    return jax.lax.conv_general_dilated(
        x,
        kernel[:, None],
        (1,) * (x.ndim - 2),
        "VALID",
        feature_group_count=kernel.shape[0],
        precision=jax.lax.Precision.HIGHEST,
    )


def with_gradient_of(
    forward: Callable, by_first: Callable | None, other: Callable, x: jax.Array, y: jax.Array
) -> jax.Array:
    """Return ``forward(x, y)``, whose derivatives with respect to y are those of ``other(x, y)``, in every mode."""

    @jax.custom_jvp
    def apply(x: jax.Array, y: jax.Array) -> jax.Array:
        return forward(x, y)

    def derivative(primals: tuple, tangents: tuple) -> tuple:
        x, y = primals
        none = [isinstance(each, jax.custom_derivatives.SymbolicZero) for each in tangents]
        parts = [] if none[0] else [forward(tangents[0], y)]
        parts += [] if none[1] else [other(x, tangents[1])]
        value = forward(x, y)
        return value, sum(parts[1:], parts[0]) if parts else jnp.zeros_like(value)

    apply.defjvp(derivative, symbolic_zeros=True)
    return apply(x, y)
