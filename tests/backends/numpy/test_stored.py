"""Transposed views: what is made of them is right, and lies in memory as they do."""

import itertools

import numpy as np
import pytest
import scipy.fft

import konvolve
from konvolve.backends import numpy as backend
from konvolve.backends.numpy import stored

rng = np.random.default_rng(9)
ORDERS = list(itertools.permutations(range(3)))


def view(order):
    """Return a transposed view of three axes that are 9, 10 and 12 samples long in memory."""
    return rng.standard_normal((9, 10, 12)).transpose(order)


@pytest.mark.parametrize("order", ORDERS)
def test_new_arrays_lie_as_the_old(order):
    x = view(order)
    for zeros in (False, True):
        y = stored.empty(x, x.shape, x.dtype, zeros=zeros)
        assert (y.shape, y.strides) == (x.shape, x.strides)


@pytest.mark.parametrize("order", ORDERS)
def test_transforms_gathers_and_windows_are_those_of_a_copy(order):
    x = view(order)
    spectrum = backend.rfftn(x, (16,))
    np.testing.assert_allclose(spectrum, scipy.fft.rfft(x.copy(), 16), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        backend.irfftn(spectrum, (16,)), np.pad(x, [(0, 0), (0, 0), (0, 16 - x.shape[2])]), atol=1e-12
    )
    plane = backend.rfftn(x, (14, 15))
    np.testing.assert_allclose(plane, scipy.fft.rfft2(x.copy(), (14, 15)), rtol=0, atol=1e-12)
    for axis in (0, 1, 2, -1):
        indices = np.array([3, 1, 1, 8])
        np.testing.assert_array_equal(backend.take(x, indices, axis), np.take(x.copy(), indices, axis))
    padded = backend.window(x, (-2, 1), (x.shape[1] + 3, 5))
    np.testing.assert_array_equal(padded, np.pad(x, [(0, 0), (2, 1), (0, 0)])[:, :, 1:6])


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (0, 2)])
def test_a_convolution_along_axes_before_the_last(axes):
    shape = [30, 24, 20]
    a = rng.standard_normal(shape)
    b = rng.standard_normal([5 if axis in axes else 1 for axis in range(3)])
    for method in ("fft", "overlap"):
        found = konvolve.convolve(a, b, "same", method, axes=axes, boundary="symmetric")
        expected = konvolve.convolve(a, b, "same", "direct", axes=axes, boundary="symmetric")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)
        assert found.flags.c_contiguous
