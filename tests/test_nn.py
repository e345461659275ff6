"""konvolve.nn against the sums of its definition, on every library; test_draws.py draws all its options at once."""

import numpy as np
import pytest

from konvolve import nn
from konvolve.execution import plans
from libraries import LIBRARIES
from oracle import channels, tolerance

METHODS = ("auto", "direct", "fft", "overlap")


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def library(request):
    return request.param


def normal(rng, shape, dtype="float64"):
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else x).astype(dtype)


def near(found, expected, x, kernel, dtype):
    """Assert shape, dtype and values; sums over channels are sums like those over taps."""
    assert found.dtype.name == dtype
    assert found.shape == expected.shape
    error = np.abs(found - expected).max(initial=0.0)
    assert error <= tolerance(x, kernel, dtype), f"largest error {error:.3g}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", ["reflect", "symmetric", "nearest", "circular"])
def test_padding_modes_are_numpys_pad(library, mode, method):
    rng = np.random.default_rng(5)
    x, kernel = normal(rng, (2, 9, 8, 4)), normal(rng, (4, 3, 2, 6))
    words = {"nearest": "edge", "circular": "wrap"}
    # "same" with 4 taps pads 1 before and 2 behind; along the second axis zeros stay
    padded = np.pad(x, [(0, 0), (1, 2), (0, 0), (0, 0)], words.get(mode, mode))
    padded = np.pad(padded, [(0, 0), (0, 0), (1, 1), (0, 0)])
    expected = channels(padded, kernel, 1, "valid")
    found = nn.conv(
        library.array(x), library.array(kernel), padding="same", padding_mode=(mode, "zeros"), method=method
    )
    near(library.numpy(found), expected, x, kernel, "float64")


@pytest.mark.parametrize("method", METHODS)
def test_padding_modes_with_strides_and_dilations(library, method):
    rng = np.random.default_rng(6)
    x, kernel = normal(rng, (2, 21, 3)), normal(rng, (5, 3, 2))
    padded = np.pad(x, [(0, 0), (8, 0), (0, 0)], "wrap")
    expected = channels(padded, kernel, 3, "valid", dilation_rate=2)
    options = {"strides": 3, "padding": "causal", "dilation_rate": 2, "padding_mode": "circular", "method": method}
    near(library.numpy(nn.conv(library.array(x), library.array(kernel), **options)), expected, x, kernel, "float64")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("taps", [(5, 5), (4, 9), (12, 1)])
def test_bidirectional_adds_the_convolution_of_the_reversed_sequence(library, taps, method):
    rng = np.random.default_rng(7)
    x = normal(rng, (2, 30, 4))
    ahead, back = (normal(rng, (k, 4, 2)) for k in taps)
    options = {"padding": "causal", "dilation_rate": 2, "method": method}
    found = nn.depthwise_conv(library.array(x), library.array(ahead), bidirectional=library.array(back), **options)
    one = channels(x, ahead, 1, "causal", dilation_rate=2, depthwise=True)
    two = channels(x[:, ::-1], back, 1, "causal", dilation_rate=2, depthwise=True)[:, ::-1]
    near(library.numpy(found), one + two, x, np.concatenate([ahead, back]), "float64")


def test_separable_is_depthwise_then_pointwise(library):
    rng = np.random.default_rng(8)
    for form in ("channels_last", "channels_first"):
        x = normal(rng, (2, 12, 13, 3) if form == "channels_last" else (2, 3, 12, 13))
        deep, point = normal(rng, (3, 5, 3, 2)), normal(rng, (1, 1, 6, 4))
        options = {"strides": 2, "padding": "same", "data_format": form}
        found = nn.separable_conv(*map(library.array, (x, deep, point)), **options)
        inner = channels(x, deep, **options, depthwise=True)
        expected = channels(inner, point, 1, "valid", form)
        near(library.numpy(found), expected, inner, point, "float64")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_single_and_given_back(library, dtype, method):
    if library.name == "numpy" and dtype == "bfloat16":
        return  # NumPy has none
    from konvolve.backends import registry

    xp = registry.backend(library.name)
    rng = np.random.default_rng(9)
    x, kernel = normal(rng, (2, 400, 3), "float32"), normal(rng, (90, 3, 4), "float32")
    x, kernel = (xp.cast(library.array(each), dtype) for each in (x, kernel))
    y = nn.conv(x, kernel, padding="same", method=method)
    assert xp.dtype(y) == dtype
    wide = [library.numpy(xp.cast(each, "float32")) for each in (x, kernel, y)]
    expected = channels(wide[0].astype("float64"), wide[1].astype("float64"), 1, "same")
    error = np.abs(wide[2] - expected).max()
    assert error <= tolerance(wide[0], wide[1], dtype)
    # one rounding of the result, and not one for each tap
    assert error <= np.abs(expected).max() * (2.0**-8 if dtype == "bfloat16" else 2.0**-10)


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_librarys_own_convolution_takes_the_half_precision_it_is_fast_in(dtype, method):
    """On a CPU that is bfloat16; Keras computes in both."""
    tf = pytest.importorskip("tensorflow")
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("a GPU computes in float16 too")
    x, kernel = tf.zeros((1, 9, 9, 2), dtype), tf.zeros((3, 3, 2, 4), dtype)
    graph = tf.function(lambda x, k: nn.conv(x, k, method=method)).get_concrete_function(x, kernel).graph
    narrow = dtype == "bfloat16" and method == "direct"
    casts = [op for op in graph.get_operations() if op.type == "Cast"]
    assert len(casts) == (0 if narrow else 3)
    if method == "direct":
        (found,) = (op for op in graph.get_operations() if op.type == "Conv2D")
        assert found.get_attr("T") == (tf.bfloat16 if narrow else tf.float32)


def test_integers_take_the_other_operands_dtype(library):
    x = np.arange(12).reshape(1, 6, 2)
    kernel = np.ones((2, 2, 1), "float32")
    y = library.numpy(nn.conv(library.array(x), library.array(kernel)))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.ravel(), [6, 14, 22, 30, 38], rtol=1e-6)
    with pytest.raises(TypeError, match="floating or complex"):
        nn.conv(library.array(x), library.array(x.reshape(2, 2, 3)))


def test_empty_batches_give_empty_results(library):
    for method in METHODS:
        y = nn.conv(library.array(np.ones((0, 9, 2))), library.array(np.ones((3, 2, 5))), method=method)
        assert library.numpy(y).shape == (0, 7, 5)
        y = nn.conv_transpose(library.array(np.ones((0, 9, 2))), library.array(np.ones((3, 5, 2))), 2, method=method)
        assert library.numpy(y).shape == (0, 19, 5)


X, K = np.ones((2, 9, 4)), np.ones((3, 2, 6))
WRONG = {
    "rank of inputs": (lambda: nn.conv(np.ones((2, 9)), K), "1 to 3 spatial axes"),
    "rank of kernel": (lambda: nn.conv(X, np.ones((3, 6))), "kernel must have 3 axes"),
    "kernels for samples": (lambda: nn.conv(X, np.ones((3, 3, 4, 6))), "3 kernels for 2 samples"),
    "empty kernel": (lambda: nn.conv(X, np.ones((0, 4, 6))), "kernel is empty"),
    "channels": (lambda: nn.conv(X, np.ones((3, 3, 6))), "4 input channels .channels_last. cannot be divided among 3"),
    "groups": (lambda: nn.conv(X, np.ones((3, 2, 5))), "5 outputs cannot be divided into 2 groups"),
    "depthwise": (lambda: nn.depthwise_conv(X, K), "4 input channels .channels_last., but kernel has 2"),
    "transposed": (lambda: nn.conv_transpose(X, K), "4 input channels .channels_last., but kernel has 6"),
    "strides": (lambda: nn.conv(X, K, strides=0), "strides must be a positive integer"),
    "strides, many": (lambda: nn.conv(X, K, strides=(1, 2)), "one for each of the 1 spatial axes"),
    "dilation": (lambda: nn.conv(X, K, dilation_rate=1.5), "dilation_rate must be a positive integer"),
    "padding": (
        lambda: nn.conv(X, K, padding="full"),
        "padding must be one of 'valid', 'same', 'causal', not padding='full'",
    ),
    "causal": (lambda: nn.conv(np.ones((1, 5, 5, 1)), np.ones((1, 1, 1, 1)), padding="causal"), "one spatial axis"),
    "causal transposed": (lambda: nn.conv_transpose(X, np.ones((3, 6, 4)), padding="causal"), "'valid', 'same'"),
    "format": (lambda: nn.conv(X, K, data_format="NHWC"), "data_format must be"),
    "method": (lambda: nn.conv(X, K, method="winograd"), "method must be"),
    "mode": (lambda: nn.conv(X, K, padding_mode="mirror"), "padding_mode must be"),
    "modes": (lambda: nn.conv(X, K, padding_mode=("zeros", "zeros")), "one of them for each of the 1 spatial axes"),
    "nothing left": (lambda: nn.conv(X, np.ones((10, 4, 6))), "would be empty"),
    "bidirectional": (lambda: nn.conv(X, K, bidirectional=K), "padding='causal'"),
    "bidirectional, shape": (
        lambda: nn.conv(X, K, padding="causal", bidirectional=np.ones((3, 4, 6))),
        "bidirectional must have the kernel's shape",
    ),
    "output_padding": (lambda: nn.conv_transpose(X, np.ones((3, 6, 4)), output_padding=-1), "output_padding must be"),
    "pointwise": (
        lambda: nn.separable_conv(X, np.ones((3, 4, 1)), np.ones((2, 4, 1))),
        "pointwise_kernel must have one tap",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_named(case):
    ask, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        ask()


def test_plans_are_remembered():
    plans.forget()
    for _ in range(3):
        nn.conv(X, K, padding="same")
    assert len(plans._PLANS) == 1
    nn.conv(X, K, padding="same", strides=True)  # equal to 1, and another question
    assert len(plans._PLANS) == 2
