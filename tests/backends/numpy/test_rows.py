"""NumPy takes a batch some rows at a time, on as many cores as it may."""

import threading

import numpy as np
import pytest
import scipy.fft

import konvolve
import oracle
from konvolve.backends.numpy import cores, map_rows

rng = np.random.default_rng(8)


@pytest.mark.parametrize(
    ("shape", "kernel", "axes"),
    [((25000, 100), (1, 9), 1), ((1000, 2, 40, 30), (1, 1, 5, 3), (2, 3)), ((100, 25000), (9, 1), 0)],
)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_the_rows_are_those_of_one_transform(shape, kernel, axes, mode):
    a, b = rng.standard_normal(shape), rng.standard_normal(kernel)
    planned = konvolve.plan(shape, kernel, mode=mode, axes=axes, method="fft", dtype="float64", library="numpy")
    assert 0 < planned.way.rows < 5000
    assert f"{planned.way.rows} at a time" in str(planned)
    found = konvolve.convolve(a, b, mode, "fft", axes=axes)
    part = np.moveaxis(a, 1, 0)[:7] if axes == 0 else a[:7]
    expected = konvolve.convolve(part, b.T if axes == 0 else b, mode, "direct", axes=1 if axes == 0 else axes)
    whole = np.moveaxis(found, 1, 0) if axes == 0 else found
    oracle.assert_close(whole[:7], expected, a, b, "float64")
    assert found.flags.c_contiguous
    assert not (whole == 0).all(axis=tuple(range(1, whole.ndim))).any()


def test_few_rows_and_kernels_of_their_own_are_one_transform():
    for shape, kernel in (((3, 10**6), (1, 9)), ((5000, 200), (5000, 9))):
        planned = konvolve.plan(shape, kernel, axes=1, method="fft", library="numpy")
        assert planned.way.rows == 0


def test_every_row_once_and_a_rest():
    x = rng.standard_normal((103, 7))
    np.testing.assert_array_equal(map_rows(lambda part: part[:, :3] * 2, x, 10), 2 * x[:, :3])


def test_an_error_in_a_thread_is_raised():
    def fail(part):
        if part[0, 0] > 50:
            raise MemoryError("no room")
        return part

    with pytest.raises(MemoryError, match="no room"):
        map_rows(fail, np.arange(100.0)[:, None], 10)


def test_one_core_where_scipy_was_told_so():
    with scipy.fft.set_workers(1):
        assert cores.cores() == 1
        seen = []
        map_rows(lambda part: seen.append(threading.get_ident()) or part, np.ones((50, 2)), 10)
        assert len(set(seen[1:])) == 1
    with scipy.fft.set_workers(3):
        assert cores.cores() == 3
    assert cores.cores() >= 1


def test_the_backend_that_scipy_was_given_transforms_all_rows():
    threads = []

    class Counting:
        __ua_domain__ = "numpy.scipy.fft"

        @staticmethod
        def __ua_function__(method, args, kwargs):
            threads.append(threading.get_ident())
            with scipy.fft.skip_backend(Counting):
                return method(*args, **kwargs)

    a, b = rng.standard_normal((25000, 100)), rng.standard_normal((1, 9))
    with scipy.fft.set_backend(Counting):
        found = konvolve.convolve(a, b, "same", "fft", axes=1)
    seen = len(threads)
    rows = konvolve.plan(a.shape, b.shape, mode="same", axes=1, method="fft", dtype="float64", library="numpy").way.rows
    assert set(threads) == {threading.get_ident()}  # where the backend is the one in use
    assert seen > 2 * (a.shape[0] // rows)  # there and back, for each part of the rows
    np.testing.assert_array_equal(found, konvolve.convolve(a, b, "same", "fft", axes=1))
    assert len(threads) == seen
