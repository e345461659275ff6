"""Blocks of an axis are multiplied where they lie: the sum itself, for any layout in memory, and nothing is copied."""

import threading
import tracemalloc

import numpy as np
import pytest
import scipy.fft

from konvolve.backends.numpy import banded_product, products

rng = np.random.default_rng(12)


def expected(x, band, axis, start, size):
    """Sum up the products of each output, in double precision."""
    block, extent = band.shape
    x = np.moveaxis(x, axis, -1).astype(np.result_type(x, "float64"))
    y = np.zeros((*x.shape[:-1], size), x.dtype)
    for output in range(size):
        first = start + output // block * block
        inside = np.arange(max(first, 0), min(first + extent, x.shape[-1]))
        y[..., output] = x[..., inside] @ band[output % block, inside - first].astype(x.dtype)
    return np.moveaxis(y, -1, axis)


def layouts(shape, dtype):
    """Arrays of the same shape that lie in memory in different ways."""
    x = rng.standard_normal(shape).astype(dtype)
    yield x
    yield np.asfortranarray(x)
    yield x[(slice(None, None, -1),) * x.ndim]
    yield np.repeat(x, 2, -1)[..., ::2]
    yield np.repeat(x, 3, 0)[1::3]
    yield np.broadcast_to(x[:1], shape)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((700,), 0), ((3, 700), 1), ((60, 200), 1), ((200, 60), 0), ((90, 40, 3), 0), ((40, 90, 3), 1),
        ((2, 70, 20), 1), ((7, 5, 3, 11), 2), ((1, 5), 1), ((4, 1), 1),
    ],
)  # fmt: skip
def test_every_layout(shape, axis, dtype):
    for x in layouts(shape, dtype):
        for taps in (1, 6, 40):
            block = int(rng.integers(1, 40))
            band = rng.standard_normal((block, block + taps - 1)).astype(dtype)
            start, size = int(rng.integers(-taps, taps)), int(rng.integers(1, shape[axis] + 2 * taps))
            found = banded_product(x, band, axis, start, size)
            assert found.dtype == dtype
            right = expected(x, band, axis, start, size)
            assert found.shape == right.shape
            bound = 2 * band.shape[1] * np.finfo(dtype).eps * max(1, np.abs(x).max()) * np.abs(band).max()
            np.testing.assert_allclose(found, right, rtol=0, atol=bound)


def test_large_arrays_shared_out_among_cores(monkeypatch):
    monkeypatch.setattr(products, "_SMALL", 1)
    monkeypatch.setattr(products, "cores", lambda: 3)
    for shape, axis in (((400_000,), 0), ((600, 500), 1), ((500, 600), 0), ((120, 100, 3), 1), ((3, 200, 100), 1)):
        x = rng.standard_normal(shape)
        band = rng.standard_normal((16, 24))
        found = banded_product(x, band, axis, -4, shape[axis])
        np.testing.assert_allclose(found, expected(x, band, axis, -4, shape[axis]), rtol=0, atol=1e-11)


def test_nothing_is_copied_but_the_ends():
    band = rng.standard_normal((16, 24)).astype("float32")
    for shape, axis in (((1024, 1024), 0), ((1024, 1024), 1), ((1024 * 1024,), 0)):
        x = np.ones(shape, "float32")
        banded_product(x, band, axis, -4, shape[axis])
        tracemalloc.start()
        banded_product(x, band, axis, -4, shape[axis])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.25 * x.nbytes  # the result


def test_one_core_where_scipy_was_told_so(monkeypatch):
    monkeypatch.setattr(products, "_SMALL", 1)
    band = np.ones((16, 24))
    seen = set()
    spy = lambda *given, **more: seen.add(threading.get_ident())  # noqa: E731
    monkeypatch.setattr(products, "_padded", spy)
    with scipy.fft.set_workers(1):
        banded_product(np.ones((300, 4000)), band, 1, -4, 4000)
    assert seen == {threading.get_ident()}


def test_an_empty_result():
    assert banded_product(np.ones((0, 50)), np.ones((16, 24)), 1, 0, 50).shape == (0, 50)
    assert banded_product(np.ones((3, 50)), np.ones((16, 24)), 1, 0, 0).shape == (3, 0)


def test_the_rules_for_floating_point_hold_in_all_threads(monkeypatch):
    monkeypatch.setattr(products, "_SMALL", 1)
    monkeypatch.setattr(products, "cores", lambda: 2)  # also where this process may use one only
    x, band = np.full((600, 4000), 1e38, "float32"), np.full((16, 24), 1e38, "float32")
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isinf(banded_product(x, band, 1, -4, 4000)).any()  # warnings are errors here
    with np.errstate(over="raise", invalid="raise"), pytest.raises(FloatingPointError):
        banded_product(x, band, 1, -4, 4000)
