"""Which of SciPy's tests asks about which function.

Only the function a test is about is replaced. Whatever else the test calls stays SciPy's, so that SciPy is
the judge: `TestOAConvolve` compares with `fftconvolve`, `TestFFTConvolve` with `convolve2d`, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: The functions under test, and the parameters of each that hold arrays, in their order.
ARRAYS: dict[str, tuple[str, ...]] = {
    "fftconvolve": ("in1", "in2"),
    "oaconvolve": ("in1", "in2"),
    "convolve": ("in1", "in2"),
    "correlate": ("in1", "in2"),
    "convolve2d": ("in1", "in2"),
    "correlate2d": ("in1", "in2"),
    "sepfir2d": ("input", "hrow", "hcol"),
    "choose_conv_method": ("in1", "in2"),
    "correlation_lags": (),
}

#: The functions that do not answer with an array of the library they were given.
NO_ARRAY_BACK = frozenset({"choose_conv_method", "correlation_lags"})

_BY_PLACE: dict[str, tuple[str, ...]] = {
    "TestConvolve": ("convolve",),
    "TestConvolve2d": ("convolve2d",),
    "TestConvolve2d::test_same_with_boundary": ("convolve2d", "correlate2d"),
    "TestFFTConvolve": ("fftconvolve",),
    # It stands among fftconvolve's tests, but calls convolve(method="fft").
    "TestFFTConvolve::test_fft_nan": ("convolve",),
    "TestOAConvolve": ("oaconvolve",),
    "TestAllFreqConvolves": ("fftconvolve", "oaconvolve"),
    "test_convolve_longdtype_input": ("fftconvolve",),
    "TestCorrelateReal": ("correlate",),
    "TestCorrelate": ("correlate",),
    "TestCorrelateComplex": ("correlate",),
    "TestCorrelate2d": ("correlate2d",),
    "TestCorrelate2d::test_consistency_correlate_funcs": ("correlate",),
    "test_correlation_lags": ("correlation_lags",),
    "test_correlation_lags_invalid_mode": ("correlation_lags",),
    "test_choose_conv_method": ("choose_conv_method",),
    "test_choose_conv_method_2": ("choose_conv_method",),
    "TestSepfir2d": ("sepfir2d",),
    # SciPy before 1.15:
    "test_sepfir2d_invalid_filter": ("sepfir2d",),
    "test_sepfir2d_invalid_image": ("sepfir2d",),
}


def wanted(name: str) -> bool:
    """Say whether a class or function at the top of a test module is about one of the functions."""
    return name in _BY_PLACE


def subjects_of(test_id: str) -> tuple[str, ...]:
    """Name the functions a test is about, from `Class::test[parameters]` or `test[parameters]`."""
    place = test_id.partition("[")[0]
    return _BY_PLACE.get(place) or _BY_PLACE[place.partition("::")[0]]


def asks_the_oracle(test_id: str, arrays: Sequence[Any]) -> bool:
    """Say whether a call of the function under test is the one that makes the expected value.

    `TestCorrelateComplex` builds the complex correlation it expects from four real ones, with the same
    function. Those four are left to SciPy, or an error common to both would cancel.
    """
    if not test_id.startswith("TestCorrelateComplex::"):
        return False
    return all(isinstance(x, np.ndarray | np.generic) and not np.iscomplexobj(x) for x in arrays)
