"""TensorFlow in all its ways: compiled, sizes unknown, XLA, data pipelines, variables, saved models, many axes."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

import konvolve
import oracle


def normal(*shape, dtype="float32"):
    rng = np.random.default_rng(len(shape) + sum(shape))
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape)).astype(dtype) if dtype.startswith("complex") else x.astype(dtype)


def whole(*shape, dtype="int32"):
    return np.random.default_rng(sum(shape)).integers(-9999, 9999, shape).astype(dtype)


def function(name, **options):
    return lambda a, b: getattr(konvolve, name)(a, b, **options)


# what is asked, two arrays, and whether the answer is exact
QUESTIONS = {
    "fftconvolve": (function("fftconvolve"), normal(50), normal(7)),
    "fftconvolve, image": (function("fftconvolve", mode="same", axes=(1, 2)), normal(2, 30, 20, 3), normal(1, 5, 6, 1)),
    "fftconvolve, volume": (function("fftconvolve", mode="valid"), normal(9, 8, 7), normal(3, 4, 3)),
    "fftconvolve, five axes": (function("fftconvolve"), normal(5, 4, 3, 4, 3), normal(2, 3, 2, 2, 2)),
    "fftconvolve, complex": (function("fftconvolve", mode="same"), normal(30, dtype="complex128"), normal(8)),
    "oaconvolve": (function("oaconvolve"), normal(3000), normal(20)),
    "oaconvolve, batch": (function("oaconvolve", mode="same", axes=1), normal(4, 3000), normal(1, 20)),
    "oaconvolve, image": (function("oaconvolve", mode="valid"), normal(300, 200), normal(5, 6)),
    "convolve": (function("convolve", mode="same"), normal(300), normal(5)),
    "convolve, direct": (function("convolve", method="direct"), normal(30, 20), normal(15, 14)),
    "convolve, half": (function("convolve"), normal(30, dtype="float16"), normal(8, dtype="float16")),
    "convolve, integers": (function("convolve"), whole(40, 30), whole(10, 12)),
    "convolve, long integers": (function("convolve"), whole(400, dtype="int64"), whole(100, dtype="int64")),
    "correlate": (function("correlate", mode="same"), normal(30, 20), normal(5, 4, dtype="complex64")),
    "convolve2d, wrap": (function("convolve2d", mode="same", boundary="wrap"), normal(9, 8), normal(15, 4)),
    "correlate2d, symm": (function("correlate2d", mode="same", boundary="symm"), normal(9, 8), normal(4, 4)),
    "correlate2d, fill": (function("correlate2d", fillvalue=2), normal(9, 8), normal(4, 4)),
    "sepfir2d": (lambda a, b: konvolve.sepfir2d(a, b, b), normal(20, 30), normal(7)),
}

SIGNATURES = {
    "known": lambda a, b: (a.shape, b.shape),
    "unknown": lambda a, b: ([None] * a.ndim, [None] * b.ndim),
    "signal unknown": lambda a, b: ([None] * a.ndim, b.shape),
    "kernel unknown": lambda a, b: (a.shape, [None] * b.ndim),
    "first unknown": lambda a, b: ([None, *a.shape[1:]], b.shape),
}


def close(result, eager, a, b):
    assert result.dtype == eager.dtype
    assert result.shape == eager.shape
    bound = 4 * oracle.tolerance(np.append(a.ravel(), 2), b, eager.dtype.name)
    assert np.abs(result.astype(complex) - eager.astype(complex)).max() <= bound


@pytest.mark.one_in(6)
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_compiled_equals_eager(question, signature, jit):
    ask, a, b = QUESTIONS[question]
    eager = ask(tf.constant(a), tf.constant(b)).numpy()
    shapes = SIGNATURES[signature](a, b)
    specs = [tf.TensorSpec(shape, x.dtype) for shape, x in zip(shapes, (a, b), strict=True)]
    compiled = tf.function(ask, input_signature=specs, jit_compile=jit)
    close(compiled(a, b).numpy(), eager, a, b)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if "long" not in q])
def test_no_operation_leaves_tensorflow(question):
    """A graph has no place for NumPy but a py_function, and no constant as large as the arrays."""
    ask, a, b = QUESTIONS[question]
    graph = tf.function(ask).get_concrete_function(*(tf.TensorSpec(x.shape, x.dtype) for x in (a, b))).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert not {kind for kind in kinds if "PyFunc" in kind}


def test_static_shape_is_kept():
    ask, _, b = QUESTIONS["fftconvolve, image"]
    specs = [tf.TensorSpec((None, 30, 20, 3), tf.float32), tf.TensorSpec(b.shape, tf.float32)]
    assert tf.function(ask).get_concrete_function(*specs).output_shapes == (None, 30, 20, 3)


def test_empty_batch_at_run_time():
    """Where the batch is not known, an empty one comes back empty, with the axes it had."""
    for method in ("fft", "overlap", "direct"):
        compiled = tf.function(
            lambda a, b, method=method: konvolve.convolve(a, b, "same", method, axes=1),
            input_signature=[tf.TensorSpec((None, 3000), tf.float32), tf.TensorSpec((1, 9), tf.float32)],
        )
        assert compiled(tf.zeros((0, 3000)), tf.ones((1, 9))).shape == (0, 3000)
        assert konvolve.convolve(tf.zeros((0, 3000)), tf.ones((1, 9)), "same", method, axes=1).shape == (0, 3000)


def test_in_a_data_pipeline():
    rows, kernel = normal(6, 100), normal(1, 9)
    data = tf.data.Dataset.from_tensor_slices(rows).batch(4)
    data = data.map(lambda x: konvolve.fftconvolve(x, kernel, mode="same", axes=1), num_parallel_calls=2)
    result = np.concatenate(list(data.as_numpy_iterator()))
    oracle.assert_close(result, oracle.convolve(rows, kernel, "same", (1,)), rows, kernel, "float32")


@pytest.mark.parametrize("make", [tf.Variable, keras.Variable, tf.constant, np.asarray, np.ndarray.tolist])
def test_every_kind_of_operand(make):
    a, b = normal(20), normal(5)
    for one, two in ((tf.constant(a), make(b)), (make(a), tf.constant(b))):
        result = konvolve.convolve(one, two)
        assert isinstance(result, tf.Tensor)
        oracle.assert_close(result.numpy(), oracle.convolve(a, b), a, b)


def test_bfloat16():
    a, b = tf.cast(normal(300), tf.bfloat16), tf.cast(normal(20), tf.bfloat16)
    result = konvolve.convolve(a, b)
    assert result.dtype == tf.bfloat16
    wide = [tf.cast(x, tf.float32).numpy() for x in (a, b)]
    np.testing.assert_allclose(tf.cast(result, tf.float32).numpy(), oracle.convolve(*wide), rtol=2**-8, atol=1e-4)
    assert konvolve.fftconvolve(a, b).dtype == tf.float32


def test_unknown_rank_is_an_error():
    with pytest.raises(ValueError, match="rank"):
        tf.function(
            konvolve.fftconvolve, input_signature=[tf.TensorSpec(None), tf.TensorSpec((3,))]
        ).get_concrete_function()


def test_dtypes_tensorflow_has_not():
    with pytest.raises(TypeError, match=r"no such dtype.*object"):
        konvolve.convolve(tf.ones(3), np.array([1, None, 2]))


def test_saved_and_reloaded_without_konvolve(tmp_path):
    """The saved graph is TensorFlow operations: the process that loads it cannot even import konvolve."""

    class Blur(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((1, None, None, 1))])
        def __call__(self, image, kernel):
            return konvolve.fftconvolve(image, kernel, mode="same", axes=(1, 2))

        @tf.function(input_signature=[tf.TensorSpec((None,)), tf.TensorSpec((31,))])
        def long(self, signal, kernel):
            return konvolve.oaconvolve(signal, kernel, mode="same")

    images, kernel = normal(2, 13, 17, 3), normal(1, 4, 5, 1)
    signal, taps = normal(5000), normal(31)
    tf.saved_model.save(Blur(), tmp_path / "blur")
    np.savez(tmp_path / "in.npz", images=images, kernel=kernel, signal=signal, taps=taps)
    code = """
        import sys
        sys.modules["konvolve"] = None
        import numpy as np, tensorflow as tf
        given, blur = np.load("in.npz"), tf.saved_model.load("blur")
        image, long = blur(given["images"], given["kernel"]), blur.long(given["signal"], given["taps"])
        np.savez("out.npz", image=image, long=long)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, check=True, capture_output=True)
    found = np.load(tmp_path / "out.npz")
    oracle.assert_close(found["image"], oracle.convolve(images, kernel, "same", (1, 2)), images, kernel, "float32")
    oracle.assert_close(found["long"], oracle.convolve(signal, taps, "same"), signal, taps, "float32")


def test_autograph_is_not_asked_to_rewrite(recwarn):
    tf.function(lambda a, b: konvolve.oaconvolve(a, b))(normal(3000), normal(20))
    assert not [w for w in recwarn if "AutoGraph" in str(w.message)]


@pytest.fixture
def short_bands(monkeypatch):
    """Blocks worked on a few at a time, so that small arrays go through the loop over bands."""
    from konvolve.execution import plans
    from konvolve.profiles.shipped import CONSTANTS

    monkeypatch.setitem(CONSTANTS, "tensorflow", CONSTANTS["tensorflow"] | {"band": 1500})
    plans.forget()
    yield
    plans.forget()


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("shapes", [((9001,), (20,)), ((2, 5001), (2, 33)), ((401, 300), (11, 13)), ((25,), (7000,))])
def test_many_bands(short_bands, shapes, jit):
    a, b = (normal(*shape, dtype="float64") for shape in shapes)
    axes = (1,) if len(a) == 2 else None

    def ask(a, b):
        return konvolve.oaconvolve(a, b, "same", axes=axes)

    plan = konvolve.plan(*shapes, function="oaconvolve", mode="same", axes=axes, dtype="float64")
    assert plan.method == "overlap"
    way = plan.way
    outputs = max(
        n for n, step in zip((a if not way.swap else b).shape[-len(way.steps) :], way.steps, strict=True) if step
    )
    assert outputs > 2 * way.band * max(way.steps)
    expected = oracle.convolve(a, b, "same", axes)
    oracle.assert_close(ask(tf.constant(a), tf.constant(b)).numpy(), expected, a, b, "float64")
    oracle.assert_close(tf.function(ask, jit_compile=jit)(a, b).numpy(), expected, a, b, "float64")
    points = [tf.constant(a), tf.constant(b)]

    def slopes(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            loss = tf.reduce_sum(ask(a, b) ** 2)
        return tape.gradient(loss, [a, b])

    for found, eager in zip(tf.function(slopes, jit_compile=jit)(*points), slopes(*points), strict=True):
        np.testing.assert_allclose(found, eager, atol=1e-8)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("mode", ["full", "valid"])
@pytest.mark.parametrize("shapes", [((8000,), (20,)), ((2, 5001), (2, 33)), ((301, 200), (11, 13))])
def test_every_derivative_of_many_bands(short_bands, shapes, mode):
    """Of the second order, and in the forward mode: what is read and written in place has them, too."""
    a, b = (tf.constant(normal(*shape, dtype="float64")) for shape in shapes)
    axes = (1,) if shapes[0][0] == 2 else None

    def ask(a, b):
        return konvolve.oaconvolve(a, b, mode, axes=axes)

    def second(a, b):
        with tf.GradientTape() as outer:
            outer.watch([a, b])
            with tf.GradientTape() as inner:
                inner.watch([a, b])
                loss = tf.reduce_sum(ask(a, b) ** 3)
            slopes = inner.gradient(loss, [a, b])
            loss = tf.add_n([tf.reduce_sum(slope**2) for slope in slopes])
        return outer.gradient(loss, [a, b])

    for found, eager in zip(tf.function(second)(a, b), second(a, b), strict=True):
        np.testing.assert_allclose(found, eager, rtol=1e-9, atol=1e-9 * np.abs(eager).max())
    with tf.autodiff.ForwardAccumulator([a, b], [2 * a, 3 * b]) as forward:
        y = tf.function(ask)(a, b)
    np.testing.assert_allclose(forward.jvp(y), 5 * y, atol=1e-9 * np.abs(y).max())


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128", "int32"])
@pytest.mark.parametrize("samples", [8000, 8001, 8002, 8003])
def test_many_bands_of_every_width(short_bands, samples, dtype):
    """Samples are written several at a time where their number allows it."""
    a, b = (np.round(10 * normal(n)).astype(dtype) for n in (samples, 20))
    found = tf.function(lambda a, b: konvolve.convolve(a, b, "same", "overlap"))(tf.constant(a), tf.constant(b))
    oracle.assert_close(found.numpy(), oracle.convolve(a, b, "same", None), a, b, dtype)


def test_batches_that_do_not_fit_are_refused_at_run_time_too():
    compiled = tf.function(
        lambda a, b: konvolve.fftconvolve(a, b, "same", axes=1), input_signature=[tf.TensorSpec((None, None))] * 2
    )
    a, one, three = normal(2, 8), normal(1, 3), normal(3, 3)
    oracle.assert_close(compiled(a, one).numpy(), oracle.convolve(a, one, "same", (1,)), a, one)
    oracle.assert_close(compiled(a[:1], three).numpy(), oracle.convolve(a[:1], three, "same", (1,)), a, three)
    with pytest.raises(tf.errors.InvalidArgumentError):
        compiled(a, three)


def test_a_kernel_per_row_of_an_unknown_batch_in_three_dimensions():
    a, b = normal(2, 4, 5, 6), normal(2, 2, 2, 2)
    specs = [tf.TensorSpec([None] * 4), tf.TensorSpec([None, 2, 2, 2])]
    compiled = tf.function(lambda a, b: konvolve.convolve(a, b, "same", axes=(1, 2, 3)), input_signature=specs)
    oracle.assert_close(compiled(a, b).numpy(), oracle.convolve(a, b, "same", (1, 2, 3)), a, b, "float32")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64"])
def test_what_is_finite_is_seen_in_every_dtype(dtype):
    from konvolve.backends import tensorflow as backend

    x = tf.cast([1.0, 2.0], dtype)
    assert backend.all_finite((x,)) is True
    assert backend.all_finite((x, tf.cast([1.0, np.nan], dtype))) is False
