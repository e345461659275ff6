"""SciPy's tests that konvolve does not pass, by library: the test, and why.

A test listed here that passes is an error too. `Class::test` stands for all parameters of a test.
"""

from __future__ import annotations

_NO_LONGDOUBLE = {
    "test_convolve_longdtype_input": "the library has no longdouble and no clongdouble",
}
_NO_LOOKING = {
    "TestFFTConvolve::test_fft_nan": "no warning of NaN: a look at values would wait for the device or end a trace",
}

KNOWN: dict[str, dict[str, str]] = {
    "numpy": {},
    "tensorflow": {**_NO_LONGDOUBLE},
    "jax": {
        **_NO_LONGDOUBLE,
        **_NO_LOOKING,
        "TestConvolve::test_convolve_method_large_input": "squares of 2**20 and more, without int64",
    },
    "jax-x64": {**_NO_LONGDOUBLE, **_NO_LOOKING},
    "torch": {**_NO_LONGDOUBLE, **_NO_LOOKING},
}


#: Tests that a quick run leaves out, and of how many parameters of one test it takes one: for a library that
#: compiles a program for each new shape and dtype.
LONG: dict[str, str] = {
    "TestConvolve::test_convolve_method": "twelve hundred pairs of dtypes, modes and methods in one test",
}
MANY, ONE_IN = 50, 24


#: Tests that are not even tried: they would take the machine down rather than fail.
TOO_LARGE: dict[str, str] = {
    # It passes on TensorFlow where there are 18 GB.
    "TestConvolve2d::test_large_array": "a view of 2 GB, which is no copy in NumPy alone",
}


def too_large(library: str, test_id: str) -> str | None:
    """Say why a test is left out on a library, or None."""
    return None if library == "numpy" else TOO_LARGE.get(test_id.partition("[")[0])


def reason_for(library: str, test_id: str) -> str | None:
    """Say why a test is known to fail on a library, or None."""
    listed = KNOWN[library]
    return listed.get(test_id) or listed.get(test_id.partition("[")[0])
