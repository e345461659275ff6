"""Convolution of data with holes, against the sums themselves, taken directly in float64."""

import numpy as np
import pytest

import konvolve
import oracle
from libraries import LIBRARIES

METHODS = ("auto", "direct", "fft", "overlap", "matrix")
BOUNDARIES = ("zero", "wrap", "symmetric", "reflect", "nearest", 1.5)


def extended(x, taps, axes, boundary):
    """Return x with as many samples beyond each edge as a kernel of these sizes reaches."""
    for axis in axes:
        k = taps[axis]
        x = oracle.reaching(x, axis, 1 - k, x.shape[axis] + 2 * (k - 1), boundary)
    return x


def summed(function, x, k, mode, axes, boundary):
    """Return the sum of a function in a mode and boundary."""
    k = np.flip(k.conj(), axes) if function == "correlate" else k
    full = oracle.convolve(extended(x, k.shape, axes, boundary), k, "full", axes)
    cut = []
    for axis, n in enumerate(full.shape):
        if axis not in axes:
            cut.append(slice(None))
            continue
        n1, n2 = x.shape[axis], k.shape[axis]
        start, size = {"full": (0, n1 + n2 - 1), "same": ((n2 - 1) // 2, n1), "valid": (n2 - 1, n1 - n2 + 1)}[mode]
        cut.append(slice(n2 - 1 + start, n2 - 1 + start + size))
        assert n == n1 + 3 * (n2 - 1)
    return full[tuple(cut)]


def omitted(function, x, k, mode, axes, boundary, weights=1.0, min_weight=0.0, zero_sum=False):
    """Return "omit" by its formula."""
    there = np.isfinite(x) * np.broadcast_to(weights, x.shape)
    z = np.where(there == 0, 0, x) * there
    beyond = "zero" if not isinstance(boundary, str) else boundary
    data, missing = (
        summed(function, each, k, mode, axes, edge) for each, edge in ((z, boundary), (1.0 - there, beyond))
    )
    if zero_sum:
        s = (k != 0) * 1.0
        near, away = (
            summed(function, each, s, mode, axes, edge) for each, edge in ((z, boundary), (1.0 - there, beyond))
        )
        left, full, share = s.sum(axes, keepdims=True) - away, s.sum(axes, keepdims=True), None
        share = left / full
        y = data + near / np.where(share > 1e-9, left, 1) * missing
    else:
        full = (k.conj() if function == "correlate" else k).sum(axes, keepdims=True)
        left = full - missing
        share = np.abs(left / full)
        y = full * data / np.where(share > 1e-9, left, 1)
    return np.where((share > 1e-9) & (share >= min_weight - 1e-9), y, np.nan)


def interpolated(function, x, k, mode, axes, boundary, weights=1.0, min_weight=0.0):
    """Return "interpolate": holes filled by "omit", and the sum."""
    hole = ~np.isfinite(x) | (np.broadcast_to(weights, x.shape) == 0)
    same = omitted(function, x, k, "same", axes, boundary, weights, min_weight)
    return summed(function, np.where(hole, same, x), k, mode, axes, boundary)


def data(seed, shape, dtype="float64", share=0.15):
    """Return samples with holes of each kind."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) + 2
    if dtype.startswith("complex"):
        x = x + 1j * rng.standard_normal(shape)
    hole = rng.random(shape) < share
    return np.where(hole, rng.choice([np.nan, np.inf, -np.inf], shape), x).astype(dtype), rng


def check(found, wanted, rtol=1e-9):
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * np.nanmax(np.abs(wanted), initial=1))


CASES = [
    (function, mode, method, boundary)
    for i, (function, mode, method) in enumerate(
        (f, m, w) for f in ("convolve", "correlate") for m in ("full", "same", "valid") for w in METHODS
    )
    for boundary in (BOUNDARIES[i % len(BOUNDARIES)], BOUNDARIES[(i + 1) % len(BOUNDARIES)])
]


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize(("function", "mode", "method", "boundary"), CASES)
def test_every_method_gives_the_sums(library, function, mode, method, boundary, request):
    seed = CASES.index((function, mode, method, boundary))
    if library.name == "jax" and seed % 12 and not request.config.getoption("--slow"):
        return  # one case in twelve: JAX compiles each
    planar = method != "matrix"
    shape, taps, axes = ((3, 14, 11), (1, 4, 3), (1, 2)) if planar else ((3, 40), (1, 6), (1,))
    x, rng = data(seed, shape)
    k = rng.random(taps) + 0.1
    ask = {"mode": mode, "method": method, "boundary": boundary, "axes": axes}
    call = getattr(konvolve, function)
    a, b = library.array(x), library.array(k)
    form = (mode, axes, boundary)
    check(library.numpy(call(a, b, nan="omit", **ask)), omitted(function, x, k, *form))
    if seed % 3 == 0:
        weights = rng.random(shape[-2:] if planar else shape) * (rng.random(shape[-2:] if planar else shape) > 0.1)
        w = library.array(weights)
        found = call(a, b, nan="omit", weights=w, min_weight=0.4, **ask)
        check(library.numpy(found), omitted(function, x, k, *form, weights, 0.4))
        found = call(a, b, nan="interpolate", weights=w, **ask)
        check(library.numpy(found), interpolated(function, x, k, *form, weights))
    elif seed % 3 == 1:
        check(library.numpy(call(a, b, nan="interpolate", **ask)), interpolated(function, x, k, *form))
    else:
        z = k - k.mean()
        check(
            library.numpy(call(a, library.array(z), nan="omit", **ask)),
            omitted(function, x, z, *form, zero_sum=True),
        )
    with np.errstate(invalid="ignore"):
        nans = np.where(np.isfinite(x), x, np.nan)
        check(library.numpy(call(library.array(nans), b, nan="propagate", **ask)), summed(function, nans, k, *form))
    filled = np.where(np.isfinite(x), x, 7.0)
    check(library.numpy(call(a, b, nan="fill", fill_value=7.0, **ask)), summed(function, filled, k, *form))


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("function", ["convolve", "correlate"])
@pytest.mark.parametrize("real", [True, False])
def test_complex_data_and_kernels(library, function, real):
    x, rng = data(7, (40,), "complex128")
    k = rng.random(5) + (0 if real else 1j * rng.random(5))
    found = getattr(konvolve, function)(library.array(x), library.array(k), "same", nan="omit", boundary="wrap")
    check(library.numpy(found), omitted(function, x, k, "same", (0,), "wrap"))


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_half_and_single_precision(library, dtype):
    x, rng = data(8, (60,), dtype)
    k = rng.random(5).astype(dtype)
    found = library.numpy(konvolve.convolve(library.array(x), library.array(k), "same", nan="omit"))
    assert found.dtype == dtype
    wanted = omitted("convolve", x.astype(float), k.astype(float), "same", (0,), "zero")
    check(found.astype(float), wanted, 2e-3 if dtype == "float16" else 2e-5)
