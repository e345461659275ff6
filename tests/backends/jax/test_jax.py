"""JAX in all its ways: jit, grad, jvp and vmap in any nesting, export, sharding, with and without 64-bit types."""

import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import scipy.signal

import konvolve
import oracle
from konvolve.execution import plans
from konvolve.planning.signal import planner
from questions import QUESTIONS, function

jax.config.update("jax_enable_x64", True)


def normal(shape, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return jnp.asarray((x + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else x).astype(dtype))


FEW = ("fft, picture", "fft, volume", "overlap", "direct", "symm")


def operands(question):
    ask, *shapes = QUESTIONS[question]
    return ask, *(normal(shape, seed) for seed, shape in enumerate(shapes))


def near(found, expected):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-7), found, expected)


@pytest.mark.parametrize("question", QUESTIONS)
def test_eager_and_compiled_equal_numpy(question):
    ask, a, b = operands(question)
    expected = ask(np.asarray(a), np.asarray(b))
    for run in (ask, jax.jit(ask)):
        y = run(a, b)
        assert isinstance(y, jax.Array)
        assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
        near(y, expected)
    assert jax.eval_shape(ask, a, b).shape == expected.shape


@pytest.mark.one_in(4)
@pytest.mark.parametrize("question", QUESTIONS)
def test_derivatives_are_the_finite_differences(question):
    """To two orders, forwards, backwards and one in the other, compiled: as people take them."""
    ask, a, b = operands(question)
    jax.test_util.check_grads(jax.jit(ask), (a, b), order=2, modes=["fwd", "rev"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("method", "mode"), [("fft", "full"), ("direct", "same"), ("overlap", "valid")])
def test_complex_derivatives(method, mode):
    ask = jax.jit(function("correlate", mode=mode, method=method, axes=1))
    a, b = normal((2, 90), 1, "complex128"), normal((1, 5), 2, "complex128")
    jax.test_util.check_grads(ask, (a, b), order=2, modes=["fwd", "rev"], atol=1e-4, rtol=1e-4)


def test_eager_derivatives_sum_a_broadcast_batch():
    a, b = normal((4, 3, 20)), normal((1, 3, 5), 1)
    found = jax.grad(lambda a, b: (konvolve.fftconvolve(a, b, "same", axes=2) ** 2).sum(), (0, 1))(a, b)
    repeated = jax.grad(lambda a, b: (konvolve.fftconvolve(a, b, "same", axes=2) ** 2).sum(), (0, 1))(
        a, jnp.repeat(b, 4, 0)
    )
    near(found, (repeated[0], repeated[1].sum(0, keepdims=True)))


def loss_of(ask):
    return lambda a, b: (ask(a, b) ** 2).sum()


@pytest.mark.one_in(3)
@pytest.mark.parametrize("question", FEW)
def test_any_nesting_is_a_loop(question):
    """vmap of jit of grad, grad of a mapped sum, jit of all: what a loop over the rows gives."""
    ask, a, b = operands(question)
    rows, kernels = jnp.stack([a, 2 * a, a[::-1]]), jnp.stack([b, b[::-1], -b])
    loss = loss_of(ask)
    gradient = jax.grad(loss, (0, 1))
    looped = [gradient(row, kernel) for row, kernel in zip(rows, kernels, strict=True)]
    looped = jax.tree.map(lambda *each: jnp.stack(each), *looped)
    nested = {
        "vmap(jit(grad))": jax.vmap(jax.jit(gradient)),
        "jit(vmap(grad))": jax.jit(jax.vmap(gradient)),
        "grad(sum(vmap))": jax.grad(lambda a, b: jax.vmap(jax.jit(loss))(a, b).sum(), (0, 1)),
    }
    for name, run in nested.items():
        for found, expected in zip(run(rows, kernels), looped, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7, err_msg=name)
    near(jax.vmap(ask, (None, 0))(a, kernels), jnp.stack([ask(a, kernel) for kernel in kernels]))
    near(jax.vmap(ask, (-1, None), -1)(jnp.moveaxis(rows, 0, -1), b), jnp.stack([ask(r, b) for r in rows], -1))


def test_jacobians_both_ways_and_the_hessian():
    ask, a, b = operands("correlate")
    forward, backward = jax.jacfwd(ask)(a, b), jax.jit(jax.jacrev(ask))(a, b)
    near(forward, backward)
    near(jnp.tensordot(forward, a, 2), ask(a, b))
    hessian = jax.jit(jax.hessian(loss_of(ask), 1))(a, b)
    near(hessian, hessian.transpose(2, 3, 0, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "taps", "dtype"), [((3, 90, 80), (1, 3, 3), "float32"), ((5, 400), (1, 7), "complex128")]
)
def test_the_gradient_by_few_taps_is_taken_from_another_method(shape, taps, dtype, monkeypatch):
    """A loop over taps has a slow one: where that matters it comes from the next best plan, in every mode."""
    monkeypatch.setattr(planner, "_WORTH", 0.0)
    plans.forget()
    options = {"mode": "same", "axes": tuple(axis for axis, n in enumerate(taps) if n > 1)}
    plan = konvolve.plan(shape, taps, **options, dtype=dtype, library="jax")
    assert (plan.method, plan.adjoint is not None) == ("direct", True)
    a, b, w = (normal(each, seed, dtype) for seed, each in enumerate((shape, taps, shape)))

    def loss(method):
        return lambda a, b: (jnp.abs(konvolve.convolve(a, b, method=method, **options) - w) ** 2).sum()

    def derivatives(f):
        grad = jax.grad(f, (0, 1))
        return [
            grad(a, b),
            jax.grad(f, 1)(a, b),
            jax.jit(grad)(a, b),
            jax.jvp(f, (a, b), (2 * a, b)),
            jax.jvp(lambda b: f(a, b), (b,), (b,)),
            jax.jvp(grad, (a, b), (a, 3 * b)),
            jax.grad(lambda b: jnp.abs(jax.grad(f, 1)(a, b)).sum())(b),
            jax.vmap(jax.grad(f, 1), (0, None))(jnp.stack([a, 2 * a]), b),
        ]

    def close(found, expected):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=3e-4 * float(jnp.abs(expected).max()))

    jax.tree.map(close, derivatives(loss("auto")), derivatives(loss("fft")))
    plans.forget()


def test_the_gradient_by_few_taps_at_shifted_lags_of_a_periodic_picture():
    """As many lags as samples, but others: one transform leaves the picture as it is, the sum over taps shifts it."""
    a, b, w = (normal(shape, seed, "float32") for seed, shape in enumerate([(256, 256, 3), (3, 3, 1), (254, 254, 3)]))
    options = {"boundary": "wrap", "lags": [(5, 258), (-7, 246)], "axes": (0, 1)}
    plan = konvolve.plan(a.shape, b.shape, function="correlate", library="jax", **options)
    assert plan.method == "direct"
    assert plan.adjoint is not None
    assert plan.adjoint.extension == plan.extension

    def gradient(method):
        return jax.grad(lambda b: (konvolve.correlate(a, b, method=method, **options) * w).sum())(b)

    np.testing.assert_allclose(gradient("auto"), gradient("fft"), rtol=1e-3, atol=1e-3 * 256)


def test_bands_are_a_loop_in_compiled_code(monkeypatch):
    """More blocks than are worked on at once, in a picture tiled on both axes."""
    from konvolve.execution import plans
    from konvolve.profiles.shipped import CONSTANTS

    monkeypatch.setitem(CONSTANTS, "jax", CONSTANTS["jax"] | {"band": 2**16})
    plans.forget()
    shapes = (2300, 700), (9, 13)
    assert all(konvolve.plan(*shapes, function="oaconvolve", mode="same", library="jax").way.steps)
    a, b = (normal(shape, seed, "float32") for seed, shape in enumerate(shapes))
    run = jax.jit(function("oaconvolve", mode="same"))
    assert "while" in run.lower(a, b).as_text()
    expected = konvolve.fftconvolve(a, b, "same")
    for y in (run(a, b), konvolve.oaconvolve(a, b, "same")):
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    inside = jax.jit(function("oaconvolve", mode="valid"))(a, b)  # no slab reaches beyond the signal
    np.testing.assert_allclose(inside, expected[4:-4, 6:-6], rtol=0, atol=1e-5 * np.abs(expected).max())
    weights = normal(expected.shape, 2, "float32")
    found, wanted = (
        jax.jit(jax.grad(lambda b, ask=ask: (ask(a, b, "same") * weights).sum()))(b)
        for ask in (konvolve.oaconvolve, konvolve.fftconvolve)
    )
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
    plans.forget()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("method", ["fft", "direct", "overlap"])
def test_half_precision(dtype, method):
    a, b = normal((600,), 1).astype(dtype), normal((20,), 2).astype(dtype)
    wide = [np.asarray(x.astype("float64")) for x in (a, b)]
    ask = function("convolve", method=method)
    for run in (ask, jax.jit(ask)):
        y = run(a, b)
        assert y.dtype == dtype
        eps = float(jnp.finfo(dtype).eps)
        np.testing.assert_allclose(y.astype("float64"), oracle.convolve(*wide), rtol=eps, atol=1e-4)
    assert [g.dtype for g in jax.grad(lambda a, b: ask(a, b).sum(), (0, 1))(a, b)] == [dtype] * 2
    assert konvolve.fftconvolve(a, b).dtype == "float32"


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("method", ["auto", "fft", "direct", "overlap"])
def test_integers_are_exact_compiled(dtype, method):
    rng = np.random.default_rng(1)
    info = None if dtype == "bool" else np.iinfo(dtype)
    a, b = (
        rng.random(n) < 0.5 if info is None else rng.integers(info.min, info.max, n, dtype, endpoint=True)
        for n in (300, 40)
    )
    y = jax.jit(function("convolve", method=method))(jnp.asarray(a), jnp.asarray(b))
    oracle.assert_close(y, oracle.convolve(a, b), a, b, dtype)


@pytest.mark.parametrize("method", ["fft", "direct", "overlap"])
def test_empty_batches(method):
    ask = function("convolve", mode="same", method=method, axes=1)
    for run in (ask, jax.jit(ask)):
        assert run(jnp.ones((0, 3000)), jnp.ones((1, 9))).shape == (0, 3000)
    gradient = jax.grad(lambda a, b: ask(a, b).sum(), (0, 1))(jnp.ones((0, 3000)), jnp.ones((1, 9)))
    assert [g.shape for g in gradient] == [(0, 3000), (1, 9)]


@pytest.mark.parametrize("method", ["fft", "direct", "overlap"])
def test_exported_with_a_batch_of_any_size(method):
    ask = jax.jit(function("convolve", mode="same", method=method, axes=1))
    (batch,) = jax.export.symbolic_shape("batch")
    shapes = jax.ShapeDtypeStruct((batch, 3000), "float32"), jax.ShapeDtypeStruct((1, 9), "float32")
    exported = jax.export.deserialize(jax.export.export(ask)(*shapes).serialize())
    for rows in (1, 2, 5):
        a, b = normal((rows, 3000), rows, "float32"), normal((1, 9), 1, "float32")
        np.testing.assert_allclose(exported.call(a, b), ask(a, b), rtol=0, atol=1e-5)


def test_exported_with_a_length_of_any_size():
    """Blocks have a length of their own; one transform of everything has to know how long that is."""
    (length,) = jax.export.symbolic_shape("length", constraints=["length >= 900"])
    shapes = jax.ShapeDtypeStruct((length,), "float32"), jax.ShapeDtypeStruct((90,), "float32")
    exported = jax.export.export(jax.jit(function("oaconvolve", mode="same")))(*shapes)
    kernel = normal((90,), 1, "float32")
    for n in (900, 1000, 5001):
        a = normal((n,), n, "float32")
        np.testing.assert_allclose(exported.call(a, kernel), np.convolve(a, kernel, "same"), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="JAX has to know the sizes of the convolved axes"):
        jax.export.export(jax.jit(function("convolve", method="fft")))(*shapes)


@pytest.mark.parametrize("kind", ["numpy", "list", "reversed", "other byte order", "jax"])
def test_every_kind_of_operand(kind):
    a, b = np.asarray(normal((20,))), np.asarray(normal((5,), 1))
    kernel = {
        "numpy": b,
        "list": b.tolist(),
        "reversed": b[::-1].copy()[::-1],
        "other byte order": b.astype(">f8"),
        "jax": jnp.asarray(b),
    }[kind]
    for one, two in ((jnp.asarray(a), kernel), (kernel, jnp.asarray(a))):
        y = konvolve.convolve(one, two)
        assert isinstance(y, jax.Array)
        oracle.assert_close(y, oracle.convolve(a, b), a, b, "float64")
    y = jax.jit(lambda x: konvolve.convolve(x, kernel))(jnp.asarray(a))  # the kernel is a constant of the program
    oracle.assert_close(y, oracle.convolve(a, b), a, b, "float64")


def test_one_program_per_question():
    """Called again with the same shapes, nothing is traced and nothing compiled."""
    ask = jax.jit(function("fftconvolve", mode="same"))
    ask(normal((30,)), normal((7,)))
    with jax.no_tracing():
        ask(normal((30,), 5), normal((7,), 6))


def test_libraries_are_not_mixed():
    import tensorflow as tf
    import torch

    a = jnp.ones(5)
    for other, name in ((torch.ones(3), "torch"), (tf.ones(3), "tensorflow")):
        for one, two, first, second in ((a, other, "jax", name), (other, a, name, "jax")):
            with pytest.raises(TypeError, match=f"in1 is of {first} and in2 of {second}.*convert one of them"):
                konvolve.convolve(one, two)


def in_a_process_of_its_own(code, **environment):
    import os

    subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True, env={**os.environ, **environment}
    )


def test_without_64_bits():
    """JAX as it comes: float64 is computed as float32, without a word, and integers are exact in 32 bits."""
    in_a_process_of_its_own(
        """
        import numpy as np, jax, jax.numpy as jnp, konvolve
        rng = np.random.default_rng(1)
        a, b = rng.standard_normal(300), rng.standard_normal(40)
        expected = np.convolve(a, b)
        for ask in (konvolve.fftconvolve, konvolve.oaconvolve, konvolve.convolve):
            for one, two in ((jnp.asarray(a), b), (a, jnp.asarray(b))):
                y = ask(one, two)
                assert y.dtype == "float32", y.dtype
                assert np.abs(y - expected).max() < 1e-4
        assert konvolve.convolve(jnp.asarray(a * 1j), b).dtype == "complex64"
        for dtype in ("bool", "uint8", "int16", "int32", "uint32"):
            high = 2 if dtype == "bool" else np.iinfo(dtype).max
            m, n = (rng.integers(0, high, size, np.int64).astype(dtype) for size in (300, 40))
            wide = np.convolve(m.astype(object), n.astype(object))
            for method in ("auto", "fft", "direct", "overlap"):
                y = jax.jit(lambda m, n: konvolve.convolve(m, n, method=method))(jnp.asarray(m), jnp.asarray(n))
                right = (wide != 0) if dtype == "bool" else np.array([int(v) % 2**32 for v in wide]).astype("uint32")
                assert y.dtype == dtype
                np.testing.assert_array_equal(y, right.astype(dtype))
        # 64-bit integers of NumPy's become 32-bit ones, as everywhere in JAX.
        y = konvolve.convolve(jnp.asarray(m), n.astype("int64"))
        assert y.dtype.itemsize == 4, y.dtype
        image, kernel = rng.standard_normal((9, 8)), np.array([1.0, 2.0, 1.0])
        for boundary in ("fill", "wrap", "symm"):
            assert konvolve.convolve2d(jnp.asarray(image), image[:3, :3], "same", boundary).dtype == "float32"
        assert konvolve.sepfir2d(jnp.asarray(image), kernel, kernel).dtype == "float32"
        """
    )


def test_batches_over_two_devices():
    in_a_process_of_its_own(
        """
        import numpy as np, jax, jax.numpy as jnp, konvolve
        from jax.sharding import NamedSharding, PartitionSpec
        mesh = jax.make_mesh((2,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
        split, whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("rows",), ()))
        rng = np.random.default_rng(1)
        a, b = rng.standard_normal((4, 600), np.float32), rng.standard_normal((1, 9), np.float32)
        placed = jax.device_put(a, split), jax.device_put(b, whole)
        for method in ("fft", "direct", "overlap"):
            def loss(a, b):
                y = konvolve.convolve(a, b, "same", method, axes=1)
                return (y**2).sum(), y
            run = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))
            (_, y), gradients = run(*placed)
            assert len(y.sharding.device_set) == 2
            (_, expected), wanted = run(jnp.asarray(a), jnp.asarray(b))
            np.testing.assert_allclose(y, expected, atol=1e-4)
            for found, right in zip(gradients, wanted):
                np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-2)
        """,
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
        JAX_PLATFORMS="cpu",
    )


def test_dtypes_jax_has_not():
    for kernel in (np.array([1, None, 2]), np.ones(3, np.longdouble)):
        with pytest.raises(TypeError, match=f"no such dtype.*{kernel.dtype}"):
            konvolve.convolve(jnp.ones(3), kernel)


def test_a_long_sum_is_a_loop_whose_program_does_not_grow():
    x, k = normal((3, 700)), normal((1, 500), 1)

    def program(taps):
        convolve = jax.jit(lambda x, k: konvolve.convolve(x, k, "valid", "direct", axes=1))
        return convolve.lower(x, k[:, :taps]).as_text()

    assert len(program(500)) < 1.5 * len(program(150))
    assert "while" in program(500)


def test_a_long_sum_of_integers_and_its_gradient():
    rng = np.random.default_rng(5)
    a, b = rng.integers(-99, 99, (20, 21, 22)), rng.integers(-99, 99, (6, 7, 4))
    found = konvolve.convolve(jnp.asarray(a), jnp.asarray(b), "same", "direct")
    np.testing.assert_array_equal(found, scipy.signal.convolve(a, b, "same", "direct"))
    x, k, w = (rng.standard_normal(n) for n in (400, 130, 271))

    def loss(x, k):
        return (konvolve.convolve(x, k, "valid", "direct") * w).sum()

    by_x, by_k = jax.grad(loss, (0, 1))(jnp.asarray(x), jnp.asarray(k))
    np.testing.assert_allclose(by_x, np.correlate(w, k, "full"), atol=1e-12)
    np.testing.assert_allclose(by_k, np.correlate(x, w, "valid")[::-1], atol=1e-12)
