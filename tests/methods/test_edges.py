"""Beyond SciPy: values beyond the ends in any number of dimensions, and windows of lags."""

import numpy as np
import pytest

import konvolve
import oracle
from libraries import LIBRARIES

KINDS = ("zero", "wrap", "symmetric", "reflect", "nearest")


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


def expected(a, b, mode, axes, boundary):
    return oracle.family(a, b, mode=mode, axes=axes, boundary=boundary)[0]


@pytest.mark.parametrize("kind", [*KINDS, -7])
def test_the_sum_itself_is_extended_as_numpy_pad_does(kind):
    pad = {"zero": "constant", "nearest": "edge"}
    options = {"mode": pad.get(kind, kind)} if isinstance(kind, str) else {"constant_values": kind}
    for n in range(1, 5):
        a = np.arange(1, 2 * n + 1).reshape(2, n)
        np.testing.assert_array_equal(oracle.reaching(a, 1, -11, n + 20, kind), np.pad(a, ((0, 0), (11, 9)), **options))


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
            konvolve.convolve2d(library.array(image), library.array(kernel), "same", method="fft")
    for method in ("auto", "direct"):
        kept = konvolve.convolve2d(library.array(image), library.array(kernel), "same", method=method)
        assert np.isnan(library.numpy(kept)).sum() == 19 * 19


def test_a_periodic_axis_is_not_padded():
    plan = konvolve.plan((1000, 1000), (31, 31), mode="same", boundary="wrap", method="fft")
    assert plan.lengths == (1000, 1000)
    mixed = konvolve.plan((1000, 1000), (31, 31), mode="same", boundary=["wrap", "reflect"], method="fft")
    assert mixed.lengths[0] == 1000 < mixed.lengths[1]
    # A long prime has no fast transform: extending the signal is cheaper.
    assert konvolve.plan((100_003,), (31,), mode="same", boundary="wrap", method="fft").lengths[0] > 100_003


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_chunks_give_the_same(library, mode):
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((41, 90)), rng.standard_normal((1, 60))
    profile = {"jax": "jax", "numpy": "numpy"}.get(library.name, library.name)
    free = konvolve.plan(a.shape, b.shape, mode=mode, axes=1, method="fft", dtype="float64", library=profile)
    options = {"axes": 1, "method": "fft", "max_memory": free.bytes * 4 // 5}
    assert konvolve.plan(a.shape, b.shape, mode=mode, dtype="float64", library=profile, **options).way.rows > 0
    result = library.numpy(konvolve.convolve(library.array(a), library.array(b), mode, **options))
    oracle.assert_close(result, oracle.convolve(a, b, mode, (1,)), a, b, "float64")


def window_of_lags(a, b, lags):
    """Return the lags of the last axes, both ends included, zeros where the two do not meet."""
    axes = tuple(range(a.ndim - len(lags), a.ndim))
    return oracle.family(a, b, correlating=True, axes=axes, lags=lags)[0]


@pytest.mark.parametrize("method", ["auto", "direct", "fft", "overlap", "matrix"])
@pytest.mark.parametrize("lags", [(-7, -7), (-40, -20), (9, 12), (9, 9), (60, 61), (-30, 30)])
def test_lags_at_which_the_two_do_not_meet_are_zero(library, method, lags):
    a, b = np.arange(1.0, 10), np.arange(1.0, 6)
    found = library.numpy(konvolve.correlate(library.array(a), library.array(b), lags=lags, method=method))
    oracle.assert_close(found, window_of_lags(a, b, [lags]), a, b, "float64")


@pytest.mark.one_in(2)
@pytest.mark.parametrize("method", ["auto", "direct", "fft", "overlap", "matrix", "separable"])
def test_lags_of_an_axis_where_one_has_a_single_sample(library, method):
    rng = np.random.default_rng(2)
    for shape1, shape2 in (((9, 70), (1, 8)), ((70, 9), (8, 1)), ((1, 70), (4, 8)), ((3, 9, 70), (1, 1, 8))):
        a, b = rng.standard_normal(shape1), rng.standard_normal((*shape2[:-2], 1, 1)) * np.ones(shape2)
        if method == "matrix" and library.name == "numpy" and shape1[0] == 1:
            continue  # NumPy has it along one axis
        for lags in ([(2, 5), (-3, 61)], [(-12, -11), (5, 9)], [(-3, 20), (-10, 80)]):
            options = {"axes": tuple(range(a.ndim - 2, a.ndim)), "lags": lags, "method": method}
            found = library.numpy(konvolve.correlate(library.array(a), library.array(b), **options))
            oracle.assert_close(found, window_of_lags(a, b, lags), a, b, "float64")


def test_disjoint_lags_have_gradients_of_zero():
    import torch

    a, b = torch.arange(9.0, requires_grad=True), torch.arange(5.0, requires_grad=True)
    konvolve.correlate(a, b, lags=(-9, -7)).sum().backward()
    assert not a.grad.any()
    assert not b.grad.any()


def test_lags_where_sizes_are_known_only_at_run_time():
    import tensorflow as tf

    a, b = np.arange(1.0, 10), np.arange(1.0, 6)
    for lags in ((-7, -7), (-3, 2), (9, 12), (-20, 20)):
        compiled = tf.function(
            lambda x, k, lags=lags: konvolve.correlate(x, k, lags=lags),
            input_signature=[tf.TensorSpec((None,), tf.float64)] * 2,
        )
        oracle.assert_close(compiled(a, b).numpy(), window_of_lags(a, b, [lags]), a, b, "float64")


@pytest.mark.one_in(8)
@pytest.mark.parametrize("method", ["auto", "direct", "fft", "overlap"])
@pytest.mark.parametrize(
    ("dtypes", "fill"),
    [
        (("int64", "int64"), 10**12),
        (("int8", "int64"), -(2**63)),
        (("uint64", "uint8"), 2**64 - 1),
        (("uint64", "uint64"), 2**63),
        (("uint8", "int32"), 2**31 - 1),
        (("int16", "int16"), -(2**15)),
    ],
)
def test_integers_are_exact_beyond_the_edges(library, method, dtypes, fill):
    """The constant beyond the edges may be far larger than the samples."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 900).astype(dtypes[0]), rng.integers(0, 100, 70).astype(dtypes[1])
    found = library.numpy(konvolve.convolve(library.array(a), library.array(b), method=method, boundary=fill))
    sums = expected(a, b, "full", (0,), fill)
    name = np.result_type(*dtypes).name
    assert found.dtype.name == name
    np.testing.assert_array_equal(found, oracle.wrapped(sums, name))
    image, kernel = a.reshape(30, 30), b.reshape(10, 7)
    found = konvolve.convolve2d(library.array(image), library.array(kernel), "same", fillvalue=fill, method=method)
    sums = expected(image, kernel, "same", (0, 1), fill)
    np.testing.assert_array_equal(library.numpy(found), oracle.wrapped(sums, name))


@pytest.mark.one_in(6)
@pytest.mark.parametrize("method", ["auto", "direct", "fft"])
@pytest.mark.parametrize("mode", ["full", "same"])
def test_corners_of_two_boundaries_where_there_is_one_sample(library, method, mode):
    """Axis by axis, the lowest first: the constant of a later axis lies beyond the zeros of an earlier one, too."""
    rng = np.random.default_rng(0)
    for shape1, shape2 in (((1, 6), (3, 3)), ((6, 1), (3, 3)), ((1, 1), (4, 3)), ((1, 6), (3, 1))):
        a, b = rng.integers(-9, 9, shape1), rng.integers(-9, 9, shape2)
        for boundary in (["zero", 4], [4, "zero"], ["zero", "wrap"], [3, 4], ["reflect", -2]):
            found = konvolve.convolve(library.array(a), library.array(b), mode, method, boundary=boundary)
            np.testing.assert_array_equal(library.numpy(found), expected(a, b, mode, (0, 1), boundary))


@pytest.mark.parametrize("method", ["auto", "direct", "fft", "overlap"])
def test_same_keeps_the_batch_of_axes_that_are_named(library, method):
    """The batch is broadcast; SciPy's ``fftconvolve`` cuts it to in1's size."""
    rng = np.random.default_rng(4)
    for shape1, shape2, axes in (((1, 40), (7, 10), 1), ((40, 1, 2), (10, 3, 1), 0), ((1, 1, 9), (4, 3, 1), -1)):
        a, b = rng.standard_normal(shape1), rng.standard_normal(shape2)
        wanted = oracle.family(a, b, mode="same", axes=(axes,))[0]
        found = library.numpy(konvolve.convolve(library.array(a), library.array(b), "same", method, axes=axes))
        oracle.assert_close(found, wanted, a, b, "float64")
        assert konvolve.plan(shape1, shape2, mode="same", axes=axes, method=method).output_shape == wanted.shape
        turned = konvolve.correlate(library.array(a), library.array(np.flip(b, axes).copy()), "same", method, axes=axes)
        oracle.assert_close(library.numpy(turned), wanted, a, b, "float64")
        cut = library.numpy(konvolve.fftconvolve(library.array(a), library.array(b), "same", axes=axes))
        assert cut.shape == shape1
