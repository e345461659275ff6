"""Eager calls on few samples are carried out by NumPy, and nothing else about them changes."""

import numpy as np
import pytest
import tensorflow as tf

import konvolve
import oracle
from konvolve.execution import signal
from questions import QUESTIONS

BY_NUMPY = signal.by_numpy
rng = np.random.default_rng(5)


@pytest.fixture
def calls(monkeypatch):
    """Decide as users have it, and return a list of what was decided: whether NumPy computes."""
    decided = []

    def by_numpy(*arguments):
        decided.append((seen := BY_NUMPY(*arguments)) is not None)
        return seen

    monkeypatch.setattr(signal, "by_numpy", by_numpy)
    return decided


@pytest.mark.parametrize("question", [name for name in QUESTIONS if name != "overlap, picture"])
def test_the_result_is_that_of_tensors(question, calls, monkeypatch):
    ask, *shapes = QUESTIONS[question]
    arrays = [tf.constant(rng.standard_normal(shape)) for shape in shapes]
    found = ask(*arrays)
    assert isinstance(found, tf.Tensor)
    assert all(calls)
    monkeypatch.setattr(signal, "by_numpy", lambda *arguments: None)
    expected = ask(*arrays)
    assert (found.shape, found.dtype, found.device) == (expected.shape, expected.dtype, expected.device)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "bfloat16", "float32", "complex64"])
@pytest.mark.parametrize("method", ["auto", "fft"])
def test_dtypes(dtype, method, calls):
    a, b = rng.integers(0, 2 if dtype == "bool" else 5, 40), rng.integers(0, 2, 7)
    found = konvolve.convolve(tf.cast(a, dtype), tf.cast(b, dtype), method=method)
    assert found.dtype == tf.as_dtype(dtype)
    assert calls == [True]
    expected = np.convolve(a, b) > 0 if dtype == "bool" else np.convolve(a, b)
    found = tf.cast(found, "complex128" if dtype == "complex64" else "float64")
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.05 if "16" in dtype else 1e-4)


def test_a_variable_and_what_is_given_beside_it_are_left_alone(calls):
    a, b = tf.Variable(rng.standard_normal(30)), rng.standard_normal(5)
    before = a.numpy(), b.copy()
    found = konvolve.convolve(a, b, method="direct")
    oracle.assert_close(found.numpy(), np.convolve(*before), *before, "float64")
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])
    assert calls == [True]


def test_where_a_derivative_may_be_taken_tensors_compute(calls):
    a, b = tf.constant(rng.standard_normal(20)), tf.constant(rng.standard_normal(4))
    with tf.GradientTape() as tape:
        tape.watch(b)
        y = konvolve.convolve(a, b)
    np.testing.assert_allclose(tape.gradient(y, b), np.full(4, a.numpy().sum()), atol=1e-12)
    with tf.autodiff.ForwardAccumulator(a, tf.ones(20, tf.float64)) as accumulator:
        y = konvolve.convolve(a, b)
    np.testing.assert_allclose(accumulator.jvp(y), np.convolve(np.ones(20), b), atol=1e-12)
    np.testing.assert_allclose(tf.function(konvolve.convolve)(a, b), np.convolve(a, b), atol=1e-12)
    assert not any(calls)


def test_what_is_not_tiny_is_left_to_tensors(calls):
    konvolve.fftconvolve(tf.ones((600, 600)), tf.ones((50, 50)))
    assert not any(calls)


def test_nan_and_the_warning_of_it(calls):
    a = tf.constant([1.0, np.nan, 1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(np.isnan(konvolve.convolve(a, tf.ones(2))), [0, 1, 1, 0, 0, 0, 0])
    with pytest.warns(RuntimeWarning, match="NAN or inf") as caught:
        konvolve.convolve(a, tf.ones(2), method="fft")
    assert caught[0].filename == __file__
    assert calls == [True, True]
