"""The draws find the faults that konvolve once had: with a mend taken out, one of the questions always drawn fails."""

import dataclasses

import pytest

import checking
from konvolve.execution import plans, weight
from konvolve.execution.coefficient import question, sums
from konvolve.methods import finite
from konvolve.methods.signal import matrix
from konvolve.planning.geometry import Window
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.signal import planner, problem
from libraries import LIBRARIES
from test_draws import CHANNELS, FAMILY

pytestmark = pytest.mark.filterwarnings("ignore")  # what is wrong may warn, too


@pytest.fixture(autouse=True)
def planned_anew():
    """Plan with the mend taken out, and afterwards with all mends again."""
    plans.forget()
    yield
    plans.forget()


def lags_where_in2_has_one_sample(monkeypatch):
    """By "matrix" they were ignored."""
    cut_out = matrix._cut_out

    def faulty(xp, way, sizes, a, band):
        along = way.place
        windows = [w if i == along else Window(0, w.size) for i, w in enumerate(sizes.windows)]
        return cut_out(xp, way, sizes._replace(windows=tuple(windows)), a, band)

    monkeypatch.setattr(matrix, "_cut_out", faulty)


def fills_in_the_size_of_digits(monkeypatch):
    """A large constant beyond the edges did not count among the integers whose sums have to be exact."""
    monkeypatch.setattr(planner, "_with_fills", lambda problem, bits: bits)


def corners_of_two_boundaries(monkeypatch):
    """An axis where in1 has one sample was left to broadcasting, though a constant lies beyond its zeros."""
    monkeypatch.setattr(problem, "_cornered", lambda edges: set())


def rows_of_a_broadcast_batch(monkeypatch):
    """With axes and "same" the result was cut to in1's rows."""
    convolution = problem._convolution

    def faulty(*arguments, **options):
        found = convolution(*arguments, **options)
        return dataclasses.replace(found, cropped=found.batch if found.mode == "same" else ())

    monkeypatch.setattr(problem, "_convolution", faulty)


def what_is_not_finite(monkeypatch):
    """A transform spread a NaN over everything, earlier outputs of a causal convolution included."""

    def faulty(xp, linear, a, b, prepared=None):
        return linear(a, b) if prepared is None else prepared(a)

    monkeypatch.setattr(finite, "convolve", faulty)


def zeros_between_taps(monkeypatch):
    """Strides and dilations lay zeros between the taps, which met a NaN."""
    monkeypatch.setattr(ChannelPlan, "between_taps", False)


def autocast(monkeypatch):
    """Under autocast products of matrices had three digits, and transforms seven."""
    from konvolve.backends import torch

    monkeypatch.setattr(torch, "_autocast", lambda device: False)


def recorded_values(monkeypatch):
    """What was recorded with one kernel was a plan for its values."""
    from konvolve.backends import torch

    monkeypatch.setattr(torch, "recorded", lambda x: False)


def constants_of_a_graph(monkeypatch):
    """The values of a constant were looked at in a graph, and it had no derivative."""
    import tensorflow as tf

    from konvolve.backends import tensorflow

    monkeypatch.setattr(tensorflow, "values", lambda x: tf.get_static_value(x))


def scale_of_both_signals(monkeypatch):
    """The product of two energies left the range of the dtype."""
    monkeypatch.setattr(question, "_scale", lambda xp, asked, parts: (1.0, 1.0))


def samples_that_count(monkeypatch):
    """A sample that is not finite was zero in the coefficient."""
    monkeypatch.setattr(sums.Sums, "meets_not_finite", lambda self, like: like * 0)


def weights_that_changed(monkeypatch):
    """A spectrum was kept for a weight that had changed."""
    monkeypatch.setattr(weight.np, "array_equal", lambda one, two: one.shape == two.shape)


FAULTS = [
    (lags_where_in2_has_one_sample, "numpy", "eager"),
    (fills_in_the_size_of_digits, "numpy", "eager"),
    (corners_of_two_boundaries, "numpy", "eager"),
    (rows_of_a_broadcast_batch, "numpy", "eager"),
    (what_is_not_finite, "numpy", "eager"),
    (what_is_not_finite, "torch", "eager"),
    (autocast, "torch", "autocast"),
    (recorded_values, "torch", "recorded"),
    (constants_of_a_graph, "tensorflow", "constants"),
    (scale_of_both_signals, "numpy", "eager"),
    (samples_that_count, "numpy", "eager"),
]
ON_CHANNELS = [
    (what_is_not_finite, "numpy", "eager"),
    (what_is_not_finite, "torch", "eager"),
    (zeros_between_taps, "numpy", "eager"),
    (autocast, "torch", "autocast"),
    (weights_that_changed, "numpy", "eager"),
    (weights_that_changed, "torch", "eager"),
]


def first_found(table, check, library, way):
    """Return the number of the first question that is answered wrongly; None if all that are always drawn are right."""
    often = next(count for name, each, count, _ in table if (name, each) == (library, way))
    return next((number for number in range(often) if not is_right(check, library, way, number)), None)


def is_right(check, library, way, number):
    return check(LIBRARIES[library], way, 0, number)[1] in (None, "refused")


def found_by(monkeypatch, fault, table, check, library, way):
    """Whether the draws find a fault, and find nothing where they found it once the mend is back."""
    with monkeypatch.context() as without_the_mend:
        fault(without_the_mend)
        number = first_found(table, check, library, way)
    plans.forget()
    return number is not None and is_right(check, library, way, number)


@pytest.mark.one_in(2)
@pytest.mark.parametrize(("fault", "library", "way"), FAULTS)
def test_the_draws_find(monkeypatch, fault, library, way):
    assert found_by(monkeypatch, fault, FAMILY, checking.family, library, way)


@pytest.mark.parametrize(("fault", "library", "way"), ON_CHANNELS)
def test_the_draws_on_channels_find(monkeypatch, fault, library, way):
    assert found_by(monkeypatch, fault, CHANNELS, checking.on_channels, library, way)
