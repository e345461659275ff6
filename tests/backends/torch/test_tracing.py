"""Functions that are recorded: values may be looked at only where nobody records, and no derivative is lost."""

import subprocess
import sys

import numpy as np
import pytest

import konvolve

rng = np.random.default_rng(7)


def product():
    """Return a kernel that is a product, for which a separable plan is quicker."""
    return np.outer(rng.standard_normal(31), rng.standard_normal(31))


IMAGE, FIRST, SECOND = rng.standard_normal((512, 512)), product(), product()


def ask(a, k):
    return konvolve.convolve(a, k)


def direct(k):
    return konvolve.fftconvolve(IMAGE, k)


def test_the_plan_would_look_at_the_kernel():
    for library in ("torch", "tensorflow"):
        assert konvolve.plan((512, 512), (31, 31), dtype="float64", library=library).separable is not None


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("way", ["jit", "real", "fake", "symbolic", "early"])
def test_a_recorded_function_of_pytorch_follows_its_kernel(way):
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    a, one, two = map(torch.from_numpy, (IMAGE, FIRST, SECOND))
    if way == "jit":
        recorded = torch.jit.trace(ask, (a, one))
    elif way == "early":
        recorded = make_fx(ask, pre_dispatch=True)(a, one)
    else:
        recorded = make_fx(ask, tracing_mode=way)(a, one)
    np.testing.assert_allclose(recorded(a, two).numpy(), direct(SECOND), atol=1e-10)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("way", ["jit", "real", "fake", "early", "export", "compile"])
def test_a_recorded_layer_follows_its_kernel(way):
    """Though a spectrum of the kernel that it had is kept: what is recorded transforms the kernel."""
    import torch
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    from konvolve import nn
    from konvolve.execution import weight

    class Layer(torch.nn.Module):
        def forward(self, x, kernel):
            return nn.conv(x, nn.Weight(kernel, self), padding="causal", method="fft")

    layer = Layer()
    x, one, two = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((1, 900, 2), (300, 2, 3), (300, 2, 3)))
    layer(x, one)
    assert layer in weight._KEPT
    if way == "jit":
        recorded = torch.jit.trace(layer, (x, one))
    elif way == "early":
        recorded = make_fx(layer, pre_dispatch=True)(x, one)
    elif way == "export":
        recorded = torch.export.export(layer, (x, one)).module()
    elif way == "compile":
        recorded = torch.compile(layer, fullgraph=True, backend="eager")
    else:
        recorded = make_fx(layer, tracing_mode=way)(x, one)
    for kernel in (one, two):
        expected = nn.conv(x, kernel, padding="causal", method="direct")
        torch.testing.assert_close(recorded(x, kernel), expected, rtol=0, atol=1e-10)
    with FakeTensorMode() as mode:
        assert layer(*map(mode.from_tensor, (x, one))).shape == (1, 900, 3)
    torch.testing.assert_close(layer(x, one), nn.conv(x, one, padding="causal", method="direct"), rtol=0, atol=1e-10)


def test_tensors_without_values_have_a_shape():
    import torch
    from torch._subclasses import FakeTensorMode

    with FakeTensorMode() as mode:
        assert ask(torch.empty(512, 512).double(), torch.empty(31, 31).double()).shape == (542, 542)
    fake = [mode.from_tensor(torch.from_numpy(x)) for x in (IMAGE, FIRST)]
    assert ask(*fake).shape == (542, 542)
    meta = [torch.empty(n, n, dtype=torch.float64, device="meta") for n in (512, 31)]
    assert konvolve.convolve(*meta, mode="same", boundary=2.0).shape == (512, 512)


def test_the_gradient_by_a_constant_of_a_graph():
    import tensorflow as tf

    expected = konvolve.correlate(np.ones((542, 542)), IMAGE, "valid")
    outside = tf.constant(FIRST)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        kernel = tf.constant(FIRST)
        (gradient,) = tf.gradients(ask(tf.constant(IMAGE), kernel), kernel)
        np.testing.assert_allclose(session.run(gradient), expected, atol=1e-8)

    @tf.function
    def captured(a):
        return tf.gradients(ask(a, outside), outside)[0]

    np.testing.assert_allclose(captured(IMAGE).numpy(), expected, atol=1e-8)


def test_the_forward_mode_of_tensorflow_follows_a_kernel():
    import tensorflow as tf

    kernel = tf.constant(FIRST)
    with tf.autodiff.ForwardAccumulator(kernel, tf.constant(SECOND)) as accumulator:
        y = ask(tf.constant(IMAGE), kernel)
    np.testing.assert_allclose(accumulator.jvp(y).numpy(), direct(SECOND), atol=1e-10)


# What the table's cells (test_capabilities.py) do not ask. A process that has imported what it needs and called nothing
# forks for each case, as tests/support/run_cells.py does.
FRESH = """
import os, sys, traceback
import numpy as np, torch, torch._dynamo, torch.export, torch._functorch.aot_autograd, konvolve
from konvolve import nn
def run(f, *arrays):
    return torch.compile(f, fullgraph=True, backend="eager")(*arrays)
class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(5, 2, 3))
    def forward(self, x):
        return nn.conv(x, self.w, padding="valid")
failed = []
for case in CASES:
    child = os.fork()
    if child:
        failed += [case] * (os.waitpid(child, 0)[1] != 0)
        continue
    try:
        x, w = torch.arange(20.0), torch.nn.Parameter(torch.arange(5.0) - 1)
        k, expected = np.arange(5.0) - 1, np.convolve(np.arange(20.0), np.arange(5.0) - 1)
        exec(case)
        np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-4)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
sys.exit("\\n".join(failed) or 0)
"""
CASES = (
    "y = run(lambda x: konvolve.fftconvolve(x, w), x)",
    "y = run(lambda x: konvolve.fftconvolve(x, k), x)",
    "y = run(lambda x, k: konvolve.fftconvolve(x, k), x, k)",
    "y = run(lambda x: konvolve.convolve(x, [-1.0, 0.0, 1.0, 2.0, 3.0]), x)",
    "y = run(lambda x: konvolve.convolve(x, [-1, 0, 1, 2, 3]), x)",
    "y = run(lambda x: x[0] + konvolve.fftconvolve(np.arange(20.0), k), x)",
    "y, expected = run(Layer(), torch.ones(1, 20, 2)), np.full((1, 16, 3), 10.0)",
    "x = torch.ones(1, 20, 2); y = torch.export.export(Layer(), (x,), strict=True).module()(x); "
    "expected = np.full((1, 16, 3), 10.0)",
)


@pytest.mark.slow
def test_torch_compile_where_nothing_was_called_before():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FRESH.replace("CASES", repr(CASES))],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("method", ["direct", "matrix", "fft", "overlap"])
def test_autocast_stays_outside(method):
    import torch

    from konvolve import nn

    a, k = (torch.from_numpy(rng.standard_normal(n)).float() for n in (400, 64))
    with torch.autocast("cpu", torch.bfloat16):
        y = konvolve.convolve(a, k, method=method)
        # A correlation: the kernel is reversed here.
        z = None if method == "matrix" else nn.conv(a[None, :, None], k.flip(0)[:, None, None], method=method)
    expected = np.convolve(a.double().numpy(), k.double().numpy())
    assert y.dtype == torch.float32
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-4)
    if z is not None:
        np.testing.assert_allclose(z[0, :, 0].numpy(), expected[63:400], atol=1e-4)


def test_bfloat16_of_ml_dtypes_beside_a_tensor():
    import ml_dtypes
    import torch

    y = konvolve.convolve(torch.ones(5, dtype=torch.bfloat16), np.ones(3, ml_dtypes.bfloat16))
    assert y.dtype == torch.bfloat16
    np.testing.assert_array_equal(y.float().numpy(), [1, 2, 3, 3, 3, 2, 1])


def scattered(kind):
    if kind in ("RaggedTensor", "SparseTensor"):
        import tensorflow as tf

        return tf.ragged.constant([[1.0, 2.0], [3.0]]) if kind == "RaggedTensor" else tf.sparse.from_dense(tf.eye(3))
    if kind in ("random key", "BCOO"):
        import jax
        from jax.experimental import sparse

        return jax.random.key(0) if kind == "random key" else sparse.BCOO.fromdense(jax.numpy.eye(3))
    import torch

    x = torch.eye(3)
    return {
        "sparse_coo": x.to_sparse, "sparse_csr": x.to_sparse_csr, "mkldnn": x.to_mkldnn,
        "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    }[kind]()  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "kind", ["RaggedTensor", "SparseTensor", "random key", "BCOO", "sparse_coo", "sparse_csr", "mkldnn", "nested"]
)
def test_what_does_not_lie_on_a_grid_is_named(kind):
    x = scattered(kind)
    with pytest.raises(TypeError, match=f"in1: a .*{kind}.* cannot be convolved.*: .*pass"):
        konvolve.convolve(x, np.ones((2, 2)))
    with pytest.raises(TypeError, match=f"in2: a .*{kind}"):
        konvolve.convolve(np.ones((2, 2)), x)


def test_arrays_of_jax_made_before_64_bits_were_switched_off():
    done = subprocess.run(
        [sys.executable, "-c", """
import jax, numpy as np, konvolve
jax.config.update("jax_enable_x64", True)
x = jax.numpy.arange(20.0)
jax.config.update("jax_enable_x64", False)
for method in ("direct", "fft", "overlap", "matrix"):
    y = konvolve.convolve(x, np.ones(5), method=method)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y, np.convolve(np.arange(20.0), np.ones(5)), rtol=1e-5, atol=1e-4)
"""], capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
