"""Blocks of the signal times a banded matrix: along any single axis, with gradients."""

import numpy as np
import pytest

import konvolve
import oracle
from libraries import LIBRARIES


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


@pytest.mark.parametrize("options", [{"boundary": "reflect"}, {"boundary": "wrap"}, {"lags": (-3, 20), "mode": "full"}])
def test_matrix_beyond_the_edges(library, options):
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((3, 50, 2)), rng.standard_normal((1, 9, 1))
    options = {"mode": "same", "axes": 1} | options
    y = library.numpy(konvolve.correlate(library.array(a), library.array(b), method="matrix", **options))
    z = konvolve.correlate(a, b, method="direct", **options)
    oracle.assert_close(y, z, np.pad(a, ((0, 0), (9, 9), (0, 0)), "edge"), b, "float64")


@pytest.mark.parametrize("boundary", ["reflect", "wrap", ("nearest", 2.5)])
def test_matrix_of_pictures_beyond_the_edges(library, boundary):
    if library.name == "numpy":
        return
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((3, 20, 50)), rng.standard_normal((1, 4, 9))
    options = {"mode": "same", "axes": (1, 2), "boundary": boundary}
    y = library.numpy(konvolve.convolve(library.array(a), library.array(b), method="matrix", **options))
    z = konvolve.convolve(a, b, method="direct", **options)
    oracle.assert_close(y, z, np.pad(a, ((0, 0), (4, 4), (9, 9)), "edge"), b, "float64")
    kernel = konvolve.Kernel(library.array(b))
    prepared = konvolve.convolve(library.array(a), kernel, method="matrix", **options)
    np.testing.assert_allclose(library.numpy(prepared), y, atol=1e-12)


@pytest.mark.parametrize(
    ("signal", "kernel", "axes"),
    [((8192, 1000), (1, 64), 1), ((1, 1_000_000), (1, 30), 1), ((1024, 1024), (9, 9), (0, 1))],
)
def test_the_plan_takes_blocks_as_channels_where_that_is_fast(signal, kernel, axes):
    for library in ("tensorflow", "torch"):
        plan = konvolve.plan(signal, kernel, mode="same", axes=axes, library=library)
        assert plan.method == "matrix"
        assert plan.way.neighbours == 1 + -(-(kernel[-1] - 1) // plan.way.block)


def test_the_plan_leaves_the_axis_where_it_is():
    plan = konvolve.plan((300, 5000), (15, 1), mode="same", axes=0, method="matrix")
    assert plan.layout is None
    assert plan.way.block > 0
    assert plan.output_shape == (300, 5000)


def test_matrix_refuses_what_it_cannot_do(library):
    for a, b, axes in (
        (np.ones((9, 9), complex), np.ones((3, 3), complex), None),
        (np.ones((9, 9), int), np.ones((3, 1), int), 0),
        (np.ones((2, 9)), np.ones((2, 3)), 1),
    ):
        with pytest.raises(ValueError, match="method='matrix' is for"):
            konvolve.convolve(library.array(a), library.array(b), method="matrix", axes=axes)


def gradients(library, method, a, b, axes):
    """Return the gradients of the sum of squares with respect to both operands."""

    def loss(a, b):
        return (konvolve.convolve(a, b, "same", method, axes=axes) ** 2).sum()

    if library.name == "jax":
        import jax

        return jax.grad(loss, (0, 1))(library.array(a), library.array(b))
    if library.name == "torch":
        pair = [library.array(x).requires_grad_() for x in (a, b)]
        loss(*pair).backward()
        return [x.grad for x in pair]
    import tensorflow as tf

    pair = [tf.constant(x) for x in (a, b)]
    with tf.GradientTape() as tape:
        tape.watch(pair)
        y = tf.reduce_sum(konvolve.convolve(*pair, "same", method, axes=axes) ** 2)
    return tape.gradient(y, pair)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_gradients_are_those_of_the_sum(library, axes):
    if library.name == "numpy":
        return
    rng = np.random.default_rng(len(axes))
    shape1, shape2 = [3, 4, 2], [1, 1, 1]
    for axis in axes:
        shape1[axis], shape2[axis] = (70, 6) if axis == axes[-1] else (7, 3)
    a, b = rng.standard_normal(shape1), rng.standard_normal(shape2)
    for y, z in zip(gradients(library, "matrix", a, b, axes), gradients(library, "direct", a, b, axes), strict=True):
        np.testing.assert_allclose(library.numpy(y), library.numpy(z), atol=1e-10)
