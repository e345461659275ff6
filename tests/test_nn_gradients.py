"""Gradients on channels: every method, on TensorFlow, JAX and PyTorch, compiled, with unknown sizes, of second order.

A convolution is linear in each operand, so with random weights w the gradients of sum(w conv(x, k)) are known along any
direction: sum(w conv(v, k)) and sum(w conv(x, u)).
"""

import numpy as np
import pytest
import tensorflow as tf

from konvolve import nn
from test_gradients import along, check_derivatives, difference, normal

# what is asked, the shapes of inputs and kernel, and the options
QUESTIONS = {
    "causal": ("conv", (2, 40, 4), (7, 4, 6), {"padding": "causal"}),
    "groups, strides": ("conv", (2, 40, 4), (7, 2, 6), {"padding": "same", "strides": 3}),
    "dilation": ("conv", (2, 40, 4), (5, 4, 6), {"padding": "same", "dilation_rate": 3}),
    "both": ("conv", (2, 40, 4), (5, 4, 6), {"padding": "valid", "dilation_rate": 3, "strides": 2}),
    "picture": ("conv", (2, 30, 20, 4), (5, 3, 4, 6), {"padding": "same", "strides": (2, 3)}),
    "one channel": ("conv", (2, 12, 10, 1), (3, 3, 1, 1), {"dilation_rate": 2}),
    "depthwise": ("depthwise_conv", (2, 30, 20, 3), (5, 3, 3, 2), {"padding": "same"}),
    "volume": ("conv", (2, 4, 6, 7, 8), (3, 3, 2, 2, 6), {"padding": "same", "data_format": "channels_first"}),
    "transposed": ("conv_transpose", (2, 12, 11, 4), (5, 3, 6, 4), {"padding": "same", "strides": (2, 3)}),
    "transposed, dilation": ("conv_transpose", (2, 20, 4), (5, 6, 4), {"dilation_rate": 2}),
    "long": ("conv", (1, 1500, 2), (400, 2, 2), {"padding": "same"}),
    "a kernel each": ("conv", (2, 40, 4), (2, 7, 4, 6), {"padding": "causal"}),
    "reflected": ("conv", (2, 40, 4), (7, 4, 6), {"padding": "same", "padding_mode": "reflect"}),
}
METHODS = ("direct", "fft", "overlap")


def unknown(shape, options, kernel):
    """Return what a tf.function may be told: no size but the channels."""
    sizes = [None] * len(shape)
    channel = 1 if options.get("data_format") == "channels_first" else -1
    sizes[channel] = shape[channel]
    each = (None, *kernel[1:]) if len(kernel) > len(shape) else kernel
    return [tf.TensorSpec(sizes, tf.float64), tf.TensorSpec(each, tf.float64)]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("way", ["eager", "unknown sizes", "xla"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_gradients_on_tensorflow(question, method, way):
    name, shape, kernel_shape, options = QUESTIONS[question]
    if way == "xla" and question not in ("causal", "picture", "depthwise", "transposed"):
        return  # compiling takes seconds
    x, kernel, v, u = (normal(each, seed) for seed, each in enumerate((shape, kernel_shape) * 2))

    def ask(x, kernel):
        return getattr(nn, name)(x, kernel, method=method, **options)

    weights = normal(ask(x, kernel).shape, 9)

    def gradients(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.reduce_sum(ask(x, kernel) * weights)
        return tape.gradient(y, [x, kernel])

    if way == "unknown sizes":
        gradients = tf.function(gradients, input_signature=unknown(shape, options, kernel_shape))
    elif way == "xla":
        gradients = tf.function(gradients, jit_compile=True)
    found = gradients(x, kernel)
    assert [g.shape for g in found] == [x.shape, kernel.shape]
    scale = float(tf.norm(weights) * tf.norm(x) * tf.norm(kernel))
    for gradient, direction, operands in zip(found, (v, u), ((v, kernel), (x, u)), strict=True):
        expected = tf.reduce_sum(ask(*operands) * weights)
        np.testing.assert_allclose(tf.reduce_sum(gradient * direction), expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("question", ["causal", "picture", "depthwise", "transposed", "long"])
@pytest.mark.parametrize("method", METHODS)
def test_second_gradients_and_the_forward_mode_are_the_finite_differences(question, method):
    name, shape, kernel_shape, options = QUESTIONS[question]
    points = [normal(shape, 1), normal(kernel_shape, 2)]
    directions = [normal(shape, 7), normal(kernel_shape, 8)]

    def loss(x, kernel):
        return tf.reduce_sum(getattr(nn, name)(x, kernel, method=method, **options) ** 2)

    check_derivatives(loss, points, directions)


def test_a_slow_gradient_of_a_long_kernel_is_taken_from_transforms():
    """Conv2DBackpropFilter takes minutes here: it must not be there."""
    x, kernel = tf.ones((2, 8192, 16)), tf.ones((512, 16, 16))
    plan = nn.plan(x.shape, kernel.shape, padding="causal", method="direct", library="tensorflow")
    assert plan.method == "direct"
    assert plan.adjoint is not None

    @tf.function
    def step(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.reduce_sum(nn.conv(x, kernel, padding="causal", method="direct"))
        return tape.gradient(y, [x, kernel])

    kinds = {operation.type for operation in step.get_concrete_function(x, kernel).graph.get_operations()}
    assert "Conv2D" in kinds
    assert "Conv2DBackpropInput" in kinds
    assert "Conv2DBackpropFilter" not in kinds
    by_x, by_kernel = step(x, kernel)
    # every tap but the last k meets 8192 - k samples, of two signals
    np.testing.assert_allclose(by_kernel[:, 0, 0], 2 * (8192 - np.arange(512)[::-1]), rtol=1e-4)
    np.testing.assert_allclose(by_x[0, :7000, 0], np.full(7000, 16.0 * 512), rtol=1e-4)


def test_short_kernels_keep_tensorflows_own_gradient():
    x, kernel = tf.ones((2, 32, 32, 16)), tf.ones((3, 3, 16, 16))
    plan = nn.plan(x.shape, kernel.shape, padding="same", library="tensorflow")
    assert plan.method == "direct"
    assert plan.adjoint is None


def test_the_backward_pass_reuses_the_spectra():
    """Forward: two spectra and an inverse. Backward: the gradient's spectrum, and an inverse per gradient."""
    x, kernel = tf.ones((2, 40, 50, 3)), tf.ones((9, 9, 3, 4))

    def step(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = nn.conv(x, kernel, padding="same", method="fft")
        return tape.gradient(y, [x, kernel])

    graph = tf.function(step).get_concrete_function(x, kernel).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert (kinds.count("RFFT2D"), kinds.count("IRFFT2D")) == (3, 3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [tf.complex64, tf.complex128])
def test_complex_gradients_follow_tensorflows_convention(method, dtype):
    x, kernel, weights = normal((2, 60, 3), 1, dtype), normal((9, 3, 2), 2, dtype), normal((2, 60, 2), 3, dtype)

    def loss(x, kernel):
        y = nn.conv(x, kernel, padding="same", method=method)
        return tf.reduce_sum(tf.math.real(tf.cast(weights, y.dtype) * y)) + tf.reduce_sum(tf.abs(y) ** 2)

    directions = [normal(x.shape, 5, dtype), normal(kernel.shape, 6, dtype)]
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = loss(x, kernel)
    found = along(tape.gradient(y, [x, kernel]), directions)
    wide = [tf.cast(each, tf.complex128) for each in (x, kernel, *directions)]
    np.testing.assert_allclose(
        found, difference(loss, wide[:2], wide[2:]), rtol=1e-6 if dtype == tf.complex128 else 2e-4
    )


# PyTorch 2.13 warns of itself: where it compiles what its forward mode needs.
@pytest.mark.filterwarnings(r"ignore:.torch\.jit\..*. is deprecated")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_gradients_on_torch(question, method):
    import torch

    name, shape, kernel_shape, options = QUESTIONS[question]
    if question == "long":
        shape, kernel_shape = (1, 60, 2), (20, 2, 2)
    rng = np.random.default_rng(4)
    x, kernel = (torch.from_numpy(rng.standard_normal(s)).requires_grad_() for s in (shape, kernel_shape))

    def ask(x, kernel):
        return getattr(nn, name)(x, kernel, method=method, **options)

    assert torch.autograd.gradcheck(ask, (x, kernel), fast_mode=True)
    y = ask(x, kernel)
    tangent = torch.func.jvp(ask, (x, kernel), (x, kernel))[1]
    torch.testing.assert_close(tangent, 2 * y)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_gradients_on_jax(question, method):
    import jax

    jax.config.update("jax_enable_x64", True)
    name, shape, kernel_shape, options = QUESTIONS[question]
    rng = np.random.default_rng(4)
    x, kernel, v, u = (jax.numpy.asarray(rng.standard_normal(s)) for s in (shape, kernel_shape) * 2)

    def ask(x, kernel):
        return getattr(nn, name)(x, kernel, method=method, **options)

    y, tangent = jax.jvp(jax.jit(ask), (x, kernel), (v, u))
    np.testing.assert_allclose(tangent, ask(v, kernel) + ask(x, u), rtol=0, atol=1e-9)
    weights = jax.numpy.asarray(rng.standard_normal(y.shape))
    by_x, by_kernel = jax.jit(lambda x, k, w: jax.vjp(ask, x, k)[1](w))(x, kernel, weights)
    np.testing.assert_allclose((by_x * v).sum(), (ask(v, kernel) * weights).sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose((by_kernel * u).sum(), (ask(x, u) * weights).sum(), rtol=1e-9, atol=1e-9)


def test_training_finds_the_kernel():
    """Gradient descent on a causal kernel of 64 taps."""
    x, truth = normal((8, 256, 2), 1, tf.float32), 0.1 * normal((64, 2, 3), 2, tf.float32)
    target = nn.conv(x, truth, padding="causal")
    kernel = tf.Variable(tf.zeros((64, 2, 3)))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((nn.conv(x, kernel, padding="causal") - target) ** 2)
        kernel.assign_sub(0.8 * tape.gradient(loss, kernel))

    for _ in range(60):
        step()
    np.testing.assert_allclose(kernel.numpy(), truth, atol=1e-2)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("method", METHODS)
def test_torch_compiles_it_whole_with_batch_and_samples_unknown(method):
    import torch

    rng = np.random.default_rng(4)
    x, kernel = (torch.from_numpy(rng.standard_normal(s)) for s in ((3, 900, 2), (200, 2, 3)))
    torch._dynamo.mark_dynamic(x, 0)
    torch._dynamo.mark_dynamic(x, 1)

    def ask(x, kernel):
        return nn.conv(x, kernel, padding="same", method=method)

    compiled = torch.compile(ask, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x, kernel), ask(x, kernel))
