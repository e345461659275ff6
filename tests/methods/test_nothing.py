"""Batches without a row and signals without a sample: the right shape, and derivatives that are zeros."""

import numpy as np
import pytest

import konvolve
from konvolve import nn

FAMILY = {
    "fftconvolve": lambda a, b: konvolve.fftconvolve(a, b, "same", axes=1),
    "oaconvolve": lambda a, b: konvolve.oaconvolve(a, b, axes=1),
    "convolve": lambda a, b: konvolve.convolve(a, b, "valid", axes=1),
    "boundary": lambda a, b: konvolve.convolve(a, b, "same", axes=1, boundary="reflect"),
    "lags": lambda a, b: konvolve.correlate(a, b, axes=1, lags=(-2, 2)),
    "convolve2d": lambda a, b: konvolve.convolve2d(a, b, "same"),
}


def last(function, *arguments, **options):
    return lambda x, k: function(x, k, *arguments, data_format="channels_last", **options)


# What is asked, the shape of the inputs, that of the kernel, and that of the result where it is not the family's own.
QUESTIONS = {
    **{f"{name}, no rows": (ask, (0, 50), (1, 7), None) for name, ask in FAMILY.items()},
    "convolve, no kernels": (FAMILY["convolve"], (1, 50), (0, 7), None),
    "conv": (last(nn.conv, padding="same"), (0, 30, 3), (5, 3, 4), (0, 30, 4)),
    "conv, fft": (last(nn.conv, 2, padding="same", method="fft"), (0, 30, 3), (5, 3, 4), (0, 15, 4)),
    "conv, overlap": (last(nn.conv, padding="causal", method="overlap"), (0, 300, 3), (5, 3, 4), (0, 300, 4)),
    "conv, pictures": (last(nn.conv), (0, 30, 20, 3), (5, 5, 3, 4), (0, 26, 16, 4)),
    "conv, no samples": (last(nn.conv, padding="causal"), (2, 0, 3), (5, 3, 4), (2, 0, 4)),
    "conv, reflect": (last(nn.conv, padding="same", padding_mode="reflect"), (0, 30, 3), (5, 3, 4), (0, 30, 4)),
    "depthwise_conv": (last(nn.depthwise_conv, padding="same"), (0, 30, 3), (5, 3, 2), (0, 30, 6)),
    "conv_transpose": (last(nn.conv_transpose, 2, padding="same"), (0, 30, 3), (5, 4, 3), (0, 60, 4)),
}


def shapes(question):
    ask, one, two, expected = QUESTIONS[question]
    if expected is None:
        expected = ask(np.ones(one), np.ones(two)).shape
    return ask, one, two, expected


def values(shape):
    """Return values among which there are some that are not finite: nothing of them may reach a derivative."""
    x = np.ones(shape, "float32")
    x.reshape(-1)[:1] = np.nan
    x.reshape(-1)[1:2] = np.inf
    return x


def check(gradients, *operands):
    for gradient, operand in zip(gradients, operands, strict=True):
        assert gradient is not None
        np.testing.assert_array_equal(np.asarray(gradient), np.zeros(operand, "float32"), strict=True)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_pytorch(question, compiled):
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()  # PyTorch counts how often it has compiled the one function that asks
    ask, one, two, expected = shapes(question)
    a, b = (torch.from_numpy(values(shape)).requires_grad_() for shape in (one, two))
    run = torch.compile(ask, fullgraph=True, backend="eager") if compiled else ask
    y = run(a, b)
    assert tuple(y.shape) == expected
    (y.sum() + 0).backward()
    check([a.grad, b.grad], one, two)
    (gradient,) = torch.autograd.grad(run(a.detach(), b).sum(), b, create_graph=True)
    check([gradient.detach()], two)


# TensorFlow 2.21's own gradients by the kernel, which Keras's layers take too: they are memory that nobody has written.
LEFT_UNWRITTEN = ("conv, no samples", "depthwise_conv")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("way", ["eager", "graph", "unknown"])
def test_tensorflow(question, way):
    tf = pytest.importorskip("tensorflow")
    if way == "unknown" and question in LEFT_UNWRITTEN:
        pytest.skip("TensorFlow's own operation leaves its result as it finds it")
    ask, one, two, expected = shapes(question)

    def gradients(a, b):
        with tf.GradientTape() as tape:
            tape.watch((a, b))
            y = ask(a, b)
            loss = tf.reduce_sum(y)
        return y, tape.gradient(loss, (a, b))

    if way == "graph":
        gradients = tf.function(gradients, autograph=False)
    elif way == "unknown":  # sizes of the inputs but for the channels
        known = (*(None for _ in one[1:]), one[-1]) if len(one) > 2 else (None, None)
        other = two if len(one) > 2 else (None, None)
        signature = [tf.TensorSpec(shape, tf.float32) for shape in (known, other)]
        gradients = tf.function(gradients, signature, autograph=False)
    y, found = gradients(tf.constant(values(one)), tf.constant(values(two) if way != "unknown" else np.ones(two, "f4")))
    assert tuple(y.shape) == expected or (way == "unknown" and 0 in y.shape)
    check(found, one, two)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_jax(question, compiled):
    jax = pytest.importorskip("jax")
    ask, one, two, expected = shapes(question)
    a, b = values(one), values(two)
    run = jax.jit(ask) if compiled else ask
    assert run(jax.numpy.asarray(a), jax.numpy.asarray(b)).shape == expected
    check(jax.grad(lambda a, b: run(a, b).sum(), (0, 1))(a, b), one, two)


@pytest.mark.parametrize("batch", [0, 1])
@pytest.mark.parametrize("size", [4, 3])
@pytest.mark.parametrize("padding", ["valid"])
def test_a_kernel_too_large_is_an_error_whatever_the_batch(batch, size, padding):
    for x, k in (((batch, size, 3), (5, 3, 4)), ((batch, 9, size, 3), (1, 5, 3, 4))):
        with pytest.raises(ValueError, match=r"conv: the result would be empty: inputs \(.* with kernel"):
            nn.conv(np.ones(x), np.ones(k), padding=padding, data_format="channels_last")


def test_a_kernel_longer_than_no_samples():
    with pytest.raises(ValueError, match="the result would be empty"):
        nn.conv(np.ones((2, 0, 3)), np.ones((5, 3, 4)), data_format="channels_last")
    assert nn.conv(np.ones((2, 0, 3)), np.ones((1, 3, 4)), data_format="channels_last").shape == (2, 0, 4)


@pytest.mark.parametrize("shapes", [((0, 3), (0, 4)), ((0, 3), (1, 4)), ((1, 3), (0, 4))])
def test_empty_batches_where_sizes_are_known_only_at_run_time(shapes):
    """The batch is known to be empty, the convolved axis is not known; or only one of the batches is known."""
    import tensorflow as tf

    a, b = (np.ones(shape) for shape in shapes)
    for hidden in ([(shapes[0][0], None), shapes[1]], [(None, 3), shapes[1]], [(None, None), (None, 4)]):
        for options in ({"mode": "full"}, {"mode": "same"}, {"mode": "valid"}, {"lags": (-9, -4)}):
            asked = tf.function(
                lambda a, b, options=options: konvolve.correlate(a, b, axes=1, **options),
                input_signature=[tf.TensorSpec(shape, tf.float64) for shape in hidden],
            )
            assert asked(a, b).shape == konvolve.correlate(a, b, axes=1, **options).shape
