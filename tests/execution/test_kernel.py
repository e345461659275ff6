"""Kernels prepared once, and kernels that are products of their axes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import konvolve
import oracle
from konvolve.execution import factors, plans
from libraries import LIBRARIES


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    return LIBRARIES[request.param]


@st.composite
def products(draw):
    """A signal, and a kernel that is the outer product of factors along some axes."""
    ndim = draw(st.integers(1, 3))
    axes = tuple(sorted(draw(st.permutations(range(ndim)))[: draw(st.integers(1, ndim))]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["float32", "float64", "complex64"]))
    shape2 = [draw(st.integers(1, 5)) if axis in axes else 1 for axis in range(ndim)]
    shape1 = [draw(st.integers(5, 9)) for _ in range(ndim)]

    def normal(shape):
        x = rng.standard_normal(shape)
        return x + 1j * rng.standard_normal(shape) if dtype == "complex64" else x

    kernel = np.ones([1] * ndim)
    for axis in axes:
        kernel = kernel * normal([n if i == axis else 1 for i, n in enumerate(shape2)])
    return normal(shape1).astype(dtype), kernel.astype(dtype), axes


@pytest.mark.parametrize("function", ["convolve", "correlate"])
def test_separable_is_the_convolution(library, function):
    @settings(max_examples=10 if library.name == "jax" else 30)
    @given(products(), st.sampled_from(["full", "same", "valid"]), st.sampled_from(["zero", "reflect", "wrap"]))
    def check(question, mode, boundary):
        a, b, axes = question
        ask = getattr(konvolve, function)
        y = ask(library.array(a), library.array(b), mode, "separable", axes=axes, boundary=boundary)
        z = ask(a.astype(np.result_type(a, float)), b, mode, "direct", axes=axes, boundary=boundary)
        wide = np.pad(a, [(b.shape[i], b.shape[i]) for i in range(a.ndim)], mode="edge")  # a bound for what is beyond
        oracle.assert_close(library.numpy(y), z, wide, b, a.dtype.name)

    check()


def test_separable_refuses_what_is_no_product(library):
    a, b = np.ones((9, 9)), np.eye(3)
    with pytest.raises(ValueError, match="product of one factor per axis"):
        konvolve.convolve(library.array(a), library.array(b), method="separable")
    with pytest.raises(ValueError, match="floating-point"):
        konvolve.convolve(library.array(a.astype(int)), library.array(b.astype(int)), method="separable")
    with pytest.raises(ValueError, match="no constant beyond"):
        konvolve.convolve(library.array(a), library.array(np.ones((3, 3))), method="separable", boundary=1.0)


def test_terms_are_the_fewest_that_sum_up():
    rng = np.random.default_rng(3)
    for rank in (1, 2, 3):
        kernel = rng.standard_normal((9, rank)) @ rng.standard_normal((rank, 7))
        found = factors.terms(kernel, (0, 1), 2.0**-52, most=4)
        assert len(found) == rank
        np.testing.assert_allclose(sum(u * v for u, v in found), kernel, atol=1e-13)
        assert rank == 1 or factors.terms(kernel, (0, 1), 2.0**-52, most=rank - 1) == []
    off = np.outer(np.arange(1.0, 10), np.arange(1.0, 8))
    off[4, 4] += 1e-5
    assert factors.terms(off, (0, 1), 2.0**-52) == []
    assert factors.terms(off * np.nan, (0, 1), 2.0**-52) == []
    assert factors.terms(off * 0, (0, 1), 2.0**-52) == []


def test_auto_sees_that_a_kernel_is_a_product(library, monkeypatch):
    """The plan names the passes; with a kernel that is no product the same plan takes the other method."""
    from konvolve.methods.signal import separable

    runs = []
    original = separable.run
    monkeypatch.setattr(separable, "run", lambda *a: runs.append(1) or original(*a))
    rng = np.random.default_rng(5)
    a = rng.standard_normal((60, 60, 60)).astype("float32")
    taps = np.array([1, 4, 6, 4, 1], "float32") / 16
    product = taps[:, None, None] * taps[:, None] * taps
    other = product.copy()
    other[0, 0, 0] += 1
    profile = "jax32" if library.name == "jax" else library.name
    plan = konvolve.plan(a.shape, product.shape, mode="same", library=profile)
    for kernel, expected in ((product, plan.separable is not None), (other, False)):
        runs.clear()
        y = library.numpy(konvolve.convolve(library.array(a), library.array(kernel), "same"))
        assert bool(runs) == expected
        oracle.assert_close(y, oracle.convolve(a, kernel, "same"), a, kernel, "float32")


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("shape1", "shape2", "options"),
    [
        ((400,), (50,), {}),
        ((3, 70, 60), (1, 40, 30), {"axes": (1, 2), "mode": "same"}),
        ((20_000,), (33,), {"mode": "valid"}),
        ((50, 40), (9, 9), {"boundary": ["wrap", "reflect"], "method": "fft"}),
    ],
)
def test_a_kernel_gives_what_its_array_gives(library, shape1, shape2, options):
    rng = np.random.default_rng(11)
    a, b = rng.standard_normal(shape1), rng.standard_normal(shape2)
    for dtype in ("float32", "int32"):
        x, k = (library.array((v * 40).astype(dtype)) for v in (a, b))
        kernel = konvolve.Kernel(k)
        for function in (konvolve.convolve, konvolve.correlate):
            expected = library.numpy(function(x, k, **options))
            for _ in range(2):
                oracle.assert_close(library.numpy(function(x, kernel, **options)), expected, a * 40, b * 40, dtype)


def test_a_spectrum_is_computed_once(library, monkeypatch):
    from konvolve.execution import signal as module

    count = []
    original = module.prepare
    monkeypatch.setattr(module, "prepare", lambda *a: count.append(1) or original(*a))
    rng = np.random.default_rng(2)
    a, b = (rng.standard_normal(n).astype("float32") for n in (5000, 4000))
    kernel = konvolve.Kernel(library.array(b))
    for _ in range(3):
        konvolve.fftconvolve(library.array(a), kernel)
    konvolve.fftconvolve(library.array(a), kernel, mode="same")
    assert len(count) <= 2 if library.name == "jax" else len(count) == 2
    np.testing.assert_array_equal(np.asarray(kernel), b)


def test_a_numpy_kernel_serves_every_library(library):
    a, b = np.arange(90.0), np.ones(40)
    y = konvolve.fftconvolve(library.array(a.astype("float32")), konvolve.Kernel(b.astype("float32")))
    assert type(y) is type(library.array(a))
    np.testing.assert_allclose(library.numpy(y), np.convolve(a, b), rtol=1e-4, atol=1e-3)


def product_question():
    """A signal and a kernel that is a product, which a pass per axis is planned for."""
    rng = np.random.default_rng(9)
    taps = rng.standard_normal((3, 7))
    a, b = rng.standard_normal((64, 64, 64)), taps[0][:, None, None] * taps[1][:, None] * taps[2]
    for library in ("tensorflow", "torch"):
        assert konvolve.plan(a.shape, b.shape, mode="same", dtype="float64", library=library).separable is not None
    return a, b


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # PyTorch's own forward mode
def test_no_derivative_with_respect_to_a_product_is_lost():
    """Of the reverse mode and the forward mode: the kernel's factors would be constants."""
    import tensorflow as tf
    import torch
    from torch.autograd import forward_ad

    a, b = product_question()
    wanted = konvolve.convolve(a, np.ones_like(b), "same", "fft")
    x, k = tf.constant(a), tf.constant(b)
    with tf.autodiff.ForwardAccumulator(k, tf.ones_like(k)) as accumulator:
        y = konvolve.convolve(x, k, "same")
    np.testing.assert_allclose(accumulator.jvp(y), wanted, atol=1e-9)
    with tf.GradientTape() as tape:
        tape.watch(k)
        y = tf.reduce_sum(konvolve.convolve(x, k, "same") * wanted)
    assert tape.gradient(y, k) is not None
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.from_numpy(b), torch.ones(b.shape, dtype=torch.float64))
        y = konvolve.convolve(torch.from_numpy(a), dual, "same")
        np.testing.assert_allclose(forward_ad.unpack_dual(y).tangent, wanted, atol=1e-9)
    kernel = torch.from_numpy(b).requires_grad_()
    (konvolve.convolve(torch.from_numpy(a), kernel, "same") * torch.from_numpy(wanted)).sum().backward()
    assert kernel.grad is not None


def test_a_product_keeps_below_a_ceiling():
    a, b = product_question()
    plan = konvolve.plan(a.shape, b.shape, mode="same", method="separable", dtype="float64", library="numpy")
    assert plan.bytes > 2 * a.nbytes  # a pass holds its input and its result
    with pytest.raises(ValueError, match="the least would be"):
        konvolve.convolve(a, b, "same", "separable", max_memory=a.nbytes)
    rows, kernel = a.reshape(64, 64, 64), b[3:4] / b[3, 3, 3]
    options = {"mode": "same", "axes": (1, 2)}
    free = konvolve.plan(rows.shape, kernel.shape, **options, dtype="float64", library="numpy")
    bounded = konvolve.plan(
        rows.shape, kernel.shape, **options, dtype="float64", library="numpy", max_memory=free.bytes * 2 // 3
    )
    assert bounded.separable is None
    np.testing.assert_allclose(
        konvolve.convolve(rows, kernel, **options, max_memory=free.bytes * 2 // 3),
        konvolve.convolve(rows, kernel, **options, method="fft"),
        atol=1e-9,
    )


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_product_of_any_scale_is_one(scale):
    rng = np.random.default_rng(3)
    a, kernel = rng.standard_normal((12, 9)), np.outer(rng.standard_normal(4), rng.standard_normal(3))
    found = konvolve.convolve(a, kernel * scale, method="separable")
    np.testing.assert_allclose(found / scale, konvolve.convolve(a, kernel, method="direct"), atol=1e-12)


@pytest.mark.parametrize("terms", [1, 2])
@pytest.mark.parametrize("boundary", ["zero", "reflect"])
def test_few_samples_with_a_kernel_of_factors(library, terms, boundary):
    rng = np.random.default_rng(terms)
    x = rng.standard_normal((26, 37)).astype("float32")
    kernel = sum(np.multiply.outer(rng.standard_normal(9), rng.standard_normal(12)) for _ in range(terms))
    kernel = kernel.astype("float32")
    found = konvolve.convolve(library.array(x), konvolve.Kernel(kernel), "same", boundary=boundary)
    padded = np.pad(x, ((5, 5), (6, 6)), "constant" if boundary == "zero" else boundary).astype("float64")
    whole = oracle.convolve(padded, kernel.astype("float64"), "same", (0, 1))[5:31, 6:43]
    oracle.assert_close(library.numpy(found), whole, padded, kernel.astype("float64"), "float32")


def test_a_kernel_is_planned_as_a_prepared_one():
    def prepared(kernel):
        plans.forget()
        konvolve.convolve(np.ones((30, 40)), kernel, "same")
        (plan,) = plans._PLANS.values()
        return plan.problem.prepared

    kernel = np.ones((9, 12))
    assert prepared(konvolve.Kernel(kernel))
    assert not prepared(kernel)
    kernel[0, 0] = np.nan  # its spectrum would be of no use
    assert not prepared(konvolve.Kernel(kernel))
