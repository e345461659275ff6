"""Sums tap by tap: a single long row of odd length is taken in an even piece and the last sample."""

import numpy as np
import pytest

import konvolve
import oracle
from konvolve import nn
from libraries import LIBRARIES

rng = np.random.default_rng(21)


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("dtype", ["float32", "complex64", "int32"])
@pytest.mark.parametrize(("n", "taps"), [(2500, 3), (2501, 4), (4096, 70), (4097, 71)])
def test_long_rows_of_any_length(library, dtype, n, taps):
    x, k = (rng.integers(-9, 9, size) + 0 for size in (n, taps))
    if dtype == "complex64":
        x, k = x + 1j * x[::-1], k - 2j * k
    x, k = x.astype(dtype), k.astype(dtype)
    for mode in ("full", "valid", "same"):
        found = konvolve.convolve(library.array(x), library.array(k), mode, method="direct")
        wide = "complex128" if dtype == "complex64" else "float64"
        np.testing.assert_array_equal(library.numpy(found), oracle.convolve(x.astype(wide), k.astype(wide), mode, (0,)))


def test_jax_takes_no_long_loop_over_an_odd_row():
    jax = pytest.importorskip("jax")

    def sums(x, k):
        return konvolve.convolve(x, k, "valid", method="direct")

    program = str(jax.make_jaxpr(sums)(np.zeros(5020, "float32"), np.zeros(20, "float32")))
    assert "= mul" in program
    assert "f32[5001] = mul" not in program
    assert "f32[5000] = mul" in program


def test_gradients_of_an_odd_row():
    jax = pytest.importorskip("jax")
    x, k = rng.random(2104).astype("float32"), rng.random(4).astype("float32")
    g = rng.random(2101).astype("float32")
    loss = lambda x, k: (konvolve.convolve(x, k, "valid", method="direct") * g).sum()  # noqa: E731
    of_x, of_k = jax.grad(loss, (0, 1))(x, k)
    np.testing.assert_allclose(of_x, np.convolve(g, k[::-1]), rtol=1e-5)
    np.testing.assert_allclose(of_k, np.correlate(x, g, "valid")[::-1], rtol=1e-4)


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("space", [(2501,), (1, 2501)])
def test_channels_of_a_single_long_row(library, space):
    x = rng.integers(-9, 9, (1, *space, 1)).astype("float32")
    k = rng.integers(-9, 9, (*(1,) * (len(space) - 1), 5, 1, 1)).astype("float32")
    found = nn.conv(library.array(x), library.array(k), padding="valid", method="direct")
    np.testing.assert_array_equal(library.numpy(found).ravel(), np.correlate(x.ravel(), k.ravel(), "valid"))


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("dtype", ["float32", "complex64", "int32"])
@pytest.mark.parametrize(("shape", "taps"), [((40, 512), (30, 1)), ((300, 1024), (80, 1)), ((40, 512), (25, 6))])
@pytest.mark.one_in(2)
def test_rows_that_are_whole_pages_apart(library, dtype, shape, taps):
    x, k = (rng.integers(-9, 9, size).astype(dtype) for size in (shape, taps))
    for mode in ("full", "valid", "same"):
        found = konvolve.convolve(library.array(x), library.array(k), mode, method="direct")
        wide = "complex128" if dtype == "complex64" else "float64"
        expected = oracle.convolve(x.astype(wide), k.astype(wide), mode, (0, 1))
        np.testing.assert_array_equal(library.numpy(found), expected)


def test_jax_sums_over_rows_that_do_not_collide():
    jax = pytest.importorskip("jax")

    def program(rows, columns, taps):
        def sums(x, k):
            return konvolve.convolve(x, k, "same", axes=0, method="direct")

        arrays = (np.zeros((rows, columns), "float32"), np.zeros((taps, 1), "float32"))
        return str(jax.make_jaxpr(sums)(*arrays))

    assert "f32[131,1040] = optimization_barrier" in program(100, 1024, 32)
    for rows, columns, taps in ((100, 1020, 32), (100, 1024, 9)):
        assert "optimization_barrier" not in program(rows, columns, taps)


def test_derivatives_and_batches_of_rows_that_are_moved_apart():
    jax = pytest.importorskip("jax")
    x, k = rng.random((3, 30, 512)).astype("float32"), rng.random((26, 1)).astype("float32")
    g = rng.random((3, 30, 512)).astype("float32")
    sums = lambda x, k: konvolve.convolve(x, k, "same", method="direct")  # noqa: E731
    of_x, of_k = jax.grad(lambda x, k: (jax.vmap(sums, (0, None))(x, k) * g).sum(), (0, 1))(x, k)
    wide = [each.astype("float64") for each in g]
    expected = [oracle.convolve(each, k[::-1].astype("float64"), "full", (0, 1))[13:43] for each in wide]
    np.testing.assert_allclose(of_x, expected, rtol=1e-5)
    padded = np.pad(x.astype("float64"), ((0, 0), (13, 12), (0, 0)))
    lagged = [(g * padded[:, 25 - i : 55 - i]).sum() for i in range(26)]
    np.testing.assert_allclose(of_k[:, 0], lagged, rtol=1e-5)
    _, tangent = jax.jvp(lambda x: sums(x, k), (x[0],), (g[0],))
    np.testing.assert_allclose(tangent, oracle.convolve(wide[0], k.astype("float64"), "same", (0, 1)), rtol=1e-5)
