"""``konvolve.compat.astropy``: what astropy's open bugs are about, done right, on every library."""

import numpy as np
import pytest

import konvolve
from konvolve.compat.astropy import convolve, convolve_fft
from libraries import LIBRARIES

every = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


@pytest.mark.filterwarnings("ignore:some samples of the result are NaN")  # of what is left the sum is zero in one place
@every
def test_a_kernel_with_negative_samples_fills_holes(library):
    """astropy#20403: ``convolve_fft`` had 0 where what is left of such a kernel has a negative sum."""
    image = np.arange(49.0).reshape(7, 7)
    image[3, 3] = np.nan
    kernel = np.array([[1, -2, 1], [-2, 5, -2], [1, -2, 2.0]])
    near = image[2:5, 2:5][::-1, ::-1]
    there = np.isfinite(near)
    wanted = (kernel[there] * near[there]).sum() / kernel[there].sum()
    for function in (convolve, convolve_fft):
        found = library.numpy(function(library.array(image), library.array(kernel), boundary="wrap"))
        np.testing.assert_allclose(found[3, 3], wanted, rtol=1e-12)
    np.testing.assert_allclose(wanted, 26.666666666666668)


@every
@pytest.mark.parametrize("function", [convolve, convolve_fft])
def test_nan_beyond_the_edges_is_left_out_with_and_without_holes(library, function):
    """astropy#16497: ``convolve`` had a frame of NaN where the image itself had none."""
    image = np.ones((10, 10))
    kernel = np.outer([1.0, 4, 6, 4, 1], [1.0, 4, 6, 4, 1])
    for hole in (False, True):
        image[5, 5] = np.nan if hole else 1.0
        found = function(library.array(image), library.array(kernel), fill_value=np.nan, preserve_nan=True)
        wanted = np.where(np.isnan(image), np.nan, 1.0)
        np.testing.assert_allclose(library.numpy(found), wanted, rtol=1e-12)


@every
@pytest.mark.parametrize("function", [convolve, convolve_fft])
def test_without_holes_it_does_not_matter_how_they_are_treated(library, function):
    """astropy#8114: a function that normalizes was left out with ``nan_treatment="fill"``."""
    array, kernel = library.array(np.array([1.0, 2, 3])), library.array(np.array([3.0, 3, 3]))
    for treatment in ("fill", "interpolate"):
        found = function(array, kernel, normalize_kernel=lambda k: 3.0, nan_treatment=treatment)
        np.testing.assert_allclose(library.numpy(found), [3, 6, 5], rtol=1e-12)


@every
def test_a_kernel_whose_sum_is_zero_is_told_what_to_do_or_answered(library):
    """astropy#9413: the error did not say that holes are left out by dividing by the kernel's sum."""
    array = library.array(np.array([2.0, np.nan, 2.0, 2.0, 2.0]))
    kernel = library.array(np.array([-1.0, 2.0, -1.0]))
    with pytest.raises(ValueError, match=r"whose sum is nearly 0.*nan='omit'"):
        convolve(array, kernel, normalize_kernel=False)
    found = library.numpy(konvolve.convolve(array, kernel, "same", nan="omit", boundary="nearest"))
    np.testing.assert_allclose(found, np.zeros(5), atol=1e-12)


def test_a_mask_and_a_masked_array_are_holes():
    x = np.arange(5.0)
    mask = np.array([0, 1, 0, 0, 1])
    wanted = convolve(np.where(mask, np.nan, x), [1, 2, 1])
    np.testing.assert_array_equal(convolve(x, [1, 2, 1], mask=mask), wanted)
    np.testing.assert_array_equal(convolve(np.ma.array(x, mask=mask), [1, 2, 1]), wanted)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"crop": False}, NotImplementedError, "crop=False"),
        ({"return_fft": True}, NotImplementedError, "return_fft"),
        ({"boundary": "extend"}, NotImplementedError, "'extend'"),
        ({"boundary": "mirror"}, ValueError, "boundary must be .*'mirror'"),
        ({"nan_treatment": "omit"}, ValueError, "nan_treatment must be .*'omit'"),
        ({"boundary": "wrap", "psf_pad": True}, ValueError, "psf_pad"),
    ],
)
def test_what_it_cannot_do_is_an_error(options, error, text):
    with pytest.raises(error, match=text):
        convolve_fft(np.ones(5), np.ones(3), **options)
