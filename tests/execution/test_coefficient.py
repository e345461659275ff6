"""The correlation coefficient against numpy.corrcoef of what overlaps, lag by lag."""

import os
import subprocess
import sys

import numpy as np
import pytest
from skimage.feature import match_template

import konvolve
import oracle
from libraries import LIBRARIES


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_templates_are_matched_as_others_do(library, dtype):
    rng = np.random.default_rng(0)
    a = (rng.random((60, 70)) * 200).astype(dtype)
    b = a[20:35, 30:41].copy()
    y = library.numpy(konvolve.correlate(library.array(a), library.array(b), mode="valid", normalize=True))
    assert np.unravel_index(y.argmax(), y.shape) == (20, 30)
    assert y.max() == pytest.approx(1)
    np.testing.assert_allclose(y, match_template(a.astype(float), b.astype(float)), atol=1e-5)


def test_a_constant_has_no_coefficient(library):
    a = np.full(50, 7.0)
    a[30:] += np.arange(20)
    y = library.numpy(konvolve.correlate(library.array(a), library.array(np.arange(5.0)), "valid", normalize=True))
    assert (y[:26] == 0).all()
    np.testing.assert_allclose(y[30:], 1, atol=1e-9)


def test_lags_batches_and_axes(library):
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((3, 40)), rng.standard_normal((1, 9))
    y = library.numpy(konvolve.correlate(library.array(a), library.array(b), axes=1, lags=(-5, 12), normalize=True))
    every = np.ones(40, bool), np.ones(9, bool)
    z = np.stack([oracle.coefficient(row, b[0], *every)[8 - 5 : 8 + 13] for row in a])
    np.testing.assert_allclose(y, z, atol=1e-6)


def test_wrong_arguments():
    a = np.ones(9)
    with pytest.raises(ValueError, match="boundary must be 'zero', not 'wrap'"):
        konvolve.correlate(a, a, boundary="wrap", normalize=True)
    with pytest.raises(ValueError, match="mask1 and mask2 are for normalize=True"):
        konvolve.correlate(a, a, mask1=a)
    with pytest.raises(ValueError, match=r"mask2 must have the shape of its signal, \(9,\), not \(8,\)"):
        konvolve.correlate(a, a, normalize=True, mask2=a[:8])
    with pytest.raises(ValueError, match="normalize must be True or False, not 'yes'"):
        konvolve.correlate(a, a, normalize="yes")


def test_gradient_is_finite_where_nothing_is_defined():
    import tensorflow as tf

    a = tf.constant(np.r_[np.zeros(20), np.arange(20.0) ** 2])
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = tf.reduce_sum(konvolve.correlate(a, tf.constant([1.0, 3.0, 2.0], tf.float64), "valid", normalize=True))
    assert np.isfinite(tape.gradient(y, a)).all()


def test_unknown_sizes():
    import tensorflow as tf

    rng = np.random.default_rng(8)
    a, b = rng.standard_normal((12, 10)), rng.standard_normal((4, 3))
    ask = tf.function(
        lambda a, b: konvolve.correlate(a, b, "same", normalize=True),
        input_signature=[tf.TensorSpec([None, None], tf.float64)] * 2,
    )
    np.testing.assert_allclose(ask(a, b), konvolve.correlate(a, b, "same", normalize=True), atol=1e-9)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("compiled", [False, True])
def test_what_stands_under_a_mask_does_not_matter(library, value, compiled):
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal(40), rng.standard_normal(9)
    mask1, mask2 = rng.random(40) < 0.8, rng.random(9) < 0.8
    wanted = oracle.coefficient(a, b, mask1, mask2)
    a[~mask1], b[~mask2] = value, value

    def ask(a, b, mask1, mask2):
        return konvolve.correlate(a, b, normalize=True, mask1=mask1, mask2=mask2)

    arrays = [library.array(x) for x in (a, b, mask1, mask2)]
    np.testing.assert_allclose(library.numpy(compiled_by(library, ask, compiled)(*arrays)), wanted, atol=1e-9)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("method", ["auto", "fft"])
def test_what_is_not_finite_counts_where_both_masks_let_it(library, method, compiled):
    rng = np.random.default_rng(10)
    a, b = rng.standard_normal((3, 400)), rng.standard_normal((1, 90))
    a[0, 30], a[1, [50, 300]] = np.nan, (np.inf, -np.inf)
    mask2 = rng.random((1, 90)) < 0.3

    def ask(a, b, mask2):
        return konvolve.correlate(a, b, "same", method, axes=1, normalize=True, mask2=mask2)

    found = library.numpy(compiled_by(library, ask, compiled)(*map(library.array, (a, b, mask2))))
    wanted = oracle.coefficient(a, b, None, mask2, mode="same", axes=[1])
    assert 0 < np.isnan(wanted).sum() < 200
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_same_keeps_the_rows_of_a_batch(library):
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((3, 20)), rng.standard_normal((3, 5))
    found = library.numpy(konvolve.correlate(library.array(a), library.array(b), "same", axes=1, normalize=True))
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        wanted = oracle.coefficient(x, y, np.ones(20, bool), np.ones(5, bool))[2:-2]
        np.testing.assert_allclose(found[row], wanted, atol=1e-9)


@pytest.mark.slow
def test_torch_compiles_it_in_a_process_that_has_called_nothing():
    pytest.importorskip("torch")
    code = """
import torch, konvolve
a, b = torch.randn(40, dtype=torch.float64), torch.randn(9, dtype=torch.float64)
ask = lambda a, b: konvolve.correlate(a, b, normalize=True, mask2=b > -1)
compiled = torch.compile(ask, fullgraph=True, backend="aot_eager")
torch.testing.assert_close(compiled(a, b), ask(a, b))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def careful(a, b):
    """Return the coefficient of b with each window of a, from the windows' own samples in long doubles."""
    windows = np.lib.stride_tricks.sliding_window_view(a.astype(np.longdouble), b.shape)
    axes = tuple(range(-b.ndim, 0))
    u, v = windows - windows.mean(axes, keepdims=True), b - b.astype(np.longdouble).mean()
    return ((u * v).sum(axes) / np.sqrt((u * u).sum(axes) * (v * v).sum())).astype(float)


def uneven(case):
    """Return a signal whose first part is calm beside what follows."""
    a = np.random.default_rng(6).standard_normal(900)
    if case == "spike":
        a[500] = 1e9
    elif case == "quiet":
        a[:500] *= 1e-7
    else:
        a[500:] += 1e4
    return a


@pytest.mark.one_in(2)
@pytest.mark.parametrize("case", ["spike", "quiet", "step"])
@pytest.mark.parametrize("compiled", [False, True])
def test_calm_passages_beside_others(library, case, compiled):
    a = uneven(case)
    ask = compiled_by(library, coefficient, compiled)
    found = library.numpy(ask(*map(library.array, (a, a[100:130]))))
    np.testing.assert_allclose(found, careful(a, a[100:130]), atol=1e-8)


@pytest.mark.parametrize("way", ["unknown sizes", "xla"])
def test_calm_passages_in_tensorflows_other_graphs(way):
    tf = pytest.importorskip("tensorflow")
    specs = [tf.TensorSpec([None], tf.float64)] * 2 if way == "unknown sizes" else None
    ask = coefficient
    graph = tf.function(ask, input_signature=specs, jit_compile=way == "xla" or None)
    a = uneven("spike")
    np.testing.assert_allclose(graph(a, a[100:130]), careful(a, a[100:130]), atol=1e-8)


def test_a_mask_beside_a_spike(library):
    a, rng = uneven("spike"), np.random.default_rng(9)
    b, mask1, mask2 = a[100:112], rng.random(900) < 0.8, rng.random(12) < 0.8
    options = {"normalize": True, "mask1": library.array(mask1), "mask2": library.array(mask2)}
    found = library.numpy(konvolve.correlate(library.array(a), library.array(b), **options))
    wanted = oracle.coefficient(a, b, mask1, mask2)
    calm = np.r_[:480, 530:900]  # further away than the spike reaches, which is beyond a sum in double precision
    np.testing.assert_allclose(found[calm], wanted[calm], atol=1e-8)


def test_jax_without_64_bits_has_three_digits():
    pytest.importorskip("jax")
    code = """
import numpy as np, jax, konvolve
rng = np.random.default_rng(0)
x = rng.standard_normal(900).astype("float32")
spike, quiet, step = x.copy(), x.copy(), x.copy()
spike[500], quiet[:500], step[500:] = 1e3, x[:500] * 1e-2, x[500:] + 1e3
for a in (spike, quiet, step, *(x * np.float32(scale) for scale in (1e-30, 1e-12, 1e10, 1e30))):
    a, b = a, a[100:130]
    wanted = konvolve.correlate(a.astype(float), b.astype(float), normalize=True)
    for ask in (konvolve.correlate, jax.jit(konvolve.correlate, static_argnames="normalize")):
        found = ask(jax.numpy.asarray(a), jax.numpy.asarray(b), normalize=True)
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, wanted, atol=1e-3)
"""
    as_users_compile = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=as_users_compile, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def coefficient(a, b):
    return konvolve.correlate(a, b, "valid", normalize=True)


def compiled_by(library, ask, compiled):
    if compiled and library.name == "tensorflow":
        return pytest.importorskip("tensorflow").function(ask)
    return pytest.importorskip("jax").jit(ask) if compiled and library.name == "jax" else ask


@pytest.mark.parametrize("scale", [1e-160, 1e-85, 1e77, 1e160])
def test_the_scale_does_not_matter(library, scale):
    a = np.random.default_rng(7).standard_normal(80)
    wanted = careful(a, a[20:30])
    for turn in (1, 1j):
        ask = coefficient
        found = library.numpy(ask(library.array(a * scale * turn), library.array(a[20:30] * scale * turn)))
        np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_too_small_an_overlap_is_not_defined(library):
    rng = np.random.default_rng(8)
    a = rng.standard_normal(400)
    b = a[150:200]
    full = library.numpy(konvolve.correlate(library.array(a), library.array(b), normalize=True))
    for least in (15, 0.3):
        options = {"normalize": True, "min_overlap": least, "undefined": np.nan}
        found = library.numpy(konvolve.correlate(library.array(a), library.array(b), **options))
        assert np.isnan(found[:14]).all()
        assert np.isnan(found[-14:]).all()
        np.testing.assert_allclose(found[14:-14], full[14:-14])
    with pytest.raises(ValueError, match="min_overlap must be a number of samples, or a share"):
        konvolve.correlate(a, b, normalize=True, min_overlap=-1)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_sample_that_is_not_finite_leaves_the_lags_without_it(library, compiled):
    rng = np.random.default_rng(1)
    a = rng.standard_normal(300) + 1j * rng.standard_normal(300)
    wanted = careful(a.real, a.real[50:80])
    for each, coefficients in ((a.real, wanted), (a, konvolve.correlate(a, a[50:80], "valid", normalize=True))):
        spoiled = each.copy()
        spoiled[200] = 1 + 1j * np.inf if np.iscomplexobj(each) else np.inf
        found = library.numpy(compiled_by(library, coefficient, compiled)(*map(library.array, (spoiled, each[50:80]))))
        lags = np.arange(271)
        np.testing.assert_allclose(found, np.where((lags <= 200) & (lags > 170), np.nan, coefficients), atol=1e-8)
