"""JAX's Fourier transforms as one primitive, which keeps a batch where it lies on many devices.

Seen with JAX 0.10:

- XLA gathers the operand of a transform on every device, also along axes that are not transformed (openxla/xla#24).
  ``custom_partitioning`` says that those stay where they are, but has neither derivatives nor a rule for vmap. A
  primitive has both, and is lowered to it where there are many devices.
- A transform has at most three axes; jax.numpy does more of them one group after another.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.custom_partitioning import custom_partitioning
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from konvolve.backends.jax.windows import window


def _plain(x: jax.Array, kind: str, lengths: tuple[int, ...]) -> jax.Array:
    return getattr(jnp.fft, kind)(x, lengths, tuple(range(-len(lengths), 0)))


def _apart(sharding: Any, shape: Sequence[int], batch: int) -> NamedSharding:
    """Return a sharding that leaves the first ``batch`` axes as they are and has all of the others on every device.

    It is made of who holds what: how XLA cuts an array need not be something that the user's mesh has a name for.
    """
    devices = sorted(sharding.device_set, key=lambda device: device.id)
    counts = [1] * batch
    try:
        indices = sharding.devices_indices_map(tuple(shape))
        starts = {device: [cut.start or 0 for cut in indices[device][:batch]] for device in devices}
        devices.sort(key=lambda device: starts[device])
        counts = [len({start[axis] for start in starts.values()}) for axis in range(batch)]
    except ValueError:  # parts of different sizes: then everything is everywhere
        pass
    names = [f"batch{i}" for i in range(batch)]
    mesh = Mesh(np.array(devices).reshape(*counts, -1), (*names, "rest"))
    return NamedSharding(mesh, PartitionSpec(*names))


@functools.cache
def _partitioned(kind: str, lengths: tuple[int, ...]) -> Callable[[jax.Array], jax.Array]:
    """Return the transform with the batch left where it lies and the transformed axes on every device."""
    rank = len(lengths)

    @custom_partitioning
    def transform(x: jax.Array) -> jax.Array:
        return _plain(x, kind, lengths)

    def partition(_: Any, given: Any, result: Any) -> tuple:
        kept = _apart(given[0].sharding, given[0].shape, len(given[0].shape) - rank)
        return kept.mesh, lambda x: _plain(x, kind, lengths), kept, (kept,)

    names, others = [f"n{i}" for i in range(rank)], [f"m{i}" for i in range(rank)]
    transform.def_partition(
        partition,
        decode_shardings=False,  # to axes of the user's mesh: of which XLA may have taken a part
        sharding_rule=f"... {' '.join(names)} -> ... {' '.join(others)}",
        need_replication_factors=(*names, *others),
    )
    return transform


@functools.lru_cache(4096)
def _body(kind: str, lengths: tuple[int, ...], shape: tuple[int, ...], dtype: Any) -> Any:
    """Return what the transform is on many devices.

    As a parameter of the primitive, because JAX looks for what has to know the devices before it lowers anything.
    """
    return jax.make_jaxpr(_partitioned(kind, lengths))(jax.ShapeDtypeStruct(shape, dtype))


def _lowered(x: jax.Array, *, kind: str, lengths: tuple[int, ...], body: Any) -> jax.Array:
    return _plain(x, kind, lengths) if body is None else jaxpr_as_fun(body)(x)[0]


def _abstract(x: Any, *, kind: str, lengths: tuple[int, ...], body: Any) -> Any:
    real = jnp.finfo(x.dtype).dtype
    shape = (*lengths[:-1], lengths[-1] // 2 + 1) if kind == "rfftn" else lengths
    return x.update(
        shape=(*x.shape[: -len(lengths)], *shape),
        dtype=real if kind == "irfftn" else jnp.result_type(real, jnp.complex64),
    )


def _transposed(gradient: Any, x: Any, *, kind: str, lengths: tuple[int, ...], body: Any) -> tuple:
    """Return the gradient, by the transform back: as on TensorFlow (see there) but for JAX's conjugates.

    N and the weights of the bins, which the transpose of a real transform has, are left out in both directions.
    """
    if type(gradient) is ad.Zero:
        return (gradient,)
    if kind == "rfftn":
        return (_transform(jnp.conj(gradient), "irfftn", lengths),)
    if kind == "irfftn":
        return (jnp.conj(_transform(gradient, "rfftn", lengths)),)
    return (_transform(gradient, kind, lengths),)


def _batched(operands: tuple, axes: tuple, *, kind: str, lengths: tuple[int, ...], body: Any) -> tuple:
    return _transform(jnp.moveaxis(operands[0], axes[0], 0), kind, lengths), 0


_TRANSFORM = Primitive("konvolve_transform")
_TRANSFORM.def_abstract_eval(_abstract)
_TRANSFORM.def_impl(jax.jit(_TRANSFORM.bind, static_argnames=("kind", "lengths", "body")))
mlir.register_lowering(_TRANSFORM, mlir.lower_fun(_lowered, multiple_results=False))
ad.deflinear2(_TRANSFORM, _transposed)
batching.primitive_batchers[_TRANSFORM] = _batched


def _transform(x: jax.Array, kind: str, lengths: Sequence[int]) -> jax.Array:
    lengths = tuple(lengths)
    # Shardy, the partitioner that follows such rules, is JAX's own since 0.7. An exported function has one device.
    many = jax.device_count() > 1 and getattr(jax.config, "jax_use_shardy_partitioner", False)
    known = many and all(isinstance(n, int) for n in x.shape)
    return _TRANSFORM.bind(
        x, kind=kind, lengths=lengths, body=_body(kind, lengths, x.shape, x.dtype) if known else None
    )


def rfftn(x: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """Transform real trailing axes, padded to the lengths."""
    return _transform(window(x, [0] * len(lengths), lengths), "rfftn", lengths)


def irfftn(x: jax.Array, lengths: Sequence[int], kept: Sequence[tuple[Any, Any]] | None = None) -> jax.Array:
    """Invert rfftn."""
    y = _transform(x, "irfftn", lengths)
    return y if kept is None else window(y, *zip(*kept, strict=True))


def fftn(x: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """Transform complex trailing axes, padded to the lengths."""
    return _transform(window(x, [0] * len(lengths), lengths), "fftn", lengths)


def ifftn(x: jax.Array, lengths: Sequence[int], kept: Sequence[tuple[Any, Any]] | None = None) -> jax.Array:
    """Invert fftn."""
    y = _transform(x, "ifftn", lengths)
    return y if kept is None else window(y, *zip(*kept, strict=True))
