"""The family against the direct sum and SciPy on every library; test_draws.py draws all its options at once."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import konvolve
import oracle
from libraries import LIBRARIES

FLOATS = ("float16", "float32", "float64", "complex64", "complex128")


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


def values(shape, dtype, seed):
    """Return random samples that use the dtype's whole kind: signs, imaginary parts, large integers."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if kind == "c" else x).astype(dtype)


def on_draws(library, strategy, check, examples):
    """Check on random draws; JAX compiles every operation for every shape, so it gets fewer of them."""
    examples = examples // 6 if library.name == "jax" else examples
    settings(max_examples=examples)(given(strategy)(check))()


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", [((3000,), (17,)), ((2, 2500), (2, 40)), ((220, 190), (9, 13)), ((1500, 3), (7, 1))])
def test_blocks_equal_the_sum(library, mode, shapes):
    for dtype in ("float32", "complex128"):
        a, b = (values(shape, dtype, seed) for seed, shape in enumerate(shapes))
        axes = tuple(axis for axis in range(a.ndim) if a.shape[axis] > 100)
        plan = konvolve.plan(*shapes, function="oaconvolve", mode=mode, axes=axes, dtype=dtype, library=library.name)
        assert plan.method == "overlap"
        assert any(plan.way.steps)
        result = library.numpy(konvolve.oaconvolve(library.array(a), library.array(b), mode, axes))
        oracle.assert_close(result, oracle.convolve(a, b, mode, axes), a, b, dtype)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("method", ["fft", "overlap", "direct"])
def test_integers_are_exact_where_floating_point_is_not(library, dtype, method):
    a, b = values((1500,), dtype, 1), values((80,), dtype, 2)
    result = library.numpy(konvolve.convolve(library.array(a), library.array(b), method=method))
    oracle.assert_close(result, oracle.convolve(a, b), a, b, dtype)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@pytest.mark.parametrize("function", ["convolve2d", "correlate2d"])
def test_planar_functions_equal_scipy(library, function, boundary):
    strategy = st.tuples(
        st.tuples(*[st.integers(1, 9)] * 4),
        st.sampled_from(["full", "same"]),
        st.sampled_from(["uint8", "int32", "float32", "float64", "complex64"]),
        st.integers(0, 2**32 - 1),
    )
    on_draws(library, strategy, lambda drawn: planar_equals_scipy(library, function, boundary, *drawn), 60)


def planar_equals_scipy(library, function, boundary, sizes, mode, dtype, seed):
    a, b = values(sizes[:2], dtype, seed), values(sizes[2:], dtype, seed + 1)
    result = getattr(konvolve, function)(library.array(a), library.array(b), mode, boundary, 3)
    expected = getattr(scipy.signal, function)(a, b, mode, boundary, 3)
    result = library.numpy(result)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    if result.dtype.kind in "iu":
        np.testing.assert_array_equal(result, expected)
    else:
        padded = np.full(a.size + 4 * b.size, max(3.0, np.abs(a).max()))  # what may lie beyond the edges
        assert np.abs(result - expected).max(initial=0) <= 4 * oracle.tolerance(padded, b, dtype)


def test_planar_valid_is_correlate_also_when_swapped(library):
    strategy = st.tuples(
        st.tuples(*[st.integers(1, 9)] * 4), st.integers(0, 2**32 - 1), st.sampled_from(["int32", "complex128"])
    )
    on_draws(library, strategy, lambda drawn: planar_valid_is_general(library, *drawn), 30)


def planar_valid_is_general(library, sizes, seed, dtype):
    small, large = np.minimum(sizes[:2], sizes[2:]), np.maximum(sizes[:2], sizes[2:])
    for one, two in ((small, large), (large, small)):
        a, b = values(one, dtype, seed), values(two, dtype, seed + 1)
        for name in ("convolve", "correlate"):
            result = getattr(konvolve, f"{name}2d")(library.array(a), library.array(b), "valid", "symm")
            oracle.assert_close(library.numpy(result), getattr(oracle, name)(a, b, "valid"), a, b, dtype)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("taps", [(3, 5), (1, 7), (9, 1)])
def test_sepfir2d_equals_scipy(library, dtype, taps):
    image = values((11, 12), dtype, 3)
    hrow, hcol = values(taps[:1], "float64", 4), values(taps[1:], "float64", 5)
    result = library.numpy(konvolve.sepfir2d(library.array(image), library.array(hrow), library.array(hcol)))
    # SciPy takes a float64 kernel for a single-precision image from a list, though not from an array.
    expected = scipy.signal.sepfir2d(image, hrow.tolist(), hcol.tolist())
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def test_sepfir2d_is_convolve2d_with_the_outer_product(library):
    image, hrow, hcol = values((9, 8), "float64", 1), values((5,), "float64", 2), values((3,), "float64", 3)
    result = library.numpy(konvolve.sepfir2d(library.array(image), hrow, hcol))
    expected = konvolve.convolve2d(image, np.outer(hcol, hrow), "same", "symm")
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-13)


@given(n1=st.integers(1, 12), n2=st.integers(1, 12), mode=st.sampled_from(["full", "same", "valid"]))
def test_correlation_lags_are_the_lags_correlate_has(n1, n2, mode):
    """A unit sample at p in in1 and one at q in in2 match at lag p - q."""
    lags = konvolve.correlation_lags(n1, n2, mode)
    for p in range(n1):
        a, b = np.zeros(n1), np.zeros(n2)
        a[p], b[q := (3 * p) % n2] = 1, 1
        np.testing.assert_array_equal(konvolve.correlate(a, b, mode, "direct") == 1, lags == p - q)


@given(
    shapes=st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.lists(st.integers(1, 300), min_size=n, max_size=n)] * 2)),
    mode=st.sampled_from(["full", "same", "valid"]),
    dtype=st.sampled_from(["float32", "bool", "complex128", "int64"]),
)
def test_choose_conv_method_is_scipys(shapes, mode, dtype):
    one, two = shapes if mode != "valid" else (np.maximum(*shapes), np.minimum(*shapes))
    a, b = np.broadcast_to(np.dtype(dtype).type(1), one), np.broadcast_to(np.dtype(dtype).type(1), two)
    assert konvolve.choose_conv_method(a, b, mode) == scipy.signal.choose_conv_method(a, b, mode)


def test_choose_conv_method_minds_large_integers_and_measures(library):
    small, large = np.ones(5000, np.int64), np.full(5000, 2**40)
    assert konvolve.choose_conv_method(library.array(small), library.array(small)) == "fft"
    assert konvolve.choose_conv_method(library.array(small), library.array(large)) == "direct"
    method, seconds = konvolve.choose_conv_method(library.array(small[:9]), library.array(small[:9]), measure=True)
    assert set(seconds) == {"fft", "direct"}
    assert method == min(seconds, key=seconds.get)


def test_choose_conv_method_of_every_dtype(library):
    for dtype in library.dtypes:
        one, two = library.array(values((9,), dtype, 1)), library.array(np.ones(3, np.int64))
        assert konvolve.choose_conv_method(one, two) == "direct"
    assert konvolve.choose_conv_method(np.array([1, None]), np.ones(2, int)) == "direct"


def test_a_kernel_before_its_signal_is_cut_all_the_same(library):
    plan = konvolve.plan((50,), (500_000,), function="oaconvolve", library=library.name)
    assert plan.method == "overlap"
    a, b = values((17,), "float64", 1), values((3000,), "float64", 2)
    for mode in ("full", "same", "valid"):
        result = library.numpy(konvolve.convolve(library.array(a), library.array(b), mode, "overlap"))
        oracle.assert_close(result, oracle.convolve(a, b, mode), a, b, "float64")


def test_half_precision_is_summed_in_single(library):
    """4096 ones add up to 4096; in half precision the sum would stop at 2048."""
    ones = np.ones(4096, np.float16)
    for method in ("direct", "fft"):
        result = library.numpy(konvolve.convolve(library.array(ones), library.array(ones), "valid", method))
        assert result.dtype == np.float16
        assert float(result[0]) == 4096
    assert library.numpy(konvolve.fftconvolve(library.array(ones), library.array(ones), "valid")).dtype == np.float32


def test_a_nan_spoils_its_blocks_only(library):
    a, b = values((20_000,), "float64", 1), values((20,), "float64", 2)
    a[5000] = np.nan
    finite = np.isfinite(library.numpy(konvolve.oaconvolve(library.array(a), library.array(b))))
    assert 0.5 < finite.mean() < 1


def test_numpy_results_are_fresh_and_contiguous():
    a = np.asfortranarray(values((9, 8), "float64", 1))
    for mode in ("full", "same", "valid"):
        for result in (
            konvolve.fftconvolve(a, a[:2, :2], mode, axes=0 if mode == "x" else None),
            konvolve.convolve(a, a[:2, :2], mode),
        ):
            assert result.flags.owndata
            assert result.flags.c_contiguous
            assert result.flags.writeable


def test_other_array_likes(library):
    """Lists, scalars and views of NumPy arrays go along with either library."""
    a = values((12,), "float32", 1)
    expected = konvolve.convolve(a, np.array([1.0, 2.0]))
    for kernel in (
        [1.0, 2.0],
        np.array([0.0, 1.0, 9.0, 2.0])[1::2],
        np.array([1.0, 2.0], ">f8"),
        np.ma.array([1.0, 2.0]),
    ):
        np.testing.assert_array_equal(library.numpy(konvolve.convolve(library.array(a), kernel)), expected)
    assert library.numpy(konvolve.fftconvolve(library.array(np.int64(3)), 4, "spam", axes=7)) == 12


@pytest.mark.parametrize("method", ["overlap", "fft", "direct"])
@pytest.mark.parametrize("widths", [(50, 3), (3, 50)])
def test_integers_of_different_widths_on_either_side(widths, method):
    rng = np.random.default_rng(7)
    a, b = (rng.integers(-(2**width), 2**width, n) for width, n in zip(widths, (9, 4000), strict=True))
    np.testing.assert_array_equal(konvolve.convolve(a, b, method=method), np.convolve(a, b))
    np.testing.assert_array_equal(konvolve.convolve(b, a, method=method), np.convolve(a, b))


def test_blocks_and_digits_fit_into_the_axes_that_libraries_cut(library):
    """A count of blocks stands along an axis of its own, and so do digits; TensorFlow cuts arrays of up to eight."""
    a, b = values((3, 3, 4, 4), "int32", 1), values((2, 1, 3, 1), "int32", 2)
    lags = [(3, 9), (0, 5), (4, 7), (7, 11)]
    found = library.numpy(konvolve.correlate(library.array(a), library.array(b), method="overlap", lags=lags))
    oracle.assert_close(found, oracle.family(a, b, correlating=True, lags=lags)[0], a, b, "int32")
    for dtype, most in (("int32", 1), ("float32", 2)):
        plan = konvolve.plan(
            (2, 2, 2, 90, 91, 92),
            (1, 1, 1, 3, 4, 2),
            axes=(3, 4, 5),
            method="overlap",
            dtype=dtype,
            library=library.name,
        )
        assert sum(step > 0 for step in plan.way.steps) == most
