"""Convolutions of JAX arrays that lie on four devices; run by backends/jax/test_sharded.py. A failed assertion ends it.

``python jax_sharded.py few`` takes seconds, ``all`` a minute or two.
"""

import os

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # what is sent stays the same
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import functools
import re
import sys

import jax
import numpy as np
from jax import numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.test_util import check_grads

import konvolve
from konvolve import nn

jax.config.update("jax_enable_x64", True)
ROW = Mesh(np.array(jax.devices()), ("rows",))
GRID = Mesh(np.array(jax.devices()).reshape(2, 2), ("rows", "steps"))
rng = np.random.default_rng(0)

layer = functools.partial(nn.conv, padding="same", method="fft")
CASES = {
    "conv": (layer, (8, 24, 20, 3), (9, 7, 3, 4)),
    "blocks": (functools.partial(layer, method="overlap"), (8, 800, 3), (50, 3, 4)),
    "blocks of pictures": (functools.partial(layer, method="overlap"), (4, 72, 72, 2), (9, 9, 2, 3)),
    "strides": (functools.partial(layer, strides=2), (8, 24, 20, 3), (9, 7, 3, 4)),
    "dilations": (functools.partial(layer, dilation_rate=2), (8, 24, 20, 3), (9, 7, 3, 4)),
    "channels first": (functools.partial(layer, data_format="channels_first"), (8, 3, 24, 20), (9, 7, 3, 4)),
    "edges": (functools.partial(layer, padding_mode="reflect"), (8, 24, 20, 3), (9, 7, 3, 4)),
    "volumes": (layer, (4, 8, 9, 10, 2), (3, 3, 3, 2, 2)),
    "depthwise": (functools.partial(nn.depthwise_conv, padding="same", method="fft"), (8, 24, 20, 3), (9, 7, 3, 1)),
    "transposed": (
        functools.partial(nn.conv_transpose, strides=2, padding="same", method="fft"),
        (8, 24, 20, 3),
        (9, 7, 4, 3),
    ),
    "fftconvolve": (functools.partial(konvolve.fftconvolve, axes=(1, 2)), (8, 40, 40), (1, 9, 9)),
    "oaconvolve": (functools.partial(konvolve.oaconvolve, axes=1), (8, 5000), (1, 99)),
}


def near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * max(1, np.abs(expected).max()))


def placed(x, mesh, *names):
    return jax.device_put(x, NamedSharding(mesh, PartitionSpec(*names)))


def collectives(function, *arrays):
    """Return what a function's program sends between the devices, and check that it is a program for four."""
    text = jax.jit(function).lower(*arrays).compile().as_text()
    assert "num_partitions=4" in text
    return set(re.findall(r"\b(all-gather|all-to-all|all-reduce|collective-permute|reduce-scatter)(?:-start)?\(", text))


def loss(function, x, kernel):
    return (function(x, kernel) ** 2).sum()


def batch_stays_where_it_is(function, x, kernel, *, all_derivatives=False):
    there = placed(x, ROW, "rows"), placed(kernel, ROW)
    assert collectives(function, *there) == set()
    found = function(*there)
    assert found.sharding.is_equivalent_to(NamedSharding(ROW, PartitionSpec("rows")), found.ndim)
    near(found, function(x, kernel))
    gradient = jax.grad(functools.partial(loss, function), (0, 1))
    assert collectives(gradient, *there) == {"all-reduce"}  # of the kernel's gradient
    for one, two in zip(gradient(*there), gradient(x, kernel), strict=True):
        near(one, two)
    if not all_derivatives:
        return
    # The forward mode, and the second order.
    _, tangent = jax.jvp(function, there, there)
    near(tangent, 2 * function(x, kernel))
    product = jax.jit(lambda x, kernel: jax.jvp(gradient, (x, kernel), (x, kernel))[1])
    for one, two in zip(product(*there), gradient(x, kernel), strict=True):
        near(one, 3 * two)  # homogeneous of degree 3


def any_sharding_gives_the_same(function, x, kernel):
    expected = function(x, kernel)
    by_kernel = jax.grad(functools.partial(loss, function), 1)(x, kernel)
    for mesh, names in ((ROW, (None, "rows")), (GRID, ("rows", "steps")), (GRID, (("rows", "steps"),))):
        there = placed(x, mesh, *names), placed(kernel, mesh)
        near(function(*there), expected)
        near(jax.grad(functools.partial(loss, function), 1)(*there), by_kernel)
    single = jax.device_put(x, jax.devices()[1]), jax.device_put(kernel, jax.devices()[1])
    near(function(*single), expected)


def transformed():
    """What JAX does with functions, with many devices in sight; check_grads compares with finite differences."""
    x, kernel = jnp.asarray(rng.standard_normal((4, 12, 2))), jnp.asarray(rng.standard_normal((5, 2, 3)))
    check_grads(layer, (x, kernel), order=2)
    both = jax.vmap(layer, (0, None))(jnp.stack([x, 2 * x]), kernel)
    near(both, np.stack([layer(x, kernel), 2 * layer(x, kernel)]))
    kernels = jax.vmap(jax.grad(functools.partial(loss, layer), 1), (None, 0))(x, jnp.stack([kernel, 2 * kernel]))
    near(kernels[1], 2 * kernels[0])
    mapped = jax.vmap(layer, (0, None))(placed(jnp.stack([x] * 4), ROW, "rows"), kernel)
    near(mapped[3], layer(x, kernel))
    cut = jax.shard_map(
        layer, mesh=ROW, in_specs=(PartitionSpec("rows"), PartitionSpec()), out_specs=PartitionSpec("rows")
    )
    near(jax.jit(cut)(x, kernel), layer(x, kernel))
    shapes = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in (x, kernel)]
    saved = jax.export.export(jax.jit(layer))(*shapes).serialize(vjp_order=1)
    near(jax.export.deserialize(saved).call(x, kernel), layer(x, kernel))
    there = placed(x, ROW, "rows"), placed(kernel, ROW)
    held = konvolve.Kernel(there[1])
    assert collectives(lambda x: layer(x, held), there[0]) == set()
    near(layer(there[0], held), layer(x, kernel))


if __name__ == "__main__":
    assert jax.device_count() == 4
    few = ("conv", "blocks", "oaconvolve")
    for name in CASES if sys.argv[1] == "all" else few:
        function, *shapes = CASES[name]
        arrays = [jnp.asarray(rng.standard_normal(shape)) for shape in shapes]
        batch_stays_where_it_is(function, *arrays, all_derivatives=name in few)
    for name in ("blocks", "conv")[: None if sys.argv[1] == "all" else 1]:
        function, *shapes = CASES[name]
        any_sharding_gives_the_same(function, *(jnp.asarray(rng.standard_normal(shape)) for shape in shapes))
    transformed()
    print("done")
