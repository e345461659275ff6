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
