"""Kernels that are prepared once, as the kernels of convolutions on channels."""

import numpy as np
import pytest

import konvolve
from konvolve import nn
from konvolve.methods.nn import run as methods
from libraries import LIBRARIES
from oracle import channels
from test_nn import near, normal


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def library(request):
    return request.param


def test_the_kernel_is_transformed_once(library, monkeypatch):
    count = []
    original = methods.prepare
    monkeypatch.setattr(methods, "prepare", lambda *a: count.append(1) or original(*a))
    rng = np.random.default_rng(1)
    taps = normal(rng, (40, 3, 2), "float32")
    kernel = konvolve.Kernel(taps)  # of NumPy: it serves every library
    for n in (100, 100, 80, 100):
        x = normal(rng, (2, n, 3), "float32")
        found = nn.conv(library.array(x), kernel, padding="same", method="fft")
        near(library.numpy(found), channels(x, taps, 1, "same"), x, taps, "float32")
    assert len(count) == 2
    nn.depthwise_conv(library.array(x[..., :2]), konvolve.Kernel(taps[:, :2]), method="direct")
    assert len(count) == 2


def test_bidirectional_takes_it_as_its_array(library):
    rng = np.random.default_rng(2)
    x, ahead, back = normal(rng, (2, 30, 4)), normal(rng, (5, 4, 2)), normal(rng, (5, 4, 2))
    options = {"padding": "causal", "method": "fft", "bidirectional": library.array(back)}
    found, expected = (
        nn.depthwise_conv(library.array(x), kernel, **options)
        for kernel in (konvolve.Kernel(library.array(ahead)), library.array(ahead))
    )
    np.testing.assert_allclose(library.numpy(found), library.numpy(expected))


def transposed(g, kernel, n):
    """The gradient of a "same" convolution with respect to its inputs, by definition."""
    before = (kernel.shape[0] - 1) // 2
    full = np.zeros((g.shape[0], n + kernel.shape[0] - 1, kernel.shape[1]))
    for p in range(n):
        full[:, p : p + kernel.shape[0]] += np.einsum("bo,tio->bti", g[:, p], kernel)
    return full[:, before : before + n]


@pytest.mark.parametrize("method", ["fft", "overlap", "direct"])
def test_the_inputs_are_differentiated(method):
    jax, tf, torch = map(pytest.importorskip, ("jax", "tensorflow", "torch"))
    rng = np.random.default_rng(3)
    x, taps, g = normal(rng, (2, 200, 3)), normal(rng, (20, 3, 4)), normal(rng, (2, 200, 4))
    kernel = konvolve.Kernel(taps)
    wanted = transposed(g, taps, 200)

    def loss(x, g):
        return (nn.conv(x, kernel, padding="same", method=method) * g).sum()

    jax.config.update("jax_enable_x64", True)
    for compiled in (lambda f: f, jax.jit):
        np.testing.assert_allclose(compiled(jax.grad(loss))(jax.numpy.asarray(x), g), wanted, atol=1e-9)
    x_torch = torch.tensor(x, requires_grad=True)
    loss(x_torch, torch.tensor(g)).backward()
    np.testing.assert_allclose(x_torch.grad, wanted, atol=1e-9)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(nn.conv(x, kernel, padding="same", method=method) * g)
        return tape.gradient(value, x)

    np.testing.assert_allclose(gradient(tf.constant(x)), wanted, atol=1e-9)
    np.testing.assert_allclose(tf.function(gradient)(tf.constant(x)), wanted, atol=1e-9)
