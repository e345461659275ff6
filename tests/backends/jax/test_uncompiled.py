"""Eager JAX and ever new lengths: the first call of each is computed without a program, and nothing else changes."""

import dataclasses
import gc
import os
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import konvolve
import oracle
from konvolve import nn
from konvolve.backends.jax import uncompiled as jax_uncompiled
from konvolve.execution import plans
from questions import QUESTIONS, function

jax.config.update("jax_enable_x64", True)
BY_NUMPY = jax_uncompiled.by_numpy
COMPILATIONS = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **_: COMPILATIONS.append(name) if name.endswith("backend_compile_duration") else None
)
rng = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch):
    """The other tests compile at once, to reach the compiled code."""
    monkeypatch.setattr(jax_uncompiled, "by_numpy", BY_NUMPY)
    plans.forget()  # so that no plan has been seen


def normal(shape, dtype="float64"):
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else x).astype(dtype)


def twice(ask, *arrays, programs=1, beside=0):
    """Return two answers to a question: the first call compiles nothing, the second as many programs as are said.

    ``beside`` are those that do not depend on the signal, compiled in the first call, or by another test before.
    """
    arrays = [jnp.asarray(x) for x in arrays]
    before = len(COMPILATIONS)
    first = ask(*arrays)
    between = len(COMPILATIONS)
    assert between - before in (0, beside)
    second = ask(*arrays)
    assert programs in (None, len(COMPILATIONS[between:]))
    third, after = ask(*arrays), len(COMPILATIONS)
    np.testing.assert_array_equal(third, second)
    assert not COMPILATIONS[after:]
    assert isinstance(first, jax.Array)
    assert (first.shape, first.dtype, first.weak_type) == (second.shape, second.dtype, second.weak_type)
    return np.asarray(first), np.asarray(second)


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_asked_in_other_tests(question):
    ask, *shapes = QUESTIONS[question]
    beside = 2 if question == "sepfir2d" else 0  # the kernel as a row, and as a column
    first, second = twice(ask, *map(normal, shapes), programs=None, beside=beside)
    np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-9)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("method", ["auto", "direct", "fft", "overlap", "matrix"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("axes", [None, 1])
def test_modes_and_methods(mode, method, axes):
    a, b = normal((20, 300)), normal((1 if axes else 3, 21))
    first, second = twice(lambda a, b: konvolve.convolve(a, b, mode, method, axes=axes), a, b)
    expected = oracle.convolve(a, b, mode) if axes is None else np.stack([np.convolve(row, b[0], mode) for row in a])
    for y in (first, second):
        oracle.assert_close(y, expected, a, b, "float64")


@pytest.mark.parametrize("boundary", ["reflect", "symmetric", "nearest", "wrap", 2.5])
@pytest.mark.parametrize("mode", ["same", "full"])
def test_boundaries(boundary, mode):
    a, b = normal((30, 41)), normal((5, 7))
    first, second = twice(lambda a, b: konvolve.convolve(a, b, mode, boundary=boundary), a, b)
    for y in (first, second):
        np.testing.assert_allclose(y, konvolve.convolve(a, b, mode, boundary=boundary), rtol=0, atol=1e-9)


def test_lags():
    a, b = normal(200), normal(90)
    first, second = twice(lambda a, b: konvolve.correlate(a, b, lags=(-20, 31)), a, b)
    for y in (first, second):
        np.testing.assert_allclose(y, konvolve.correlate(a, b, lags=(-20, 31)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64", "complex128"])
@pytest.mark.parametrize("method", ["auto", "fft", "direct"])
def test_dtypes(dtype, method):
    a, b = (
        jnp.asarray(normal(n, "complex128" if dtype.startswith("c") else "float64")).astype(dtype) for n in (200, 9)
    )
    first, second = twice(lambda a, b: konvolve.convolve(a, b, method=method), a, b)
    precise = "complex128" if dtype.startswith("c") else "float64"
    expected = np.convolve(np.asarray(a.astype(precise)), np.asarray(b.astype(precise)))
    tolerance = {"float16": 5e-3, "bfloat16": 4e-2, "complex128": 1e-12}.get(dtype, 1e-5)
    for y in (first, second):
        np.testing.assert_allclose(y.astype(precise), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int32", "int64", "uint64"])
@pytest.mark.parametrize("method", ["auto", "fft", "direct", "overlap"])
def test_integers_are_exact(dtype, method):
    info = None if dtype == "bool" else np.iinfo(dtype)
    a, b = (
        rng.random(n) < 0.5 if info is None else rng.integers(info.min, info.max, n, dtype, endpoint=True)
        for n in (300, 40)
    )
    for y in twice(function("convolve", method=method), a, b):
        oracle.assert_close(y, oracle.convolve(a, b), a, b, dtype)


def last(ask, *arguments, **options):
    return lambda x, k, **more: ask(x, k, *arguments, data_format="channels_last", **options, **more)


def first_format(ask, *arguments, **options):
    return lambda x, k, **more: ask(x, k, *arguments, data_format="channels_first", **options, **more)


CHANNELS = {
    "same": (last(nn.conv, padding="same"), (2, 60, 4), (7, 4, 6)),
    "causal": (last(nn.conv, padding="causal"), (2, 60, 4), (7, 4, 6)),
    "strides": (last(nn.conv, 3, padding="same"), (2, 60, 4), (7, 4, 6)),
    "dilated": (last(nn.conv, dilation_rate=3), (2, 60, 4), (7, 4, 6)),
    "groups": (last(nn.conv, padding="same"), (2, 60, 4), (7, 2, 6)),
    "pictures": (last(nn.conv, (2, 1), padding="same"), (2, 30, 20, 4), (5, 4, 4, 6)),
    "channels first": (first_format(nn.conv, 2, padding="same"), (2, 4, 30, 20), (5, 4, 4, 6)),
    "volumes": (last(nn.conv, padding="same"), (1, 9, 8, 7, 2), (3, 2, 3, 2, 3)),
    "depthwise": (last(nn.depthwise_conv, padding="same"), (2, 60, 4), (7, 4, 3)),
    "depthwise, first": (first_format(nn.depthwise_conv, 2), (2, 4, 30, 20), (5, 3, 4, 2)),
    "transposed": (last(nn.conv_transpose, 3, padding="same"), (2, 20, 4), (7, 6, 4)),
    "transposed, valid": (first_format(nn.conv_transpose, (2, 3)), (2, 4, 12, 9), (5, 2, 6, 4)),
    "transposed, dilated": (last(nn.conv_transpose, dilation_rate=2), (2, 20, 4), (7, 6, 4)),
    "reflect": (last(nn.conv, padding="same", padding_mode="reflect"), (2, 60, 4), (7, 4, 6)),
    "a kernel each": (last(nn.conv, padding="same"), (2, 60, 4), (2, 7, 4, 6)),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("question", CHANNELS)
@pytest.mark.parametrize(
    ("method", "dtype"),
    [("direct", "float32"), ("direct", "complex64"), ("fft", "float32"), ("overlap", "float32")],
)
def test_channels(question, method, dtype):
    ask, *shapes = CHANNELS[question]
    x, k = (normal(shape, dtype) for shape in shapes)
    expected = ask(x.astype("complex128"), k.astype("complex128"), method="direct")
    for y in twice(lambda x, k: ask(x, k, method=method), x, k):
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_kernel_for_many_calls():
    a, b = normal(300), normal(40)
    kernel = konvolve.Kernel(b)
    for n in (300, 299, 298):
        first, second = twice(lambda a: konvolve.fftconvolve(a, kernel), a[:n], programs=1)
        np.testing.assert_allclose(first, np.convolve(a[:n], b), rtol=0, atol=1e-9)
        np.testing.assert_allclose(second, np.convolve(a[:n], b), rtol=0, atol=1e-9)


def test_derivatives_are_those_of_compiled_code():
    a, b = jnp.asarray(normal(120)), jnp.asarray(normal(9))

    def loss(a, b):
        return (konvolve.convolve(a, b, "same", boundary="reflect") ** 2).sum()

    for derivative in (jax.grad(loss, (0, 1)), lambda a, b: jax.jvp(loss, (a, b), (b[0] * a, b)), jax.hessian(loss, 1)):
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9),
            derivative(a, b),
            jax.jit(derivative)(a, b),
        )
    assert np.isfinite(jax.vmap(lambda b: konvolve.convolve(a, b))(jnp.stack([b, 2 * b]))).all()


def test_inside_a_trace_nothing_is_traced_wrongly():
    """Arrays that are constants of a function that is being traced."""
    a, b = jnp.asarray(normal(30)), jnp.asarray(normal(4))
    for _ in range(2):
        y = jax.jit(lambda x: x * konvolve.convolve(a, b))(2.0)
        np.testing.assert_allclose(y, 2 * np.convolve(a, b), atol=1e-9)


def test_what_is_not_finite_is_not_warned_of():
    a = jnp.asarray([1.0, np.nan, np.inf, 1e300, 0.0])
    for method in ("direct", "fft"):
        first, second = twice(function("convolve", method=method), a, jnp.asarray([0.0, 1e300]))
        np.testing.assert_array_equal(np.isnan(first).any(), np.isnan(second).any())


def test_arrays_that_belong_to_a_device_stay_there():
    device = jax.devices()[0]
    a, b = (jax.device_put(normal(n), device) for n in (50, 5))
    assert a.committed
    y = konvolve.convolve(a, b)
    assert y.committed
    assert y.devices() == {device}


def test_what_takes_long_is_compiled_at_once(monkeypatch):
    monkeypatch.setattr(jax_uncompiled, "_QUICK", 0.0)
    a, b = jax.device_put(normal(77)), jax.device_put(normal(5))
    before = len(COMPILATIONS)
    konvolve.convolve(a, b, method="direct")
    assert len(COMPILATIONS[before:]) == 1


def test_programs_have_a_bound(monkeypatch):
    monkeypatch.setattr(jax_uncompiled, "_MOST_PROGRAMS", 3)
    monkeypatch.setattr(jax_uncompiled, "_MOST_AWAITED", 2)
    from konvolve.backends import jax as backend
    from konvolve.methods.signal import run

    b = normal(5)
    for n in (*range(40, 50), *range(40, 50)):
        for y in twice(lambda a: konvolve.fftconvolve(a, b), normal(n), programs=None):
            assert y.shape == (n + 4,)
    whole = backend.compiled(run.run)
    held = dict(zip(whole.__code__.co_freevars, whole.__closure__, strict=True))
    assert len(held["programs"].cell_contents) <= 3
    assert len(held["awaited"].cell_contents) <= 2
    gc.collect()


def test_equal_plans_that_were_made_anew_share_a_program(monkeypatch):
    """Each is another plan by its identity, and the program is neither made nor dropped again."""
    monkeypatch.setattr(jax_uncompiled, "_MOST_PROGRAMS", 3)
    monkeypatch.setattr(jax_uncompiled, "by_numpy", lambda plan, arrays: False)
    from konvolve.backends import jax as backend
    from konvolve.methods.signal import run

    planned = konvolve.plan((61,), (6,), function="fftconvolve", dtype="float64", library="jax")
    equal = [dataclasses.replace(planned) for _ in range(8)]
    whole = jax_uncompiled.when_it_comes_again(run.run)
    a, b, before = jnp.asarray(normal(61)), jnp.asarray(normal(6)), len(COMPILATIONS)
    for plan in equal:
        np.testing.assert_allclose(whole(backend, plan, a, b), np.convolve(a, b), rtol=0, atol=1e-12)
    assert len(COMPILATIONS) - before == 1


def test_a_thousand_clips_of_a_thousand_lengths():
    """In a process of its own, twice over: hardly a program, and no more memory."""
    code = """
        import resource
        import numpy as np, jax, jax.numpy as jnp, konvolve
        from konvolve import nn
        count = []
        jax.monitoring.register_event_duration_secs_listener(
            lambda name, seconds, **_: count.append(name) if name.endswith("backend_compile_duration") else None
        )
        rng = np.random.default_rng(0)
        clips = [rng.standard_normal(n, "float32") for n in rng.permutation(np.arange(2000, 3000))]
        kernel, channels = rng.standard_normal(65, "float32"), rng.standard_normal((65, 1, 2), "float32")
        memory = []
        for turn in range(2):
            for clip in clips:
                x = jax.device_put(clip)
                y = konvolve.convolve(x, kernel, "same")
                z = nn.conv(jax.device_put(clip[None, :, None]), channels, padding="same",
                            data_format="channels_last")
                if len(memory) % 100 == 0:
                    np.testing.assert_allclose(y, np.convolve(clip, kernel, "same"), atol=1e-3)
                    expected = np.convolve(clip, channels[::-1, 0, 1], "same")
                    np.testing.assert_allclose(np.asarray(z)[0, :, 1], expected, atol=1e-3)
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        assert len(count) <= 10, len(count)
        assert memory[-1] - memory[500] < 64, (memory[500], memory[-1])  # MiB; it was 3 for each length
        """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True, env=dict(os.environ))
