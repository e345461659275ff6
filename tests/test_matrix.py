"""Blocks of the signal times a banded matrix: along any single axis, with gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import konvolve
import oracle
from libraries import LIBRARIES


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


@st.composite
def questions(draw):
    ndim = draw(st.integers(1, 3))
    axis = draw(st.integers(0, ndim - 1))
    shape1 = [draw(st.integers(1, 5)) for _ in range(ndim)]
    shape1[axis] = draw(st.integers(2, 90))
    shape2 = [1] * ndim
    shape2[axis] = draw(st.integers(2, shape1[axis] + 5))
    dtype = draw(st.sampled_from(["float16", "float32", "float64", "complex64"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    a, b = (rng.standard_normal(shape) for shape in (shape1, shape2))
    if dtype == "complex64":
        a, b = a + 1j * rng.standard_normal(shape1), b - 2j
    return a.astype(dtype), b.astype(dtype), axis


@pytest.mark.parametrize("function", ["convolve", "correlate"])
def test_matrix_is_the_sum(library, function):
    @settings(max_examples=10 if library.name == "jax" else 40)
    @given(questions(), st.sampled_from(["full", "same", "valid"]))
    def check(question, mode):
        a, b, axis = question
        result = library.numpy(
            getattr(konvolve, function)(library.array(a), library.array(b), mode, "matrix", axes=axis)
        )
        oracle.assert_close(result, getattr(oracle, function)(a, b, mode, (axis,)), a, b, a.dtype.name)

    check()


@pytest.mark.parametrize("options", [{"boundary": "reflect"}, {"boundary": "wrap"}, {"lags": (-3, 20), "mode": "full"}])
def test_matrix_beyond_the_edges(library, options):
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((3, 50, 2)), rng.standard_normal((1, 9, 1))
    options = {"mode": "same", "axes": 1} | options
    y = library.numpy(konvolve.correlate(library.array(a), library.array(b), method="matrix", **options))
    z = konvolve.correlate(a, b, method="direct", **options)
    oracle.assert_close(y, z, np.pad(a, ((0, 0), (9, 9), (0, 0)), "edge"), b, "float64")


def test_the_plan_leaves_the_axis_where_it_is():
    plan = konvolve.plan((300, 5000), (15, 1), mode="same", axes=0, method="matrix")
    assert plan.layout is None
    assert plan.block > 0
    assert plan.output_shape == (300, 5000)


def test_matrix_refuses_what_it_cannot_do(library):
    for a, b, axes in (
        (np.ones((9, 9)), np.ones((3, 3)), None),
        (np.ones((9, 9), int), np.ones((3, 1), int), 0),
        (np.ones((2, 9)), np.ones((2, 3)), 1),
    ):
        with pytest.raises(ValueError, match="method='matrix' is for"):
            konvolve.convolve(library.array(a), library.array(b), method="matrix", axes=axes)


def gradients(library, method, a, b, axis):
    """Return the gradients of the sum of squares with respect to both operands."""

    def loss(a, b):
        return (konvolve.convolve(a, b, "same", method, axes=axis) ** 2).sum()

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
        y = tf.reduce_sum(konvolve.convolve(*pair, "same", method, axes=axis) ** 2)
    return tape.gradient(y, pair)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gradients_are_those_of_the_sum(library, axis):
    if library.name == "numpy":
        return
    rng = np.random.default_rng(axis)
    shape1, shape2 = [3, 4, 2], [1, 1, 1]
    shape1[axis], shape2[axis] = 70, 6
    a, b = rng.standard_normal(shape1), rng.standard_normal(shape2)
    for y, z in zip(gradients(library, "matrix", a, b, axis), gradients(library, "direct", a, b, axis), strict=True):
        np.testing.assert_allclose(library.numpy(y), library.numpy(z), atol=1e-10)
