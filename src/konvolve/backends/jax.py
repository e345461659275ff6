"""JAX: its own transforms, derivatives of every kind, vmap and jit need nothing from here.

Seen with JAX 0.10:

- Without jax_enable_x64 there is no float64 and no int64: casts to them give the 32-bit type without a warning, and
  integers are summed in integers, because no floating type could hold the sums (``profile`` tells planning so).
- Half precision has no transform: the methods compute it in float32.
- A transform has at most three axes; jax.numpy does more of them one group after another.
- A dimension of jax.export may be a symbol; it has arithmetic but no number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from konvolve.backends.interface import Native

name = "jax"


def profile() -> str:
    """Return the name of the planning constants: those of 32-bit JAX are its own."""
    return "jax" if jax.config.read("jax_enable_x64") else "jax32"


def owns(x: Any) -> bool:
    """Whether x is a JAX array or a tracer."""
    return isinstance(x, jax.Array)


def asarray(x: Any, like: jax.Array | None = None) -> jax.Array:
    """Return a JAX array."""
    if isinstance(x, jax.Array) and not x.weak_type:
        return x
    try:
        return jnp.asarray(x)
    except TypeError as error:
        raise TypeError(f"JAX has no such dtype: {getattr(x, 'dtype', type(x).__name__)}") from error


def dtype(x: jax.Array) -> str:
    """Return the name of the dtype."""
    return x.dtype.name


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


at_once = jax.ensure_compile_time_eval


def minimum(a: Any, b: Any) -> Any:
    """Return the lesser of two sizes."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else jax.core.min_dim(a, b)


def maximum(a: Any, b: Any) -> Any:
    """Return the greater of two sizes."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else jax.core.max_dim(a, b)


def lookup(size: Any, table: Sequence[int]) -> Any:
    """Refuse: the length of a transform has to be a number, also in an exported function."""
    raise ValueError(f"JAX has to know the sizes of the convolved axes; one of them is {size}")


@functools.cache
def whole(function: Callable) -> Callable:
    """Compile a function of (backend, plan, *arrays) for each plan: one by one its operations take six times longer."""
    return jax.jit(function, static_argnums=(0, 1))


def canonical(dtype: str) -> str:
    """Return the dtype that an array asked to have this one gets."""
    return jax.dtypes.canonicalize_dtype(dtype).name


def cast(x: jax.Array, dtype: str) -> jax.Array:
    """Convert to a dtype, or to its 32-bit kin where 64 bits are disabled."""
    if x.dtype.name == dtype:  # also a conversion to what an array is takes time
        return x
    return x.astype(jax.dtypes.canonicalize_dtype(dtype))


def begins_finite(y: jax.Array) -> bool:
    """Never look: it would wait for the device."""
    return True


def finish(y: jax.Array) -> jax.Array:
    """Return the result as it is."""
    return y


def scalar(value: complex, dtype: str) -> jax.Array:
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
broadcast_to = jnp.broadcast_to
assemble = jax.lax.complex


def total(x: jax.Array, axes: Sequence[int]) -> jax.Array:
    """Sum over axes."""
    return x.sum(tuple(axes), keepdims=True)


def parts(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the real and imaginary parts."""
    return x.real, x.imag


def take(x: jax.Array, indices: jax.Array, axis: int) -> jax.Array:
    """Gather along an axis."""
    return jnp.take(x, indices, axis, mode="clip")


def window(x: jax.Array, starts: Sequence[Any], sizes: Sequence[Any]) -> jax.Array:
    """Cut windows out of the trailing axes, zeros where a window reaches outside: one pad, negative where it cuts."""
    batch = x.ndim - len(sizes)
    held = x.shape[batch:]
    edges = [(-start, start + size - n) for start, size, n in zip(starts, sizes, held, strict=True)]
    if all(edge == (0, 0) for edge in edges):
        return x
    return jax.lax.pad(x, np.zeros((), x.dtype), [(0, 0, 0)] * batch + [(*edge, 0) for edge in edges])


def multiply(x: jax.Array, y: jax.Array) -> jax.Array:
    """Multiply with broadcasting."""
    return x * y


def _axes(lengths: Sequence[int]) -> tuple[int, ...]:
    return tuple(range(-len(lengths), 0))


def matmul(x: jax.Array, y: jax.Array) -> jax.Array:
    """Multiply matrices along the last two axes, in full precision also where tensor cores are."""
    return jnp.matmul(x, y, precision=jax.lax.Precision.HIGHEST)


def rfftn(x: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """Transform real trailing axes, padded to the lengths."""
    return jnp.fft.rfftn(x, lengths, _axes(lengths))


def irfftn(x: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """Invert rfftn."""
    return jnp.fft.irfftn(x, lengths, _axes(lengths))


def fftn(x: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """Transform complex trailing axes, padded to the lengths."""
    return jnp.fft.fftn(x, lengths, _axes(lengths))


def ifftn(x: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """Invert fftn."""
    return jnp.fft.ifftn(x, lengths, _axes(lengths))


def correlate(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlate channel by channel with XLA's convolution, in full precision also where tensor cores are."""
    return jax.lax.conv_general_dilated(
        x,
        kernel[:, None],
        (1,) * (x.ndim - 2),
        "VALID",
        feature_group_count=kernel.shape[0],
        precision=jax.lax.Precision.HIGHEST,
    )


_SPATIAL = "HWD"


def _layouts(rank: int, last: bool) -> tuple[str, str, str]:
    spatial = _SPATIAL[:rank]
    arrays = f"N{spatial}C" if last else f"NC{spatial}"
    return arrays, f"{spatial}IO", arrays


def native(x: jax.Array, kernel: jax.Array, how: Native) -> jax.Array:
    """Correlate on channels with XLA's convolution."""
    if how.depthwise:
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        how.strides,
        how.pads,
        rhs_dilation=how.dilations,
        dimension_numbers=_layouts(len(how.strides), how.last),
        feature_group_count=how.groups,
    )


def convolves(x: jax.Array, dtype: str) -> bool:
    """Whether the dtype is as fast as float32: float16 is not on a CPU (seen with JAX 0.10)."""
    return dtype != "float16" or jax.default_backend() != "cpu"


def native_adjoint(y: jax.Array, kernel: jax.Array, how: Native, sizes: Sequence[Any]) -> jax.Array:
    """Return the adjoint for inputs of these spatial sizes: a convolution of y with zeros between its samples."""
    assert how.groups == 1  # autodiff needs no adjoint, and transposed convolutions have no groups
    rank = len(how.strides)
    pads = []
    for i, size in enumerate(sizes):
        reach = (y.shape[i + (1 if how.last else 2)] - 1) * how.strides[i] + 1
        left = (kernel.shape[i] - 1) * how.dilations[i] - how.pads[i][0]
        pads.append((left, size - reach - left + (kernel.shape[i] - 1) * how.dilations[i]))
    arrays, layout, _ = _layouts(rank, how.last)
    return jax.lax.conv_general_dilated(
        y,
        jnp.flip(kernel, tuple(range(rank))),
        (1,) * rank,
        pads,
        lhs_dilation=how.strides,
        rhs_dilation=how.dilations,
        dimension_numbers=(arrays, layout.replace("IO", "OI"), arrays),
    )


def forked(forward: Callable, by_first: Callable | None, other: Callable, x: jax.Array, y: jax.Array) -> jax.Array:
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


def frame(x: jax.Array, axis: int, length: int, step: int) -> jax.Array:
    """Cut an axis into overlapping blocks: whole steps side by side, each joined with the heads of the next ones."""
    overlap = length - step
    count = (x.shape[axis] - overlap) // step
    shifted = []
    for first in range(0, length, step):
        taken = jax.lax.slice_in_dim(x, first, min(first + count * step, x.shape[axis]), axis=axis)
        taken = window(taken, [0] * (x.ndim - axis), [count * step, *x.shape[axis + 1 :]])
        steps = taken.reshape(*x.shape[:axis], count, step, *x.shape[axis + 1 :])
        shifted.append(jax.lax.slice_in_dim(steps, 0, min(step, length - first), axis=axis + 1))
    return jnp.concatenate(shifted, axis + 1)


def bands(compute: Callable[[Any], jax.Array], x: jax.Array, axis: int, slabs: tuple, size: Any) -> jax.Array:
    """Compute band after band into one result: those inside x in a loop, so that they are compiled once.

    Slabs that reach beyond x stand apart: padded, x would have to be copied.
    """
    start, stride, extent, count = slabs
    behind = x.shape[axis + 1 :]

    def apart(i: int) -> jax.Array:
        return compute(window(x, [start + i * stride] + [0] * len(behind), [extent, *behind]))

    if count == 1:
        return jax.lax.slice_in_dim(apart(0), 0, size, axis=axis)
    inside = [i for i in range(count) if start + i * stride >= 0 and start + i * stride + extent <= x.shape[axis]]
    first = jax.eval_shape(lambda: apart(0)) if len(inside) == count else apart(0)
    band = first.shape[axis]
    inside = [i for i in inside if (i + 1) * band <= size]
    y = jnp.zeros((*first.shape[:axis], size, *first.shape[axis + 1 :]), first.dtype)

    def write(y: jax.Array, i: Any, part: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_slice_in_dim(y, part, i * band, axis)

    for i in range(count):
        if i not in inside:
            part = first if i == 0 else apart(i)
            y = write(y, i, jax.lax.slice_in_dim(part, 0, min(band, size - i * band), axis=axis))
    if inside:
        y = jax.lax.fori_loop(
            inside[0],
            inside[-1] + 1,
            lambda i, y: write(y, i, compute(jax.lax.dynamic_slice_in_dim(x, start + i * stride, extent, axis))),
            y,
        )
    return y
