"""Convolution of data with holes, against the sums themselves, taken directly in float64."""

import tracemalloc

import numpy as np
import pytest
import scipy.fft

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
    size = np.max(np.abs(wanted), initial=1, where=np.isfinite(wanted))
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * size)


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


def _tensorflow(function, *arrays):
    import tensorflow as tf

    xs = [tf.Variable(x) for x in arrays]
    with tf.GradientTape() as tape:
        y = function(*xs)
        total = tf.reduce_sum(tf.where(tf.math.is_nan(y), tf.zeros_like(y), y) ** 2)
    return [g.numpy() for g in tape.gradient(total, xs)]


def _jax(function, *arrays):
    import jax
    import jax.numpy as jnp

    def total(*xs):
        y = function(*xs)
        return jnp.sum(jnp.where(jnp.isnan(y), 0.0, y) ** 2)

    xs = [LIBRARIES["jax"].array(x) for x in arrays]
    return [np.asarray(g) for g in jax.grad(total, tuple(range(len(xs))))(*xs)]


def _torch(function, *arrays):
    import torch

    xs = [torch.tensor(x, requires_grad=True) for x in arrays]
    y = function(*xs)
    return [g.numpy() for g in torch.autograd.grad((torch.where(torch.isnan(y), 0.0, y) ** 2).sum(), xs)]


@pytest.mark.parametrize("gradients", [_tensorflow, _jax, _torch])
@pytest.mark.parametrize(("choice", "zero_sum"), [("omit", False), ("omit", True), ("interpolate", False)])
def test_gradients_to_data_and_weights_are_finite_and_right(gradients, choice, zero_sum):
    rng = np.random.default_rng(3)
    x, k = rng.standard_normal(16), rng.random(3) - (0.5 if zero_sum else 0)
    k = k - k.mean() if zero_sum else k
    x[[2, 7, 8, 9, 10, 11]] = np.nan
    w = rng.random(16) + 0.5

    def function(x, w):
        return konvolve.convolve(x, k, "same", nan=choice, weights=w)

    def total(x, w):
        return np.nansum(function(x, w) ** 2)

    found = gradients(function, x, w)
    for place, (given, gradient) in enumerate(zip((x, w), found, strict=True)):
        assert np.isfinite(gradient).all()
        for i in range(16):
            step = np.where(np.arange(16) == i, 1e-6, 0)
            up, down = ([x, w], [x, w])
            up = [each + step if p == place else each for p, each in enumerate(up)]
            down = [each - step if p == place else each for p, each in enumerate(down)]
            wanted = 0.0 if np.isnan(given[i]) else (total(*up) - total(*down)) / 2e-6
            np.testing.assert_allclose(gradient[i], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("choice", ["omit", "interpolate", "propagate", "fill"])
def test_compiled_by_tensorflow_with_unknown_sizes(choice):
    import tensorflow as tf

    x, rng = data(11, (30,))
    k = rng.random(5)
    compiled = tf.function(
        lambda x, k: konvolve.convolve(x, k, "same", nan=choice), input_signature=[tf.TensorSpec([None], "float64")] * 2
    )
    check(compiled(x, k).numpy(), konvolve.convolve(x, k, "same", nan=choice))


def test_compiled_by_jax_and_torch():
    import jax
    import torch

    x, rng = data(12, (30,))
    k = rng.random(5)

    def function(x):
        return konvolve.convolve(x, k, "same", nan="omit", min_weight=0.3)

    wanted = function(x)
    check(np.asarray(jax.jit(function)(LIBRARIES["jax"].array(x))), wanted)
    check(torch.compile(function, backend="eager")(torch.tensor(x)).numpy(), wanted)


@pytest.mark.parametrize("library", ["tensorflow", "jax", "torch"])
def test_a_compiled_function_cannot_look_for_holes(library):
    import jax
    import tensorflow as tf
    import torch

    compiler = {"tensorflow": tf.function, "jax": jax.jit, "torch": lambda f: torch.compile(f, backend="eager")}
    function = compiler[library](lambda x: konvolve.convolve(x, np.ones(3), nan="raise"))
    with pytest.raises(Exception, match="not known yet"):
        function(LIBRARIES[library].array(np.ones(5)))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15, of saving a weight
def test_a_recorded_function_is_saved_and_read(tmp_path):
    import keras

    x, rng = data(13, (2, 30), "float32")
    k, w = rng.random((1, 5)).astype("float32"), rng.random((2, 30)).astype("float32")
    one, two = keras.Input((30,)), keras.Input((30,))
    ask = {"nan": "omit", "axes": 1, "min_weight": 0.2, "boundary": np.nan, "keep_nan": True}
    y = konvolve.convolve(one, k, "same", weights=two, **ask)
    assert y.shape == (None, 30)
    model = keras.Model([one, two], y)
    model.save(tmp_path / "holes.keras")
    again = keras.models.load_model(tmp_path / "holes.keras")
    wanted = konvolve.convolve(x, k, "same", weights=w, **ask)
    for each in (model, again):
        check(np.asarray(each([x, w])), wanted, 1e-5)
    with pytest.raises(ValueError, match="not known yet"):
        konvolve.convolve(one, k, nan="raise", axes=1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"nan": "drop"}, "nan must be None or one of .*'drop'"),
        ({"weights": np.ones(5)}, "weights is for nan='omit'"),
        ({"nan": "fill", "min_weight": 0.5}, "min_weight is for"),
        ({"nan": "omit", "min_weight": 2}, "min_weight must be a share .* 2"),
        ({"nan": "omit", "fill_value": 1.0}, "fill_value is for nan='fill'"),
        ({"nan": "fill", "fill_value": 1j}, "fill_value"),
        ({"nan": "omit", "keep_nan": True}, "keep_nan=True needs .* not mode='full'"),
        ({"keep_nan": True, "mode": "same"}, "keep_nan is for a choice"),
        ({"nan": "omit", "weights": -np.ones(5)}, "weights must not be negative.* -1.0"),
        ({"nan": "omit", "weights": np.ones(4)}, r"weights must broadcast to in1's shape, \(5,\)"),
        ({"nan": "raise"}, "1 of its 5 samples"),
    ],
)
def test_bad_input_is_named(options, text):
    with pytest.raises(ValueError, match=text):
        konvolve.convolve(np.array([1, 2, np.nan, 4, 5]), np.ones(3), **options)


def test_a_hole_in_the_kernel_and_a_coefficient_are_refused():
    x, k = np.array([1, np.nan, 3.0]), np.array([1, np.nan])
    for choice in ("omit", "interpolate", "fill", "raise"):
        with pytest.raises(ValueError, match="in2 has a hole"):
            konvolve.convolve(x, k, nan=choice)
    with pytest.raises(ValueError, match="nan is not for normalize=True"):
        konvolve.correlate(x, x, normalize=True, nan="omit")
    with pytest.raises(ValueError, match="sum is nearly zero has none"):
        konvolve.convolve(x, np.array([1.0, -1.0]), nan="interpolate")


def test_integers_have_no_holes_but_may_have_weights():
    x, k = np.arange(6), np.array([1, 2, 1])
    np.testing.assert_array_equal(konvolve.convolve(x, k, nan="omit"), np.convolve(x, k))
    assert konvolve.convolve(x, k, nan="omit").dtype == x.dtype
    w = np.array([1, 1, 0, 1, 1, 1])
    found = konvolve.convolve(x, k, "same", nan="omit", weights=w, keep_nan=True)
    wanted = omitted("convolve", x.astype(float), k.astype(float), "same", (0,), "zero", w)
    check(found, np.where(w == 0, np.nan, wanted))


def test_lags_max_memory_a_kernel_and_rows_of_kernels():
    x, rng = data(14, (3, 50))
    k = rng.random((3, 7))
    k[1] -= k[1].mean()  # one of the three sums is zero
    found = konvolve.correlate(x, k, lags=(-2, 9), nan="omit", axes=1, max_memory=1e6)
    full = [omitted("correlate", x[i : i + 1], k[i : i + 1], "full", (1,), "zero", zero_sum=i == 1) for i in range(3)]
    check(found, np.concatenate(full)[:, 4:16])
    one = konvolve.convolve(x, konvolve.Kernel(k[:1]), "same", nan="omit", axes=1)
    check(one, omitted("convolve", x, k[:1], "same", (1,), "zero"))


def test_beyond_the_edges_is_a_hole_where_the_constant_is_one():
    x = np.array([1.0, 2.0, np.nan, 4.0])
    found = konvolve.convolve(x, np.ones(3) / 3, "same", boundary=np.nan, nan="omit")
    check(found, np.array([1.5, 1.5, 3.0, 4.0]))


def test_nothing_changes_where_nothing_is_missing():
    rng = np.random.default_rng(15)
    x, k = rng.standard_normal((20, 20)), rng.random((3, 3))
    for choice in ("omit", "interpolate", "propagate", "fill", "raise"):
        np.testing.assert_array_equal(konvolve.convolve(x, k, nan=choice), konvolve.convolve(x, k))


@pytest.mark.parametrize("nan", ["omit", "interpolate"])
def test_memory_is_at_most_a_quarter_of_astropys(nan):
    astropy = pytest.importorskip("astropy.convolution")
    rng = np.random.default_rng(5)
    x, k = rng.random((2048, 2048)), rng.random((61, 61))
    x[rng.random(x.shape) < 0.01] = np.nan

    def peak(call):
        tracemalloc.start()
        call()
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    with scipy.fft.set_workers(2):  # as many cores everywhere: each has rows in work
        ours = peak(lambda: konvolve.convolve(x, k, "same", nan=nan))
    assert ours <= 0.25 * peak(lambda: astropy.convolve_fft(x, k, allow_huge=True))
