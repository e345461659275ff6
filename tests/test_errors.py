"""Bad input: SciPy's error types, texts that name what was given, and the order in which SciPy's rules win."""

import warnings

import numpy as np
import pytest
import scipy.signal

import konvolve
from libraries import LIBRARIES

ONE, TWO, IMAGE = np.ones(5), np.ones((3, 4)), np.ones((6, 5))

# function, arguments, words of the message: what is allowed and what was given
CASES = [
    ("fftconvolve", (ONE, TWO), {}, ["same dimensionality", "1 and 2"]),
    ("fftconvolve", (ONE, ONE), {"mode": "spam"}, ["'valid', 'same', or 'full'", "'spam'"]),
    ("fftconvolve", (ONE, ONE), {"mode": None}, ["'valid', 'same', or 'full'", "None"]),
    ("fftconvolve", (ONE, ONE), {"axes": 1}, ["exceeds", "axes=1"]),
    ("fftconvolve", (ONE, ONE), {"axes": []}, ["cannot be empty"]),
    ("fftconvolve", (TWO, TWO), {"axes": [0, -2]}, ["unique", "[0, -2]"]),
    ("fftconvolve", (TWO, TWO), {"axes": 1.5}, ["scalar or iterable of integers", "1.5"]),
    ("fftconvolve", (TWO, TWO), {"axes": "xy"}, ["scalar or iterable of integers", "xy"]),
    ("fftconvolve", (TWO, IMAGE), {"axes": 1}, ["incompatible shapes", "(3, 4) and (6, 5)"]),
    ("fftconvolve", (np.ones((2, 9)), TWO), {"mode": "valid"}, ["at least as large", "(2, 9)", "(3, 4)"]),
    ("oaconvolve", (TWO, IMAGE), {"axes": 1}, ["incompatible shapes"]),
    ("oaconvolve", (ONE, ONE), {"mode": 1}, ["'valid', 'same', or 'full'"]),
    ("convolve", (ONE, TWO), {}, ["volume and kernel", "same dimensionality"]),
    ("convolve", (ONE, ONE), {"mode": "spam"}, ["'valid', 'same', or 'full'", "'spam'"]),
    ("convolve", (ONE, ONE), {"method": "fast"}, ["'auto', 'direct', 'fft'", "'fast'"]),
    ("convolve", (np.ones((1, 10)), TWO), {"mode": "valid"}, ["at least as large"]),
    ("convolve", (ONE, np.ones(0)), {}, ["cannot be empty", "(0,)"]),
    ("correlate", (ONE, TWO), {}, ["same dimensionality"]),
    ("correlate", (ONE, ONE), {"mode": "spam"}, ["'valid', 'same', or 'full'"]),
    ("correlate", (np.ones(0), ONE), {"method": "fft"}, ["cannot be empty"]),
    ("convolve2d", (ONE, ONE), {}, ["2-D arrays", "(5,)"]),
    ("convolve2d", (TWO, TWO), {"boundary": "mirror"}, ["'circular' (or 'wrap')", "'mirror'"]),
    ("convolve2d", (TWO, TWO), {"fillvalue": 1j}, ["`fillvalue`", "1j", "float64"]),
    ("convolve2d", (TWO, TWO), {"fillvalue": [1, 2]}, ["scalar or an array with one element"]),
    ("convolve2d", (TWO, TWO), {"fillvalue": []}, ["empty array"]),
    ("convolve2d", (TWO.astype("u1"), TWO.astype("u1")), {"fillvalue": 300}, ["`fillvalue`", "300", "uint8"]),
    ("convolve2d", (TWO > 0, TWO > 0), {}, ["not available for this type"]),
    ("correlate2d", (np.ones((2, 9)), TWO), {"mode": "valid"}, ["at least as large"]),
    ("correlate2d", (ONE, TWO), {}, ["correlate2d", "2-D arrays"]),
    ("sepfir2d", (IMAGE, np.ones(4), np.ones(3)), {}, ["odd length", "4 and 3"]),
    ("sepfir2d", (ONE, np.ones(3), np.ones(3)), {}, ["object of too small depth"]),
    ("sepfir2d", (np.ones((2, 2, 2)), np.ones(3), np.ones(3)), {}, ["object too deep"]),
    ("choose_conv_method", (ONE, ONE), {"mode": "spam"}, ["'valid', 'same', or 'full'"]),
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("function", "arrays", "options", "words"), CASES)
def test_bad_arguments_raise_what_scipy_raises(library, function, arrays, options, words):
    given = [LIBRARIES[library].array(x) for x in arrays]
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are checked below, one by one
        getattr(konvolve, function)(*given, **options)
    for word in words:
        assert word in str(caught.value)
    # Whatever SciPy raises is compared; on its way to raising it may warn of a cast.
    with warnings.catch_warnings(), pytest.raises(Exception) as scipys:  # noqa: PT011, PT012
        warnings.simplefilter("ignore")
        getattr(scipy.signal, function)(*arrays, **options)
    if 0 not in [x.size for x in arrays]:  # for empty input SciPy has three different types
        assert isinstance(scipys.value, ValueError)


BEYOND_SCIPY = [
    ("convolve", {"boundary": "mirror"}, ["boundary must be", "'reflect'", "'mirror'"]),
    ("convolve", {"boundary": ["wrap", "wrap"]}, ["one for each of the 1 axes"]),
    ("convolve", {"boundary": 1j}, ["`boundary`", "1j", "float64"]),
    ("convolve", {"axes": [0, 0]}, ["unique"]),
    ("correlate", {"lags": 3}, ["pair of integers", "3"]),
    ("correlate", {"lags": (2, 1)}, ["lowest, highest", "(2, 1)"]),
    ("correlate", {"lags": (0.5, 1)}, ["pair of integers"]),
    ("correlate", {"lags": (0, 1), "mode": "same"}, ["mode must be 'full'", "'same'"]),
    ("convolve", {"method": "overlap", "mode": "spam"}, ["'valid', 'same', or 'full'"]),
]


@pytest.mark.parametrize(("function", "options", "words"), BEYOND_SCIPY)
def test_bad_arguments_beyond_scipy(function, options, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are checked below, one by one
        getattr(konvolve, function)(ONE, ONE, **options)
    for word in words:
        assert word in str(caught.value)


def test_bad_lags():
    with pytest.raises(ValueError, match="spam"):
        konvolve.correlation_lags(3, 4, "spam")
    with pytest.raises(ValueError, match="at least 1"):
        konvolve.correlation_lags(0, 4)


@pytest.mark.parametrize("library", LIBRARIES)
def test_sepfir2d_limits(library):
    array = LIBRARIES[library].array
    with pytest.raises(ValueError, match="hrow must not be longer"):
        konvolve.sepfir2d(array(IMAGE), array(np.ones(7)), array(np.ones(3)))
    with pytest.raises(TypeError, match="complex hcol"):
        konvolve.sepfir2d(array(IMAGE), array(np.ones(3)), array(np.ones(3) * 1j))


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_scipy_accepts_before_it_looks(library):
    """The shortcuts come first: no axis, no sample, no mode is looked at."""
    array, back = LIBRARIES[library].array, LIBRARIES[library].numpy
    assert back(konvolve.fftconvolve(array(np.int64(3)), array(np.int64(4)), "spam", axes=0)) == 12
    empty = back(konvolve.fftconvolve(array(np.ones((0, 3), np.float32)), array(np.ones((2, 3))), "spam", axes=5))
    assert (empty.shape, empty.dtype) == ((0,), np.float64)
    # A single sample is broadcast, so "valid" does not mind that neither input dominates.
    assert konvolve.fftconvolve(array(np.ones((1, 10))), array(np.ones((3, 4))), "valid").shape == (3, 7)
    # Nothing is convolved, so integers stay integers, and wrap.
    product = back(konvolve.fftconvolve(array(np.full((1, 1), 100, np.int8)), array(np.full((1, 1), 100, np.int8))))
    assert (product.dtype, int(product[0, 0])) == (np.int8, 16)
    assert konvolve.convolve2d(array(np.ones((0, 3))), array(np.ones((2, 2)))).shape == (1, 4)


def test_axes_of_every_kind_scipy_takes():
    a, b = np.arange(12.0).reshape(3, 4), np.ones((3, 2))
    expected = konvolve.fftconvolve(a, b, axes=1)
    for axes in ([1], (-1,), range(1, 2), {1}, np.array([1]), np.int64(1), True, iter([1])):
        np.testing.assert_array_equal(konvolve.fftconvolve(a, b, axes=axes), expected)


def test_what_was_refused_is_refused_again():
    """Plans are kept by what the options say, so equal numbers of other types do not pass for them."""
    a, b = np.ones((3, 4)), np.ones((3, 2))
    for _ in range(2):
        with pytest.raises(ValueError, match="axes must be"):
            konvolve.fftconvolve(a, b, axes=1.0)
        konvolve.fftconvolve(a, b, axes=1)
    used = iter([1])
    konvolve.fftconvolve(a, b, axes=used)
    with pytest.raises(ValueError, match="cannot be empty"):
        konvolve.fftconvolve(a, b, axes=used)


def test_arrays_that_hold_no_numbers():
    import tensorflow as tf

    for words in (np.array(["a", "b"]), tf.constant(["a", "b"])):
        with pytest.raises((TypeError, ValueError), match=r"cannot be convolved|could not convert"):
            konvolve.convolve(words, [1.0, 2.0])
        with pytest.raises((TypeError, ValueError), match=r"cannot be convolved|could not convert"):
            konvolve.fftconvolve(words, [1.0, 2.0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape1": (-3,)}, "shape1 must be sizes"),
        ({"shape1": (3.5,)}, "shape1 must be sizes"),
        ({"dtype": "foo"}, "dtype must be a dtype"),
        ({"dtype": "float33"}, "dtype must be a dtype"),
        ({"shape1": (2**33,), "method": "fft"}, "no transform is long enough|only one"),
    ],
)
def test_plan_checks_what_it_is_given(options, words):
    with pytest.raises(ValueError, match=words):
        konvolve.plan(**{"shape1": (9,), "shape2": (3,)} | options)


def test_plan_takes_dtypes_and_long_signals():
    assert konvolve.plan(9, 3, dtype=np.float64, dtype2=np.dtype("int8")).problem.result == "float64"
    assert konvolve.plan((2**33,), (500,)).method == "overlap"


def test_half_precision_overflows_to_inf_in_silence():
    loud = np.full(300, 300, np.float16)
    assert np.isinf(konvolve.convolve(loud, loud, "valid", "direct")[0])
