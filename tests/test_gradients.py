"""Gradients on TensorFlow: every function, first and second order, forward mode, compiled, sizes unknown.

The oracle is the finite difference in float64 along a random direction. A convolution is bilinear, so the central
difference of its first derivative is exact but for rounding.
"""

import numpy as np
import pytest
import tensorflow as tf

import konvolve
from questions import QUESTIONS

STEP = 1e-4


WAYS = {
    "eager": lambda loss, _: loss,
    "graph": lambda loss, _: tf.function(loss),
    "xla": lambda loss, _: tf.function(loss, jit_compile=True),
    "unknown sizes": lambda loss, ranks: tf.function(
        loss, input_signature=[tf.TensorSpec([None] * rank, tf.float64) for rank in ranks]
    ),
}


def normal(shape, seed, dtype=tf.float64):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return tf.constant(x + 1j * rng.standard_normal(shape) if dtype.is_complex else x, dtype)


def along(gradients, directions):
    return tf.add_n(
        [tf.reduce_sum(tf.math.real(tf.math.conj(g) * v)) for g, v in zip(gradients, directions, strict=True)]
    )


def difference(f, points, directions):
    """Return the derivative of f along the directions, by the central difference."""
    ahead = f(*(x + STEP * v for x, v in zip(points, directions, strict=True)))
    behind = f(*(x - STEP * v for x, v in zip(points, directions, strict=True)))
    return (ahead - behind) / (2 * STEP)


def near(found, expected, scale):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * abs(float(scale)))


def check_derivatives(loss, points, directions):
    """Compare the gradient along the directions, its own, and the forward mode's with finite differences."""

    def slope(*points):
        with tf.GradientTape() as tape:
            tape.watch(points)
            y = loss(*points)
        gradients = tape.gradient(y, points)
        assert [g.shape for g in gradients] == [x.shape for x in points]
        return along(gradients, directions)

    first = slope(*points)
    near(first, difference(loss, points, directions), loss(*points))
    with tf.GradientTape() as tape:
        tape.watch(points)
        y = slope(*points)
    near(along(tape.gradient(y, points), directions), difference(slope, points, directions), first)
    with tf.autodiff.ForwardAccumulator(points, directions) as forward:
        y = loss(*points)
    near(forward.jvp(y), first, first)


@pytest.mark.one_in(6)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_derivatives_are_the_finite_differences(question, way):
    ask, *shapes = QUESTIONS[question]
    points = [normal(shape, seed) for seed, shape in enumerate(shapes)]
    directions = [normal(shape, seed) for seed, shape in enumerate(shapes, start=7)]
    loss = WAYS[way](lambda a, b: tf.reduce_sum(ask(a, b) ** 2), [len(shape) for shape in shapes])

    check_derivatives(loss, points, directions)


@pytest.mark.parametrize("dtype", [tf.complex64, tf.complex128])
@pytest.mark.parametrize("method", ["fft", "direct", "overlap"])
def test_complex_gradients_follow_tensorflows_convention(method, dtype):
    """A step along the gradient of a real loss is the steepest ascent: for z it is the conjugate of d loss / d z."""
    a, b, weights = normal((300,), 1, dtype), normal((9,), 2, dtype), normal((300,), 3, dtype)

    def loss(a, b):
        y = konvolve.correlate(a, b, "same", method)
        return tf.reduce_sum(tf.math.real(weights * y)) + tf.reduce_sum(tf.abs(y) ** 2)

    directions = [normal((300,), 5, dtype), normal((9,), 6, dtype)]
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        y = loss(a, b)
    found = along(tape.gradient(y, [a, b]), directions)
    wide = [tf.cast(x, tf.complex128) for x in (a, b, *directions)]
    weights = tf.cast(weights, tf.complex128)
    expected = difference(loss, wide[:2], wide[2:])
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == tf.complex128 else 2e-4)


def transforms(build):
    """Return how many forward and inverse transforms a function is made of."""
    graph = tf.function(build).get_concrete_function().graph
    kinds = [operation.type for operation in graph.get_operations()]
    return kinds.count("RFFT2D"), kinds.count("IRFFT2D")


def test_the_backward_pass_reuses_the_spectra_and_makes_what_is_asked_for():
    """Forward: two spectra and an inverse. Backward: the gradient's spectrum, and an inverse per gradient."""
    a, b = tf.ones((2, 40, 50)), tf.ones((1, 9, 9))

    def build(wanted):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            watched = [(a, b)[i] for i in wanted]
            tape.watch(watched)
            y = konvolve.fftconvolve(a, b, "same", axes=(1, 2))
        return (y, *tape.gradient(y, watched)) if watched else y

    assert transforms(lambda: build([])) == (2, 1)
    assert transforms(lambda: build([0])) == (3, 2)
    assert transforms(lambda: build([1])) == (3, 2)
    assert transforms(lambda: build([0, 1])) == (3, 3)


def test_half_precision_gradients_have_its_dtype():
    a, b = tf.ones(20, tf.bfloat16), tf.ones(5, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        y = tf.reduce_sum(konvolve.convolve(a, b, "valid", "fft"))
    gradients = tape.gradient(y, [a, b])
    assert [g.dtype for g in gradients] == [tf.bfloat16] * 2
    np.testing.assert_array_equal(tf.cast(gradients[1], tf.float32), [16.0] * 5)


def test_jacobians_and_vectorized_maps():
    a, b = normal((3, 20), 1), normal((3, 5), 2)
    for method in ("fft", "direct"):

        def one(pair, method=method):
            return konvolve.convolve(pair[0], pair[1], "same", method)

        mapped = tf.vectorized_map(one, (a, b))
        for i in range(3):
            np.testing.assert_allclose(mapped[i], one((a[i], b[i])), atol=1e-12)
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = konvolve.convolve(a, b, "same", method, axes=1)
        jacobian = tape.batch_jacobian(y, a)
        for i in range(3):  # the matrix of the convolution itself
            np.testing.assert_allclose(jacobian[i] @ a[i][:, None], y[i][:, None], atol=1e-11)


def test_training_with_a_variable_kernel():
    """Gradient descent finds the blur that made a picture from another."""
    picture, truth = normal((32, 32), 1, tf.float32), np.outer([1, 2, 1], [1, 2, 1]).astype("float32") / 16
    blurred = konvolve.fftconvolve(picture, truth, mode="same")
    kernel = tf.Variable(tf.zeros((3, 3)))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((konvolve.fftconvolve(picture, kernel, mode="same") - blurred) ** 2)
        kernel.assign_sub(0.3 * tape.gradient(loss, kernel))

    for _ in range(80):
        step()
    np.testing.assert_allclose(kernel.numpy(), truth, atol=1e-3)
