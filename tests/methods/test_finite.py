"""NaN and infinity under method "auto": only where a tap meets them, as in the sum itself, whatever method is taken."""

import warnings

import numpy as np
import pytest

import konvolve
import oracle
from konvolve import nn
from libraries import LIBRARIES

WAYS = [
    *((name, "eager") for name in LIBRARIES),
    *(("tensorflow", way) for way in ("graph", "unknown sizes", "xla")),
    *(("jax", way) for way in ("jit", "vmap", "first call")),
    ("torch", "compiled"),
]


# The oracle's own infinities, and PyTorch's own words.
pytestmark = [
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
]


def asked(name, way, function, a, b):
    """Return what a function of two arrays gives in one of the ways of a library, as a NumPy array."""
    library = LIBRARIES[name]
    a, b = library.array(a), library.array(b)
    if way in ("graph", "unknown sizes", "xla"):
        import tensorflow as tf

        unknown = [tf.TensorSpec([None if n > 5 else n for n in a.shape], a.dtype), tf.TensorSpec(b.shape, b.dtype)]
        specs = unknown if way == "unknown sizes" else None
        function = tf.function(function, input_signature=specs, jit_compile=way == "xla" or None)
    elif way in ("jit", "vmap"):
        import jax

        if way == "vmap":
            return library.numpy(jax.jit(jax.vmap(function))(a[None], b[None]))[0]
        function = jax.jit(function)
    elif way == "compiled":
        import torch

        torch.compiler.reset()
        function = torch.compile(function, fullgraph=True, backend="aot_eager")
    return library.numpy(function(a, b))


def spoilt(x, rng, values=(np.nan, np.inf, -np.inf), count=3):
    """Return x with some samples that are not finite."""
    x = x.copy()
    for place in rng.choice(x.size, count, replace=False):
        x.flat[place] = rng.choice(values)
    return x


def same(found, expected, signs=True):
    """Check that what is not finite is where it belongs, and that all the rest is right."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found), finite)
    if signs:
        np.testing.assert_array_equal(found[~finite], expected[~finite])
    scale = np.abs(expected[finite]).max(initial=1.0)
    tolerance = 1e-4 if found.dtype in ("float32", "complex64") else 1e-10
    np.testing.assert_allclose(found[finite], expected[finite], rtol=0, atol=tolerance * scale)


CASES = {
    "one transform": ((3000,), (300,), {}),
    "blocks": ((40_000,), (700,), {}),
    "same": ((4000,), (500,), {"mode": "same"}),
    "picture": ((90, 80), (40, 31), {"mode": "same"}),
    "batch": ((4, 3000), (1, 300), {"axes": 1}),
    "kernel of its own": ((3, 3000), (3, 300), {"axes": -1}),
    "middle axis": ((2, 3000, 2), (1, 300, 1), {"axes": 1, "mode": "valid"}),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize(("name", "way"), WAYS)
@pytest.mark.parametrize("case", CASES)
def test_the_family_is_the_sum(monkeypatch, name, way, case):
    monkeypatch.setattr(LIBRARIES["jax"], "by_numpy", way == "first call")
    shape, taps, options = CASES[case]
    rng = np.random.default_rng(len(case))
    a = spoilt(rng.standard_normal(shape).astype("float32"), rng)
    b = rng.standard_normal(taps).astype("float32")
    assert konvolve.plan(shape, taps, library=name, **options).method in ("fft", "overlap", "matrix")
    for kernel in (b, np.abs(b), spoilt(b, rng, count=1)) if way == "eager" else (b,):
        expected = oracle.convolve(
            a.astype(float), kernel.astype(float), options.get("mode", "full"), axes_of(options, a)
        )
        same(asked(name, way, lambda a, b: konvolve.convolve(a, b, **options), a, kernel), expected)


def axes_of(options, a):
    axes = options.get("axes", range(a.ndim))
    return [axis % a.ndim for axis in ([axes] if isinstance(axes, int) else axes)]


@pytest.mark.parametrize("name", LIBRARIES)
def test_edges_lags_and_prepared_kernels(name):
    rng = np.random.default_rng(5)
    library = LIBRARIES[name]
    a, b = spoilt(rng.standard_normal(3000), rng), rng.standard_normal(400)
    for boundary in ("wrap", "symmetric", "reflect", "nearest", 2.0):
        expected, _ = oracle.family(a, b, mode="same", boundary=boundary)
        same(library.numpy(konvolve.convolve(library.array(a), library.array(b), "same", boundary=boundary)), expected)
    expected, _ = oracle.family(a, b, correlating=True, lags=[(-50, 2500)])
    same(library.numpy(konvolve.correlate(library.array(a), library.array(b), lags=(-50, 2500))), expected)
    for kernel in (b, spoilt(b, rng, count=1)):
        expected = oracle.convolve(a, kernel)
        for _ in range(2):
            same(library.numpy(konvolve.convolve(library.array(a), konvolve.Kernel(library.array(kernel)))), expected)
    expected = oracle.convolve(np.stack([a] * 6), b[None], axes=[1])
    asked_rows = konvolve.convolve(library.array(np.stack([a] * 6)), library.array(b[None]), axes=1, max_memory=2**20)
    same(library.numpy(asked_rows), expected)


@pytest.mark.parametrize("name", LIBRARIES)
def test_products_of_factors_and_complex_numbers(name):
    rng = np.random.default_rng(6)
    library = LIBRARIES[name]
    picture = spoilt(rng.standard_normal((300, 300)), rng)
    product = np.multiply.outer(rng.standard_normal(61), rng.standard_normal(61))
    found = library.numpy(konvolve.convolve(library.array(picture), library.array(product), "same"))
    same(found, oracle.convolve(picture, product, "same"))
    a = rng.standard_normal(2000) + 1j * rng.standard_normal(2000)
    a[[40, 900]] = np.nan, np.inf
    b = rng.standard_normal(300) + 1j * rng.standard_normal(300)
    expected = np.convolve(a, b)
    same(library.numpy(konvolve.convolve(library.array(a), library.array(b))), expected, signs=False)


CHANNELS = {
    "conv": ("conv", (2, 700, 3), (200, 3, 4), {"padding": "causal"}),
    "strides": ("conv", (2, 1400, 2), (300, 2, 3), {"padding": "same", "strides": 2}),
    "dilation": ("conv", (2, 900, 4), (150, 2, 4), {"padding": "valid", "dilation_rate": 3}),
    "mirrored": ("conv", (2, 60, 60, 2), (41, 41, 2, 2), {"padding": "same", "padding_mode": "reflect"}),
    "blocks": ("conv", (1, 40_000, 1), (900, 1, 1), {"padding": "same"}),
    "depthwise": ("depthwise_conv", (2, 3000, 3), (600, 3, 2), {"padding": "same"}),
}


@pytest.mark.one_in(6)
@pytest.mark.parametrize(("name", "way"), WAYS)
@pytest.mark.parametrize("case", CHANNELS)
def test_convolutions_on_channels_are_the_sum(name, way, case):
    if way == "first call":
        pytest.skip("the family's tests ask for it")
    function, shape, taps, options = CHANNELS[case]
    rng = np.random.default_rng(len(case))
    x = spoilt(rng.standard_normal(shape).astype("float32"), rng, count=2)
    kernel = rng.standard_normal(taps).astype("float32")
    if name in ("numpy", "jax"):  # the others' own convolutions are quicker here
        assert nn.plan(shape, taps, function=function, library=name, **options).method in ("fft", "overlap")
    filled = {"data_format": "channels_last", **options}
    expected = on_channels(function, x.astype(float), kernel.astype(float), **options)
    same(asked(name, way, lambda x, k: getattr(nn, function)(x, k, **filled), x, kernel), expected)


@pytest.mark.parametrize("name", ["numpy", "tensorflow", "torch"])
@pytest.mark.parametrize("method", ["auto", "direct"])
def test_zeros_beyond_the_ends_meet_nothing(name, method):
    rng = np.random.default_rng(11)
    library = LIBRARIES[name]
    short, long = rng.standard_normal((2, 5)), rng.standard_normal((1, 12))
    short[0, 1], short[1, 3] = np.nan, -np.inf
    for a, b in ((short, long), (long, short)):
        for mode in ("full", "same"):
            found = konvolve.convolve(library.array(a), library.array(b), mode, method, axes=1)
            same(library.numpy(found), np.stack([np.convolve(*rows) for rows in pairs(a, b)])[:, cut(a, b, mode)])


def pairs(a, b):
    return [(a[i % len(a)], b[i % len(b)]) for i in range(2)]


def cut(a, b, mode):
    start = (b.shape[1] - 1) // 2
    return slice(start, start + a.shape[1]) if mode == "same" else slice(None)


@pytest.mark.one_in(6)
@pytest.mark.parametrize(("name", "way"), WAYS)
@pytest.mark.parametrize("method", ["auto", "direct"])
def test_zeros_between_taps_meet_nothing(name, way, method):
    if way == "first call":
        pytest.skip("the family's tests ask for it")
    rng = np.random.default_rng(9)
    # Each sample has a kernel of its own, which no library's own convolution takes.
    x, kernel = rng.standard_normal((3, 40, 2)), rng.standard_normal((3, 3, 2, 4))
    x[0, 21, 0], x[1, 8, 1] = np.nan, np.inf
    for function, options, sum_of_it in (
        ("conv", {"strides": 2, "padding": "same", "dilation_rate": 2}, oracle.channels),
        ("conv_transpose", {"strides": 5, "padding": "valid"}, oracle.channels_transposed),
    ):
        taps = kernel if function == "conv" else np.swapaxes(kernel, -1, -2)
        call = lambda x, k, f=function, o=options: getattr(nn, f)(x, k, data_format="channels_last", method=method, **o)  # noqa: E731
        same(asked(name, way, call, x, taps), sum_of_it(x, taps, **options))


def on_channels(function, x, kernel, strides=1, padding="valid", dilation_rate=1, padding_mode="zeros"):
    """The sum on channels, of three parts that each are finite: values, what is not finite, and infinities' signs."""
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate, "padding_mode": padding_mode}

    def linear(x, kernel):
        return oracle.channels(x, kernel, depthwise=function != "conv", **options)

    finite = np.isfinite(x)
    met = linear(np.where(finite, 0.0, 1.0), np.ones_like(kernel))
    signs = linear(np.where(np.isinf(x), np.sign(x), 0.0), np.sign(kernel))
    value = np.where(np.abs(signs) == met, np.sign(signs) * np.inf, np.nan)
    return np.where(met > 0, value, linear(np.where(finite, x, 0.0), kernel))


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("family", [True, False])
def test_gradients_are_finite_where_results_are(name, family):
    rng = np.random.default_rng(8)
    a, b = rng.standard_normal(4000), rng.standard_normal(1501)
    a[[1700, 2200]] = np.nan, np.inf

    def ask(a, b):
        if family:
            return konvolve.convolve(a, b, "same")
        # On channels the kernel is not reversed; reversed back, its gradient is that of the convolution.
        return nn.conv(a[None, :, None], b[:, None, None], padding="same", data_format="channels_last")[0, :, 0]

    finite = np.isfinite(oracle.convolve(a, b, "same"))
    weights = np.where(finite, rng.standard_normal(4000), 0.0)
    by_a, by_b = gradients(name, ask, a, b if family else b[::-1].copy(), weights, finite)
    by_b = by_b if family else by_b[::-1]
    clean = np.where(np.isfinite(a), a, 0.0)
    for place in (0, 650, 3999):
        expected = weights @ oracle.convolve(np.eye(1, 4000, place)[0], b, "same")
        np.testing.assert_allclose(by_a[place], expected, atol=1e-9)
    for tap in (0, 750, 1500):
        expected = weights @ oracle.convolve(clean, np.eye(1, 1501, tap)[0], "same")
        np.testing.assert_allclose(by_b[tap], expected, atol=1e-9)
    assert np.isfinite(by_a).all()
    assert np.isfinite(by_b).all()


def gradients(name, ask, a, b, weights, finite):
    """Return the gradients of a weighted sum of what is finite."""
    library = LIBRARIES[name]
    a, b, weights, finite = (library.array(x) for x in (a, b, weights, finite))
    if name == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch([a, b])
            loss = tf.reduce_sum(tf.where(finite, ask(a, b), 0.0) * weights)
        return [x.numpy() for x in tape.gradient(loss, [a, b])]
    if name == "jax":
        import jax

        loss = lambda a, b: (jax.numpy.where(finite, ask(a, b), 0.0) * weights).sum()  # noqa: E731
        return [np.asarray(x) for x in jax.grad(loss, (0, 1))(a, b)]
    import torch

    a.requires_grad_()
    b.requires_grad_()
    (torch.where(finite, ask(a, b), 0.0) * weights).sum().backward()
    return [a.grad.numpy(), b.grad.numpy()]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_torch_compiles_a_signal_with_a_part_of_it(dtype):
    torch = pytest.importorskip("torch")
    torch.compiler.reset()
    x = torch.arange(3000, dtype=torch.float64).sin().to(getattr(torch, dtype))
    for ask in (
        lambda x: konvolve.convolve(x, x[30:600]),
        lambda x: konvolve.correlate(x[:400], x[30:60], normalize=True),
        lambda x: nn.conv(x[None, :, None], x[:900, None, None], padding="same", data_format="channels_last"),
    ):
        found = torch.compile(ask, fullgraph=True, backend="aot_eager")(x)
        torch.testing.assert_close(found, ask(x))


def test_by_name_a_transform_spreads_and_says_so_at_the_line_that_asked():
    a = np.ones(3000)
    a[7] = np.nan
    with pytest.warns(RuntimeWarning, match="method='direct'") as caught:
        y = konvolve.convolve(a, np.ones(300), method="fft")
    assert caught[0].filename == __file__
    assert np.isnan(y).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(konvolve.convolve(a, np.ones(300))).sum() == 300
        assert np.isnan(konvolve.fftconvolve(a, np.ones(300))).sum() > 300  # as SciPy's, without a word


def test_the_line_that_asked_is_named_by_other_functions_too():
    a = np.ones(3000)
    a[7] = np.inf
    with pytest.warns(RuntimeWarning, match="method='direct'") as caught:
        konvolve.choose_conv_method(a, np.ones(300), measure=True)
    assert next(each for each in caught if "method='direct'" in str(each.message)).filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = np.ones((20, 21))
        picture[3, 4] = np.nan
        konvolve.convolve(picture, np.ones((3, 3)), method="separable")  # sums along each axis
