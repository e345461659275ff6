"""Eager calls that are long and come again run as graphs, and nothing else about them changes."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

import konvolve
from konvolve.backends.tensorflow import programs
from questions import QUESTIONS

rng = np.random.default_rng(6)


@pytest.fixture(autouse=True)
def graphs_from_the_second_call_on(monkeypatch):
    monkeypatch.setattr(programs, "_LONG", 0.0)
    monkeypatch.setattr(programs, "_TRACED_AFTER", 1e-9)
    programs._graphs.clear()


def tensors(*shapes):
    return [tf.constant(rng.standard_normal(shape)) for shape in shapes]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_result_is_that_of_single_operations(question, monkeypatch):
    ask, *shapes = QUESTIONS[question]
    arrays = tensors(*shapes)
    found = [ask(*arrays) for _ in range(2)]
    assert programs._graphs
    monkeypatch.setattr(programs, "_LONG", np.inf)
    expected = ask(*arrays)
    for y in found:
        assert (y.shape, y.dtype, y.device) == (expected.shape, expected.dtype, expected.device)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("method", "taps"), [("auto", 9), ("auto", 200), ("direct", 9), ("fft", 9), ("overlap", 9), ("matrix", 9)]
)
def test_what_is_not_finite_is_where_single_operations_have_it_and_warned_of(method, taps, monkeypatch):
    def answers():
        found = []
        for value, which in ((0, 0), (np.nan, 0), (np.inf, 0), (np.nan, 1), (0, 0)):
            pair = [a.copy(), b.copy()]
            pair[which][7] = value
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                y = konvolve.convolve(*map(tf.constant, pair), method=method)
            found.append((y.numpy(), [(str(each.message), each.filename) for each in caught]))
        return found

    a, b = rng.standard_normal(3000), rng.standard_normal(taps)
    assert konvolve.plan((3000,), (200,), dtype="float64").spreads  # what a transform would take everywhere
    by_graphs = answers()
    assert programs._graphs
    monkeypatch.setattr(programs, "_LONG", np.inf)
    for (y, warned), (expected, expected_warnings) in zip(by_graphs, answers(), strict=True):
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)
        assert warned == expected_warnings


def test_a_constant_beyond_the_edges_that_is_not_finite():
    a, b = tensors(300, 5)
    y = konvolve.convolve(a, b, "same", boundary=np.nan)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(y)), [0, 1, 298, 299])


def test_a_kernel_prepared():
    a, b = tensors((40, 50), (9, 9))
    kernel = konvolve.Kernel(b)
    found = [konvolve.convolve(a, kernel, method="fft") for _ in range(2)]
    assert all(parts == 3 for _, parts in programs._graphs)
    for y in found:
        np.testing.assert_allclose(y, konvolve.convolve(a.numpy(), b.numpy()), rtol=0, atol=1e-11)


def test_where_a_derivative_may_be_taken_there_is_no_graph():
    a, b = tensors(50, 4)
    with tf.GradientTape() as tape:
        tape.watch(b)
        y = konvolve.convolve(a, b, method="fft")
    np.testing.assert_allclose(tape.gradient(y, b), np.full(4, a.numpy().sum()), atol=1e-11)
    with tf.autodiff.ForwardAccumulator(a, tf.ones(50, tf.float64)) as accumulator:
        y = konvolve.convolve(a, b, method="fft")
    np.testing.assert_allclose(accumulator.jvp(y), np.convolve(np.ones(50), b), atol=1e-11)
    konvolve.convolve(a, b, method="fft", max_memory=1e9)  # whose peak was predicted for single operations
    assert not programs._graphs


def test_a_graph_is_made_when_a_plan_has_taken_as_long_as_that_takes(monkeypatch):
    monkeypatch.setattr(programs, "_TRACED_AFTER", 0.05)
    a, b = tensors((300, 300), (20, 20))
    seconds = konvolve.plan((300, 300), (20, 20), dtype="float64", method="fft").seconds
    calls = int(0.05 / seconds)
    for _ in range(calls):
        konvolve.convolve(a, b, method="fft")
    assert not programs._graphs
    for _ in range(2):
        konvolve.convolve(a, b, method="fft")
    assert programs._graphs


def test_no_more_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(programs, "_MOST", 3)
    (b,) = tensors(4)
    for n in range(20, 28):
        (a,) = tensors(n)
        for _ in range(2):
            np.testing.assert_allclose(konvolve.fftconvolve(a, b), np.convolve(a, b), rtol=0, atol=1e-12)
        assert len(programs._graphs) <= 3
