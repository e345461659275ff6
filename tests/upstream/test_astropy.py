"""astropy's own tests of convolve and convolve_fft, from the installed wheel, with konvolve.compat's in their place."""

from __future__ import annotations

import importlib.util

import pytest
import suite_process

MODULES = ("astropy.convolution.tests.test_convolve", "astropy.convolution.tests.test_convolve_fft")
ALL_TESTS = 1150
"""How many of astropy's tests call one of the two at least (astropy 8.0)."""

pytestmark = pytest.mark.skipif(importlib.util.find_spec("astropy") is None, reason="astropy is not installed")


def run(folder, library, *options):
    return suite_process.run(folder, "astropy_suite.plugin", library, *options, "--pyargs", *MODULES)


@pytest.mark.parametrize(("library", "one_in"), suite_process.libraries("numpy", "torch"))
def test_konvolve_passes_astropys_tests(library, one_in, tmp_path):
    report = run(tmp_path, library, f"--one-in={one_in}")
    suite_process.assert_as_expected(report, 0.8 * ALL_TESTS / one_in)


def test_a_wrong_function_fails(tmp_path):
    # The others ask about dtypes, errors, and whether the input is left alone.
    assert suite_process.failing(run(tmp_path, "numpy", "--fault", "--one-in=10")) > 0.4
