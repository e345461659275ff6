"""SciPy's own tests of its linear image filters, from the installed wheel, with konvolve's in their place."""

from __future__ import annotations

from collections import Counter

import pytest
import suite_process

SELECTED = "gaussian or uniform or correlate or convolve or sobel or prewitt or laplace or gradient or filter"
ALL_TESTS, BY_FILTER = 1800, 15
"""How many of SciPy's tests call one of the filters at least (SciPy 1.17: 1827), and how many filters there are."""


def run(folder, library, *options):
    selection = ("-k", SELECTED, "--pyargs", "scipy.ndimage.tests.test_filters")
    return suite_process.run(folder, "ndimage_suite.plugin", library, *options, *selection)


@pytest.mark.parametrize(("library", "one_in"), suite_process.libraries("numpy", "tensorflow"))
def test_konvolves_filters_pass_scipys_tests(library, one_in, tmp_path):
    report = run(tmp_path, library, f"--one-in={one_in}")
    suite_process.assert_as_expected(report, 0.8 * ALL_TESTS / one_in)
    assert one_in > 1 or len(Counter(name for test in report.values() for name in test["calls"])) == BY_FILTER


def test_a_wrong_filter_fails(tmp_path):
    # The others look at errors, or at one answer against another of the same filter.
    assert suite_process.failing(run(tmp_path, "numpy", "--fault", "--one-in=5")) > 0.7
