"""PyTorch in all its ways: autograd to two orders, torch.func, torch.compile, torch.export, every kind of tensor."""

import itertools
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

import konvolve
import oracle
from konvolve import nn

# PyTorch 2.13 warns of itself: where it compiles what its forward mode needs, and where it compiles a Function.
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:.torch\.jit\..*. is deprecated"),
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small tensors are quicker without waiting for a second core, which another process may have."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def function(name, **options):
    return lambda a, b: getattr(konvolve, name)(a, b, **options)


# What is asked and the shapes of its operands; broadcast batches on either side. Axes are written out: the compiler,
# asked for dynamic shapes, takes every number it finds in a closure for a size that may change.
QUESTIONS = {
    "fft": (lambda a, b: konvolve.fftconvolve(a, b, "same"), (11,), (4,)),
    "fft, full": (lambda a, b: konvolve.fftconvolve(a, b), (2, 6), (2, 4)),
    "fft, picture": (lambda a, b: konvolve.fftconvolve(a, b, "same", axes=(1, 2)), (2, 5, 4, 2), (1, 2, 3, 2)),
    "fft, broadcast signal": (lambda a, b: konvolve.fftconvolve(a, b, "valid", axes=[1]), (1, 7), (3, 4)),
    "fft, volume": (lambda a, b: konvolve.fftconvolve(a, b, "valid"), (4, 4, 3), (2, 2, 3)),
    "fft, four axes": (lambda a, b: konvolve.fftconvolve(a, b, "same"), (3, 2, 3, 2), (2, 2, 2, 2)),
    "overlap": (lambda a, b: konvolve.oaconvolve(a, b, "valid"), (120,), (3,)),
    "overlap, batch": (lambda a, b: konvolve.convolve(a, b, "valid", "overlap", axes=1), (2, 130), (1, 4)),
    "direct": (lambda a, b: konvolve.convolve(a, b, "same", "direct"), (7, 5), (3, 4)),
    "direct, batch": (lambda a, b: konvolve.convolve(a, b, "full", "direct", axes=-1), (3, 7), (1, 3)),
    "direct, volume": (lambda a, b: konvolve.convolve(a, b, method="direct"), (3, 4, 2), (2, 2, 2)),
    "direct, few taps": (lambda a, b: konvolve.convolve(a, b, method="direct"), (9,), (2,)),
    "direct, swapped": (lambda a, b: konvolve.correlate(a, b, method="direct"), (3,), (8,)),
    "correlate": (lambda a, b: konvolve.correlate(a, b, "same"), (7, 5), (3, 4)),
    "correlate, batch": (lambda a, b: konvolve.correlate(a, b, "valid", axes=(1, 2)), (2, 7, 5), (1, 3, 4)),
    "wrap": (lambda a, b: konvolve.convolve2d(a, b, boundary="wrap", method="fft"), (5, 4), (3, 6)),
    "symm": (lambda a, b: konvolve.correlate2d(a, b, "same", "symm"), (5, 4), (4, 3)),
    "sepfir2d": (lambda a, b: konvolve.sepfir2d(a, b, b), (5, 6), (3,)),
}


def normal(shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=generator)


def operands(question, dtype=torch.float64, **options):
    ask, *shapes = QUESTIONS[question]
    return ask, *(normal(shape, seed, dtype).requires_grad_(**options) for seed, shape in enumerate(shapes))


def bound(y, a, b):
    inner = {torch.complex64: np.complex64, torch.complex128: np.complex128, torch.float64: np.float64}
    kind = np.dtype(inner.get(y.dtype, np.float32)).name
    return 4 * oracle.tolerance(np.append(a.detach().numpy().ravel(), 2), b.detach().numpy(), kind)


def close(y, expected, a, b):
    assert y.dtype == expected.dtype
    assert y.shape == expected.shape
    assert (y - expected).abs().max() <= bound(y, a, b)


@pytest.mark.parametrize("question", QUESTIONS)
def test_gradients_of_both_orders_and_the_forward_mode(question):
    ask, a, b = operands(question)
    fast = {"fast_mode": a.numel() > 24}
    assert torch.autograd.gradcheck(ask, (a, b), check_forward_ad=True, **fast)
    assert torch.autograd.gradgradcheck(ask, (a, b), **fast)


@pytest.mark.parametrize("method", ["fft", "direct", "overlap"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_complex_gradients(method, mode):
    n = 90 if method == "overlap" else 8
    a, b = (normal(shape, dtype=torch.complex128).requires_grad_() for shape in ((2, n), (1, 3)))
    ask = function("correlate", mode=mode, method=method, axes=1)
    assert torch.autograd.gradcheck(ask, (a, b), fast_mode=True, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(ask, (a, b), fast_mode=True)


def test_a_gradient_for_one_operand_only():
    ask, a, b = operands("correlate")
    for given in ((a, b.detach()), (a.detach(), b)):
        assert torch.autograd.gradcheck(ask, given)
    assert not ask(a.detach(), b.detach()).requires_grad
    with torch.no_grad():
        assert not ask(a, b).requires_grad


@pytest.mark.parametrize("question", QUESTIONS)
def test_torch_func(question):
    """vmap is a loop, also of gradients; the Jacobian is the matrix of the convolution, from both sides."""
    ask, a, b = operands(question, requires_grad=False)
    rows = torch.stack([a, 2 * a, a.flip(0)])
    looped = torch.stack([ask(row, b) for row in rows])
    torch.testing.assert_close(torch.func.vmap(ask, (0, None))(rows, b), looped)
    torch.testing.assert_close(torch.func.vmap(ask, (-1, None))(rows.movedim(0, -1), b), looped)

    def loss(a, b):
        return (ask(a, b) ** 2).sum()

    gradient = torch.func.grad(loss, (0, 1))
    mapped = torch.func.vmap(gradient, (0, None))(rows, b)
    for i, row in enumerate(rows):
        for found, expected in zip(mapped, gradient(row, b), strict=True):
            torch.testing.assert_close(found[i], expected)
    if a.numel() <= 60:
        jacobian = torch.func.jacrev(ask)(a, b)
        torch.testing.assert_close(jacobian, torch.func.jacfwd(ask)(a, b))
        torch.testing.assert_close(torch.tensordot(jacobian, a, a.ndim), ask(a, b))
        hessian = torch.func.hessian(loss, 1)(a, b)
        torch.testing.assert_close(hessian, hessian.permute(*range(b.ndim, 2 * b.ndim), *range(b.ndim)))


DYNAMIC = ("fft, picture", "fft, volume", "overlap", "direct, few taps", "correlate", "symm")


@pytest.mark.one_in(6)
@pytest.mark.parametrize(
    ("question", "dynamic"),
    [*((question, False) for question in QUESTIONS), *((question, True) for question in DYNAMIC)],
)
def test_compiled_equals_eager_with_its_gradients(question, dynamic):
    """One graph, no warning; sizes that change are new numbers in it."""
    torch.compiler.reset()
    ask, *shapes = QUESTIONS[question]
    compiled = torch.compile(ask, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for grown in (0, 1) if dynamic else (0,):
        a = normal([n + grown * (n > 4) for n in shapes[0]]).requires_grad_()
        b = normal(shapes[1], 1).requires_grad_()
        y, expected = compiled(a, b), ask(a, b)
        close(y, expected, a, b)
        weights = normal(y.shape, 2)
        for found, wanted in zip(
            torch.autograd.grad(y, (a, b), weights), torch.autograd.grad(expected, (a, b), weights), strict=True
        ):
            torch.testing.assert_close(found, wanted)
        with torch.no_grad():
            close(compiled(a, b), expected, a, b)


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Inductor's own
@pytest.mark.skipif(shutil.which("g++") is None, reason="Inductor needs a C++ compiler")
def test_compiled_by_inductor():
    ask, a, b = operands("fft, picture", torch.float32)
    y, expected = torch.compile(ask, fullgraph=True)(a, b), ask(a, b)
    close(y, expected, a, b)
    for found, wanted in zip(
        torch.autograd.grad(y.sum(), (a, b)), torch.autograd.grad(expected.sum(), (a, b)), strict=True
    ):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("question", ["fft, picture", "overlap, batch", "direct, batch", "correlate, batch"])
def test_exported_with_a_batch_of_any_size(question):
    ask, first, kernel = operands(question, requires_grad=False)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = torch.nn.Parameter(kernel)

        def forward(self, x):
            return ask(x, self.kernel)

    module = Module()
    batch = torch.export.Dim("batch", min=2)
    exported = torch.export.export(module, (first,), dynamic_shapes={"x": {0: batch}}).module()
    for count in (2, 3, 9):
        x = normal((count, *first.shape[1:]), count)
        torch.testing.assert_close(exported(x), module(x))


@pytest.mark.parametrize("method", ["fft", "direct", "overlap"])
def test_empty_batches(method):
    def ask(a, b):
        return konvolve.convolve(a, b, "same", method, axes=1)

    for dtype in (torch.float32, torch.complex64):
        y = ask(torch.ones((0, 3000), dtype=dtype), torch.ones((1, 9), dtype=dtype))
        assert (y.shape, y.dtype) == ((0, 3000), dtype)
    compiled = torch.compile(ask, fullgraph=True, dynamic=True, backend="aot_eager")
    for rows in (3, 0):
        assert compiled(torch.ones((rows, 3000)), torch.ones((1, 9))).shape == (rows, 3000)
    assert konvolve.convolve(torch.ones((1, 30)), torch.ones((0, 9)), "full", method, axes=1).shape == (0, 38)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("method", ["fft", "direct", "overlap", "auto"])
def test_half_precision(dtype, method):
    a, b = normal((600,), 1).to(dtype).requires_grad_(), normal((20,), 2).to(dtype).requires_grad_()
    y = konvolve.convolve(a, b, method=method)
    expected = oracle.convolve(a.detach().double().numpy(), b.detach().double().numpy())
    assert y.dtype == dtype
    np.testing.assert_allclose(y.detach().double().numpy(), expected, rtol=torch.finfo(dtype).eps, atol=1e-4)
    gradients = torch.autograd.grad(y.sum(), (a, b))
    assert [g.dtype for g in gradients] == [dtype] * 2
    assert konvolve.fftconvolve(a, b).dtype == torch.float32


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("method", ["auto", "fft", "direct", "overlap"])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_integers_are_exact(dtype, method, compiled):
    rng = np.random.default_rng(1)
    high = 2 if dtype == "bool" else np.iinfo(dtype).max
    low = 0 if dtype == "bool" else np.iinfo(dtype).min
    a, b = (rng.integers(low, high, n, np.uint64 if dtype == "uint64" else np.int64).astype(dtype) for n in (300, 40))

    def ask(a, b):
        return konvolve.convolve(a, b, method=method)

    if compiled and method == "auto" and dtype in ("int16", "uint64"):
        ask = torch.compile(ask, fullgraph=True, backend="eager")
    y = ask(torch.from_numpy(a), torch.from_numpy(b))
    oracle.assert_close(y.numpy(), oracle.convolve(a, b), a, b, dtype)


def test_every_kind_of_operand():
    a, b = normal((20,)).numpy(), normal((5,), 1).numpy()
    expected = oracle.convolve(a, b)
    frozen = b.copy()
    frozen.flags.writeable = False
    kinds = {
        "tensor": torch.from_numpy(b),
        "parameter": torch.nn.Parameter(torch.from_numpy(b)),
        "leaf": torch.from_numpy(b.copy()).requires_grad_(),
        "array": b,
        "read-only array": frozen,
        "reversed array": b[::-1].copy()[::-1],
        "array of the other byte order": b.astype(">f8"),
        "list": b.tolist(),
        "strided tensor": torch.from_numpy(np.repeat(b, 3))[::3],
    }
    for name, kernel in kinds.items():
        for one, two in ((torch.from_numpy(a), kernel), (kernel, torch.from_numpy(a))):
            y = konvolve.convolve(one, two)
            assert type(y) is torch.Tensor, name
            oracle.assert_close(y.detach().numpy(), expected, a, b, "float64")
    # A kernel that needs a gradient, against a signal of NumPy's.
    kernel = torch.from_numpy(b.copy()).requires_grad_()
    assert torch.autograd.gradcheck(lambda k: konvolve.fftconvolve(a, k, "same"), kernel)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_any_strides_in_and_contiguous_out(mode):
    a, b = normal((6, 9, 7)).permute(2, 0, 1), normal((3, 8)).t()[::2][None].expand(1, 4, 3)
    for axes, method in ((None, "auto"), ((1, 2), "fft"), ((1, 2), "direct"), ((1,), "fft")):
        kernel = b[:, :, :1] if axes == (1,) else b
        y = konvolve.convolve(a, kernel, mode, method, axes=axes)
        assert y.is_contiguous()
        torch.testing.assert_close(y, konvolve.convolve(a.contiguous(), kernel.contiguous(), mode, method, axes=axes))


def test_operands_are_left_as_they_were():
    """Products are taken in place of spectra, never of what was given."""
    a, b = normal((64,)), normal((64,), 1)
    kept = a.clone(), b.clone()
    for ask in (konvolve.fftconvolve, konvolve.oaconvolve, konvolve.convolve):
        for one, two in ((a, b), (a, a)):
            with torch.inference_mode():
                ask(one, two)
    assert torch.equal(a, kept[0])
    assert torch.equal(b, kept[1])


def test_training_a_kernel():
    """Gradient descent finds the blur that made a picture from another."""
    picture = normal((32, 32), dtype=torch.float32)
    truth = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])) / 16
    blurred = konvolve.fftconvolve(picture, truth, mode="same")
    kernel = torch.nn.Parameter(torch.zeros(3, 3))
    optimizer = torch.optim.SGD([kernel], lr=0.3)
    for _ in range(80):
        optimizer.zero_grad()
        ((konvolve.fftconvolve(picture, kernel, mode="same") - blurred) ** 2).mean().backward()
        optimizer.step()
    torch.testing.assert_close(kernel.detach(), truth, atol=1e-3, rtol=0)


@pytest.mark.parametrize("arrays", ["cpu", "meta"])
def test_arrays_that_are_not_on_the_default_device(arrays):
    """The machine that tests has no other devices than the CPU and "meta", whose tensors have no values."""
    a, b = normal((9, 20)), normal((3, 4), 1)
    x, w = normal((2, 30, 3)), normal((5, 3, 4), 2)
    asks = {
        "boundaries": lambda: [
            konvolve.convolve(a, b, "same", method, boundary=boundary)
            for boundary in (2.0, "reflect", "wrap", "nearest", ["zero", 2.0])
            for method in ("auto", "direct", "fft", "overlap", "matrix")
        ],
        "fill": lambda: [konvolve.convolve2d(a, b, "same", "fill", 2.0), konvolve.correlate2d(a * 1j, b, fillvalue=2j)],
        "integers": lambda: [
            konvolve.convolve(a.to(dtype), b.to(dtype), boundary=[3, 7], method=method)
            for dtype in (torch.int8, torch.int64, torch.uint64) for method in ("direct", "fft", "overlap")
        ],
        "coefficient": lambda: [konvolve.correlate(a, b, normalize=True, mask1=a > 0, undefined=float("nan"))],
        "lags": lambda: [konvolve.correlate(a, b, lags=[(-30, -25), (-2, 3)]), konvolve.sepfir2d(a, b[:, 0], b[0, :3])],
        "arrays of NumPy": lambda: [
            konvolve.convolve(a, np.ones((3, 4)), boundary=2.0), konvolve.convolve([[1.0, 2.0]], b, boundary=2.0),
            konvolve.convolve(a, konvolve.Kernel(np.ones((3, 4))), boundary=2.0),
        ],
        "channels": lambda: [
            nn.conv(x, w, 2, "same", method=method, padding_mode=mode)
            for method in ("direct", "fft", "overlap") for mode in ("zeros", "reflect", "circular")
        ],
        "gradient": lambda: torch.autograd.grad(
            konvolve.convolve(a, b.requires_grad_(), boundary=2.0).sum(), b
        ),
    }  # fmt: skip
    expected = {name: ask() for name, ask in asks.items()}
    a, b, x, w = (each.detach().to(arrays) for each in (a, b, x, w))
    with torch.device("meta" if arrays == "cpu" else "cpu"):
        for name, ask in asks.items():
            for y, wanted in zip(ask(), expected[name], strict=True):
                assert (y.device.type, y.shape, y.dtype) == (arrays, wanted.shape, wanted.dtype), name
                if arrays == "cpu":
                    torch.testing.assert_close(y, wanted, equal_nan=True)


def test_dtypes_pytorch_has_not():
    for kernel in (np.array([1, None, 2]), np.ones(3, np.longdouble)):
        with pytest.raises(TypeError, match=f"no such dtype.*{kernel.dtype}"):
            konvolve.convolve(torch.ones(3), kernel)


def test_no_warning_where_nothing_was_looked_at():
    """SciPy warns of a result that is not finite; here looking would wait for the device."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = konvolve.convolve(torch.full((3000,), float("nan")), torch.ones(900), method="fft")
    assert bool(y.isnan().all())


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "depthwise_conv"])
def test_gradients_where_there_is_one_channel(name):
    """PyTorch's own refuse a kernel of one output, or of one input if transposed, in some orders of memory."""
    ask = getattr(nn, name)
    for rank, samples, channels, outputs in itertools.product((1, 2), (1, 2), (1, 2), (1, 2)):
        last = (channels, outputs) if name != "conv_transpose" else (outputs, channels)
        x = normal((samples, *[6] * rank, channels)).requires_grad_()
        kernel = normal((*[3] * rank, *last), 1).requires_grad_()
        found = [torch.autograd.grad((ask(x, kernel, method=m) ** 2).sum(), (x, kernel)) for m in ("direct", "fft")]
        for one, two in zip(*found, strict=True):
            torch.testing.assert_close(one, two)


LENGTHS = """
import torch, konvolve
kernel = torch.randn(1, 4, 1000, dtype=torch.float64)
def ask(x):
    return (
        konvolve.fftconvolve(x, kernel, "same", axes=-1),
        konvolve.correlate(x, kernel, "valid", axes=2),
        konvolve.oaconvolve(x, kernel, "same", axes=-1),
    )[:COUNT]
compiled = torch.compile(ask, fullgraph=True)
for n in (5000, 6000, 7000):
    x = torch.randn(2, 4, n, dtype=torch.float64)
    for found, wanted in zip(compiled(x), ask(x), strict=True):
        torch.testing.assert_close(found, wanted)
"""


@pytest.mark.parametrize(
    "count",
    [pytest.param(1, id="one", marks=pytest.mark.unless_slow), pytest.param(3, id="all", marks=pytest.mark.slow)],
)
def test_one_length_after_the_other_in_what_the_compiler_makes_by_default(count):
    """In a process that has compiled nothing before: the second length makes sizes symbols."""
    code = LENGTHS.replace("COUNT", str(count))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_samples_are_taken_from_any_view(axis):
    from konvolve.backends import torch as backend

    x = torch.arange(5 * 6 * 7.0).reshape(5, 6, 7)
    for view in (x, x.permute(2, 0, 1), x[::2].mT, x[:, 1:4]):
        indices = torch.tensor([2, 0, 0, 1])
        torch.testing.assert_close(backend.take(view, indices, axis), torch.index_select(view, axis, indices))
