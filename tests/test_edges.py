"""Beyond SciPy: values beyond the ends in any number of dimensions, and windows of lags."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import konvolve
import oracle
from libraries import LIBRARIES

PAD = {"zero": "constant", "wrap": "wrap", "symmetric": "symmetric", "reflect": "reflect", "nearest": "edge"}


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


def padded(a, b, axes, boundary):
    """Return a with one kernel less a sample before and behind each axis, by numpy.pad, the lowest axis first."""
    for axis, kind in sorted(zip(axes, boundary, strict=True), key=lambda pair: pair[0]):
        widths = [(0, 0)] * a.ndim
        widths[axis] = (b.shape[axis] - 1,) * 2
        if isinstance(kind, str):
            a = np.pad(a, widths, PAD[kind])
        else:
            a = np.pad(a, widths, constant_values=kind)
    return a


def expected(a, b, mode, axes, boundary):
    y = oracle.convolve(padded(a, b, axes, boundary), b, "valid", axes)
    if mode == "same":
        for axis in axes:
            start = (b.shape[axis] - 1) // 2
            y = np.take(y, range(start, start + a.shape[axis]), axis)
    return y


@st.composite
def questions(draw):
    ndim = draw(st.integers(1, 3))
    axes = draw(st.permutations(range(ndim)))[: draw(st.integers(1, ndim))]
    shape1 = [draw(st.integers(1, 6)) for _ in range(ndim)]
    shape2 = [draw(st.integers(1, 9)) if axis in axes else 1 for axis in range(ndim)]
    kinds = st.one_of(st.sampled_from(list(PAD)), st.integers(-3, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    a, b = rng.integers(-9, 9, shape1), rng.integers(-9, 9, shape2)
    if draw(st.booleans()):
        a, b = a.astype(float), b.astype(float)
    return a, b, draw(st.sampled_from(["full", "same"])), list(axes), [draw(kinds) for _ in axes]


def check(library, method, question):
    a, b, mode, axes, boundary = question
    options = {"axes": axes, "boundary": boundary}
    result = library.numpy(konvolve.convolve(library.array(a), library.array(b), mode, method, **options))
    wide = padded(a, b, axes, boundary)
    oracle.assert_close(result, expected(a, b, mode, axes, boundary), wide, b, a.dtype.name)
    flipped = np.flip(b, axes).copy()
    turned = library.numpy(konvolve.correlate(library.array(a), library.array(flipped), mode, method, **options))
    oracle.assert_close(turned, expected(a, b, mode, axes, boundary), wide, b, a.dtype.name)


@pytest.mark.parametrize("method", ["auto", "fft", "direct"])
def test_boundaries_are_numpy_pads(library, method):
    run = settings(max_examples=8 if library.name == "jax" else 50)
    run(given(questions())(lambda question: check(library, method, question)))()


def test_one_boundary_serves_all_axes():
    a, b = np.arange(12.0).reshape(3, 4), np.ones((2, 3))
    np.testing.assert_allclose(
        konvolve.convolve(a, b, "same", boundary="wrap"), konvolve.convolve2d(a, b, "same", "wrap"), atol=1e-12
    )
    np.testing.assert_array_equal(konvolve.convolve(a, b, "valid", boundary="wrap"), konvolve.convolve(a, b, "valid"))


def test_boundary_under_unknown_sizes():
    import tensorflow as tf

    a, b = np.arange(20.0).reshape(4, 5), np.arange(6.0).reshape(2, 3)
    for boundary in ("wrap", "reflect", "nearest", ["symmetric", 2.0], ["zero", "wrap"]):
        compiled = tf.function(
            lambda x, k, boundary=boundary: konvolve.convolve(x, k, "same", boundary=boundary),
            input_signature=[tf.TensorSpec((None, None), tf.float64)] * 2,
        )
        found = konvolve.convolve(a, b, "same", boundary=boundary)
        np.testing.assert_allclose(compiled(a, b), found, atol=1e-11)


@pytest.mark.parametrize("method", ["auto", "fft", "direct", "overlap"])
@given(
    sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    lags=st.tuples(st.integers(-80, 80), st.integers(0, 30)),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_a_window_of_lags_is_that_part_of_all_lags(method, sizes, lags, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(sizes[0]), rng.standard_normal(sizes[1])
    low, high = lags[0], lags[0] + lags[1]
    found = konvolve.correlate(a, b, method=method, lags=(low, high))
    all_lags, everything = konvolve.correlation_lags(*sizes), oracle.correlate(a, b)
    wanted = np.array([everything[all_lags == lag].sum() for lag in range(low, high + 1)])
    oracle.assert_close(found, wanted, a, b, "float64")


def test_lags_per_axis_on_every_library(library):
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 9, 8)), rng.standard_normal((2, 4, 5))
    everything = oracle.correlate(a, b, axes=(1, 2))
    found = konvolve.correlate(library.array(a), library.array(b), axes=(2, 1), lags=[(-1, 2), (0, 3)])
    oracle.assert_close(library.numpy(found), everything[:, 3:7, 3:7], a, b, "float64")


def test_a_few_lags_of_long_signals_cost_a_few_sums():
    plan = konvolve.plan((10**6,), (10**6,), function="correlate", lags=(-20, 20))
    assert plan.method == "direct"
    assert plan.output_shape == (41,)


def test_what_is_not_finite_beyond_the_edges_stays_there(library):
    """A transform would spread it over everything; a pixel that is not finite is worth a warning."""
    rng = np.random.default_rng(1)
    image, kernel = rng.standard_normal((256, 256)), np.ones((31, 31))
    found = library.numpy(konvolve.convolve2d(library.array(image), library.array(kernel), "same", fillvalue=np.nan))
    assert np.isfinite(found[15:-15, 15:-15]).all()
    assert np.isnan(found[:15]).all()
    image[3, 3] = np.nan
    if library.name in ("numpy", "tensorflow"):  # the others do not look: it would wait for the device
        with pytest.warns(RuntimeWarning, match="direct"):
            konvolve.convolve2d(library.array(image), library.array(kernel), "same")
    kept = library.numpy(konvolve.convolve2d(library.array(image), library.array(kernel), "same", method="direct"))
    assert np.isfinite(kept).mean() > 0.9


def test_a_periodic_axis_is_not_padded():
    plan = konvolve.plan((1000, 1000), (31, 31), mode="same", boundary="wrap", method="fft")
    assert plan.lengths == (1000, 1000)
    mixed = konvolve.plan((1000, 1000), (31, 31), mode="same", boundary=["wrap", "reflect"], method="fft")
    assert mixed.lengths[0] == 1000 < mixed.lengths[1]
    # A prime length has no fast transform: extending the signal is cheaper.
    assert konvolve.plan((1021,), (31,), mode="same", boundary="wrap", method="fft").lengths[0] > 1021


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_chunks_give_the_same(library, mode):
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((41, 90)), rng.standard_normal((1, 60))
    profile = {"jax": "jax", "numpy": "numpy"}.get(library.name, library.name)
    free = konvolve.plan(a.shape, b.shape, mode=mode, axes=1, method="fft", dtype="float64", library=profile)
    options = {"axes": 1, "method": "fft", "max_memory": free.bytes * 4 // 5}
    assert konvolve.plan(a.shape, b.shape, mode=mode, dtype="float64", library=profile, **options).rows is not None
    result = library.numpy(konvolve.convolve(library.array(a), library.array(b), mode, **options))
    oracle.assert_close(result, oracle.convolve(a, b, mode, (1,)), a, b, "float64")
