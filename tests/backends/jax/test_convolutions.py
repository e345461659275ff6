"""Channels before the space on JAX's CPU: inside a loop XLA's own way takes thirty times longer, so they go last."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from konvolve import nn

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(7)

# What is asked, the shape of the inputs with the channels last, that of the kernel, and whether channels stay first.
CASES = {
    "signals": (nn.conv, {"padding": "same"}, (2, 40, 6), (5, 6, 6), False),
    "pictures": (nn.conv, {"padding": "same", "dilation_rate": 2}, (2, 12, 10, 6), (3, 3, 6, 6), False),
    "groups": (nn.conv, {"padding": "same"}, (2, 40, 6), (5, 3, 6), False),
    "one tap": (nn.conv, {}, (2, 40, 6), (1, 6, 6), False),
    "transposed": (nn.conv_transpose, {"padding": "same"}, (2, 40, 6), (5, 6, 6), False),
    "depthwise": (nn.depthwise_conv, {"padding": "same"}, (2, 40, 6), (5, 6, 1), True),
    "a single channel": (nn.conv, {"padding": "same"}, (2, 40, 1), (5, 1, 1), True),
}


def convolutions(jaxpr):
    """Return where each convolution of a program has the channels of its inputs, inner programs included."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "conv_general_dilated":
            yield equation.params["dimension_numbers"].lhs_spec[1]
        for inner in equation.params.values():
            if hasattr(inner, "jaxpr"):
                yield from convolutions(inner.jaxpr)


@pytest.mark.parametrize("case", CASES)
def test_channels_first_in_a_loop(case):
    ask, options, shape, kernel, first = CASES[case]
    k = jnp.asarray(rng.standard_normal(kernel) / np.prod(kernel))
    x = jnp.asarray(rng.standard_normal(shape))

    def loop(data_format):
        def run(x, k):
            def step(x, _):
                return ask(x, k, data_format=data_format, method="direct", **options), None

            return jax.lax.scan(step, x, None, length=3)[0]

        return run

    there = jnp.moveaxis(x, -1, 1)
    run, expected = jax.jit(loop("channels_first")), jax.jit(loop("channels_last"))
    np.testing.assert_allclose(jnp.moveaxis(run(there, k), 1, -1), expected(x, k), rtol=0, atol=1e-12)
    places = set(convolutions(jax.make_jaxpr(run)(there, k).jaxpr))
    assert places == ({1} if first else {len(shape) - 1})
    weights = jnp.asarray(rng.standard_normal(shape))
    found = jax.grad(lambda x, k: (run(x, k) * jnp.moveaxis(weights, -1, 1)).sum(), (0, 1))(there, k)
    wanted = jax.grad(lambda x, k: (expected(x, k) * weights).sum(), (0, 1))(x, k)
    np.testing.assert_allclose(jnp.moveaxis(found[0], 1, -1), wanted[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found[1], wanted[1], rtol=0, atol=1e-10)
