"""dask arrays: any chunking gives the numbers of the whole array, lazily, in few tasks; test_draws.py has more."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

import asking
import konvolve
from konvolve import ndimage
from konvolve.planning.chunked import planner

da = pytest.importorskip("dask.array")

FILTERS = ("gaussian_filter", "gaussian_filter1d", "uniform_filter", "uniform_filter1d", "correlate", "convolve",
           "correlate1d", "convolve1d", "sobel", "prewitt", "laplace", "gaussian_laplace",
           "gaussian_gradient_magnitude")  # fmt: skip
MODES = ("reflect", "mirror", "nearest", "constant", "wrap", "grid-wrap", "grid-mirror", "grid-constant")


def filter_question(rng):
    """Return a filter's name, an image and its arguments, drawn together."""
    name = str(rng.choice(FILTERS))
    shape = [int(n) for n in rng.integers(1, 30 if rng.random() < 0.7 else 5, rng.integers(1, 4))]
    x = rng.standard_normal(shape)
    if rng.random() < 0.3:
        x = rng.integers(0, 200, shape).astype(rng.choice(["uint8", "int16", "int32"]))
    options = {"mode": str(rng.choice(MODES)), "cval": float(rng.integers(-2, 3))}
    axis = int(rng.integers(len(shape)))
    if name.endswith("1d"):
        options["axis"] = axis
    taps = [int(n) for n in rng.integers(1, 9, len(shape))]
    origin = [int(rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in taps]
    arguments = []
    if name.startswith("gaussian"):
        arguments = [float(rng.uniform(0.3, 3))]
    if name in ("gaussian_filter", "gaussian_filter1d"):
        options["order"] = int(rng.integers(0, 3))
    if name == "uniform_filter":
        arguments, options["origin"] = [taps], origin
    if name == "uniform_filter1d":
        arguments, options["origin"] = [taps[0]], origin[0]
    if name in ("correlate1d", "convolve1d"):
        arguments, options["origin"] = [rng.standard_normal(taps[0])], origin[0]
        if name == "convolve1d":
            options["origin"] = 0
    if name in ("correlate", "convolve"):
        arguments = [rng.standard_normal(taps)]
    if name in ("sobel", "prewitt"):
        options["axis"] = axis
    return name, x, arguments, options


@pytest.mark.parametrize("seed", range(4))
def test_filters_in_chunks_are_scipys(seed):
    rng = np.random.default_rng(seed)
    for _ in range(30):
        name, x, arguments, options = filter_question(rng)
        y = getattr(ndimage, name)(asking.in_chunks(x, rng), *arguments, **options)
        assert isinstance(y, da.Array)
        found, wanted = y.compute(scheduler="sync"), getattr(scipy.ndimage, name)(x, *arguments, **options)
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape) == (y.dtype, y.shape)
        if x.dtype.kind in "iu":  # where SciPy cuts sums off that rounding took below a whole number
            np.testing.assert_array_equal(found, getattr(ndimage, name)(x, *arguments, **options))
            continue
        scale = np.abs(wanted).max(initial=0) + 10
        assert np.abs(found - wanted).max(initial=0) < 1e-12 * scale, (name, x.shape, arguments, options)


@pytest.mark.parametrize("nan", ["propagate", "fill", "omit", "interpolate"])
def test_holes_in_chunks_are_those_of_the_whole(nan):
    rng = np.random.default_rng(3)
    for _ in range(25):
        shape = tuple(int(n) for n in rng.integers(1, 30, 2))
        x = rng.standard_normal(shape)
        x[rng.random(shape) < 0.2] = np.nan
        options = {"nan": nan, "mode": str(rng.choice(["same", "full"]))}
        edges = [0, "reflect", np.nan, "wrap"]
        options["boundary"] = [edges[i] for i in rng.integers(4, size=2)]  # of each axis its own
        if nan == "fill":
            options["fill_value"] = 2.0
        if options["mode"] == "same":
            options["keep_nan"] = bool(rng.integers(2))
        if nan in ("omit", "interpolate"):
            options["min_weight"] = float(rng.choice([0, 0.3]))
            if rng.random() < 0.5:
                options["weights"] = rng.integers(0, 3, shape) / 2
        kernel = rng.random((3, 5)) if rng.random() < 0.8 else rng.standard_normal((3, 5))
        kernel = kernel - kernel.mean() if nan == "omit" and rng.random() < 0.2 else kernel
        wanted = konvolve.convolve(x, kernel, **options)
        y = konvolve.convolve(asking.in_chunks(x, rng), kernel, **options)
        np.testing.assert_allclose(y.compute(scheduler="sync"), wanted, atol=1e-9)


def test_holes_of_filters_in_chunks():
    rng = np.random.default_rng(4)
    for name in ("gaussian_filter", "gaussian_laplace", "gaussian_gradient_magnitude", "uniform_filter", "laplace"):
        for nan in ("omit", "interpolate", "fill"):
            if nan == "interpolate" and name not in ("gaussian_filter", "uniform_filter"):
                continue
            x = rng.standard_normal((23, 31))
            x[rng.random(x.shape) < 0.1] = np.nan
            arguments = [1.0] if name.startswith("gaussian") else [3] if name == "uniform_filter" else []
            wanted = getattr(ndimage, name)(x, *arguments, nan=nan, keep_nan=True)
            y = getattr(ndimage, name)(asking.in_chunks(x, rng), *arguments, nan=nan, keep_nan=True)
            np.testing.assert_allclose(y.compute(scheduler="sync"), wanted, atol=1e-10)


def test_holes_are_refused_when_they_are_seen():
    x = da.from_array(np.array([1.0, np.nan, 2.0, 3.0]), chunks=2)
    y = konvolve.convolve(x, [1.0, 1.0], nan="raise")
    with pytest.raises(ValueError, match="nan='raise', and in1 has holes: 1"):
        y.compute(scheduler="sync")


def test_sepfir2d_in_chunks():
    rng = np.random.default_rng(5)
    x, row, column = rng.standard_normal((30, 20)), rng.standard_normal(5), rng.standard_normal(7)
    y = konvolve.sepfir2d(asking.in_chunks(x, rng), row, column)
    np.testing.assert_allclose(y.compute(), scipy.signal.sepfir2d(x, row, column), atol=1e-12)


def test_nothing_is_computed_before_it_is_asked_for():
    def fails(block):
        raise AssertionError("computed")

    x = da.zeros((100, 80), chunks=(30, 40), dtype="float32").map_blocks(
        fails, dtype="float32", meta=np.empty((0, 0), "f4")
    )
    kernel = da.ones((5, 4), dtype="float32").map_blocks(fails, meta=np.empty((0, 0), "f4"))
    y = konvolve.convolve(x, kernel)
    assert (y.shape, y.dtype, type(y._meta)) == ((104, 83), np.float32, np.ndarray)
    assert y.chunks == ((32, 30, 30, 12), (41, 42))
    z = ndimage.gaussian_filter(x, 2)
    assert (z.chunks, z.dtype) == (x.chunks, x.dtype)
    with pytest.raises(AssertionError, match="computed"):
        y.compute(scheduler="sync")


def test_small_kernels_take_at_most_three_tasks_a_chunk_and_large_ones_grow_linearly():
    kernel = np.ones((5, 5, 5))
    for count in (4, 8):
        x = da.zeros((32 * count,) * 3, chunks=32)
        y = konvolve.convolve(x, kernel, mode="same")
        assert len(y.dask) <= 3 * count**3 + 2
        assert len(ndimage.gaussian_filter(x, 1).dask) <= 3 * count**3 + 2
    kernel = np.ones((200, 200))
    tasks = [len(konvolve.convolve(da.zeros((n, n), chunks=100), kernel, mode="same").dask) for n in (1000, 2000)]
    assert tasks[1] < 4.2 * tasks[0]


def test_the_way_is_chosen_and_printed():
    small = konvolve.plan((2048, 2048), (31, 31), mode="same", chunks=512)
    assert small.way == "halo"
    assert "30 x 30 samples of those about it" in str(small)
    large = konvolve.plan((10**7,), (10**6,), mode="same", chunks=10**5)
    assert large.way == "parts"
    assert "the kernel in 10 parts" in str(large)
    assert "advice   chunks of" in str(konvolve.plan((4096, 4096), (31, 31), mode="same", chunks=32))
    assert "advice" not in str(konvolve.plan((4096, 4096), (31, 31), mode="same", chunks=2048))
    with pytest.raises(ValueError, match="chunks must be a number of samples"):
        konvolve.plan((20, 20), (3, 3), chunks=(7, 7, 7))


def test_a_kernel_is_prepared_once_for_all_blocks_of_a_shape(monkeypatch):
    from konvolve.execution import signal

    prepared = []
    honest = signal.prepare

    def counted(xp, plan, b):
        prepared.append(plan.lengths)
        return honest(xp, plan, b)

    monkeypatch.setattr(signal, "prepare", counted)
    rng = np.random.default_rng(0)
    x = da.from_array(rng.standard_normal((640, 640)), chunks=80)
    konvolve.fftconvolve(x, rng.standard_normal((31, 31)), mode="same").compute(scheduler="sync")
    assert 1 <= len(prepared) <= 4


def test_a_kernel_is_pickled_without_what_it_keeps():
    kernel = konvolve.Kernel(np.random.default_rng(0).standard_normal((31, 31)))
    before = len(pickle.dumps(kernel))
    konvolve.fftconvolve(np.ones((300, 300)), kernel)
    assert len(pickle.dumps(kernel)) == before
    again = pickle.loads(pickle.dumps(kernel))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(kernel))


@pytest.mark.parametrize("library", ["tensorflow", "jax", "torch"])
def test_chunks_are_computed_on_a_library(library):
    pytest.importorskip(library)
    import dask

    rng = np.random.default_rng(0)
    a = rng.standard_normal((60, 50)).astype("f4")
    for taps in ((5, 7), (40, 45)):
        kernel = rng.standard_normal(taps).astype("f4")
        x = da.from_array(a, chunks=30)
        with dask.config.set({"konvolve.library": library}):
            y = konvolve.convolve(x, kernel, mode="same")
            blurred = ndimage.gaussian_filter(x, 1.5)
            norm = konvolve.correlate(x, kernel, mode="same", normalize=True)
        found = y.compute(scheduler="sync")
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, scipy.signal.convolve(a, kernel, "same"), atol=1e-3)
        np.testing.assert_allclose(blurred.compute(scheduler="sync"), scipy.ndimage.gaussian_filter(a, 1.5), atol=1e-5)
        wanted = konvolve.correlate(a, kernel, mode="same", normalize=True)
        np.testing.assert_allclose(norm.compute(scheduler="sync"), wanted, atol=2e-3)


def test_chunks_may_be_torchs(monkeypatch):
    monkeypatch.setattr(planner, "_chosen", lambda halo, parts: parts)
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    a = rng.standard_normal((60, 50))
    x = da.from_array(a, chunks=(20, 50)).map_blocks(torch.as_tensor, meta=np.empty((0, 0)))
    large = konvolve.convolve(x, rng.standard_normal((30, 7)), mode="same")
    assert isinstance(large.blocks[1, 0].compute(scheduler="sync"), torch.Tensor)
    kernel = rng.standard_normal((5, 7))
    y = konvolve.convolve(x, kernel, mode="same")
    block = y.blocks[1, 0].compute(scheduler="sync")
    assert isinstance(block, torch.Tensor)
    jnp = pytest.importorskip("jax.numpy")
    z = konvolve.convolve(da.from_array(a, chunks=(20, 50)).map_blocks(jnp.asarray, meta=np.empty((0, 0))), kernel)
    assert isinstance(z.blocks[1, 0].compute(scheduler="sync"), type(jnp.zeros(())))
    np.testing.assert_allclose(block.numpy(), scipy.signal.convolve(a, kernel, "same")[20:40], atol=1e-12)


def test_what_cannot_be_is_told_by_its_name():
    x = da.ones((20, 20), chunks=5)
    unknown = x[x[:, 0] > 0]
    with pytest.raises(ValueError, match=r"in1 has chunks of unknown size, .*compute_chunk_sizes"):
        konvolve.convolve(unknown, np.ones((3, 3)))
    with pytest.raises(ValueError, match="in2 has chunks of unknown size"):
        konvolve.convolve(x, unknown)
    with pytest.raises(ValueError, match="same dimensionality"):
        konvolve.convolve(x, np.ones(3))
    with pytest.raises(RuntimeError, match="input must be an array of numbers, not of dtype object"):
        ndimage.gaussian_filter(x.astype(object), 1)
    with pytest.raises(TypeError, match="output must be a dtype"):
        ndimage.gaussian_filter(x, 1, output=np.empty((20, 20)))
    with pytest.raises(TypeError, match=r"pass x\.compute\(\) to have that"):
        konvolve.nn.conv(x[None, ..., None], np.ones((3, 3, 1, 1)))
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="dask arrays, which are computed later, have no derivatives"):
        konvolve.convolve(x, torch.ones((3, 3), requires_grad=True))
    import dask

    with (
        dask.config.set({"konvolve.library": "numpi"}),
        pytest.raises(ValueError, match="library must be one of"),
    ):
        konvolve.convolve(x, np.ones((3, 3)))


def test_choose_conv_method_knows_sizes():
    for n, kernel in ((300, np.ones((40, 40))), (30, np.ones((2, 2)))):
        x = np.ones((n, n))
        chosen = konvolve.choose_conv_method(da.from_array(x, chunks=100), kernel)
        assert chosen == konvolve.choose_conv_method(x, kernel)
    large = da.zeros((300, 300), chunks=100, dtype="int64")  # whose values may be anything
    assert konvolve.choose_conv_method(large, np.ones((40, 40), "int64")) == "direct"
    assert konvolve.choose_conv_method(np.zeros((300, 300), "int64"), np.ones((40, 40), "int64")) == "fft"


def test_integers_stay_exact_and_wrap():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (40, 40)).astype("u1"), rng.integers(0, 256, (25, 25)).astype("u1")
    y = konvolve.convolve(da.from_array(a, chunks=9), b, mode="same")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = scipy.signal.convolve(a, b, "same", "direct")
    np.testing.assert_array_equal(y.compute(), wanted)


def test_parts_meet_what_is_not_finite(monkeypatch):
    monkeypatch.setattr(planner, "_chosen", lambda halo, parts: parts)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(100), rng.standard_normal(33)
    a[[20, 60]] = np.inf, np.nan
    y = konvolve.convolve(da.from_array(a, chunks=10), b)
    assert any(key[0].startswith("part-") for key in y.dask if isinstance(key, tuple))
    np.testing.assert_allclose(y.compute(), np.convolve(a, b), atol=1e-10)


_KILLED = """
import os, signal, sys, time
import numpy as np, dask.array as da, konvolve
from dask.distributed import Client, LocalCluster

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit="400MB", dashboard_address=None) as cluster:
        with Client(cluster) as client:
            x = da.ones((256, 512, 1024), chunks=(64, 128, 128), dtype="float64")  # 1 GiB, the workers have 0.8
            kernel = rng.standard_normal((5, 5, 5))
            y = konvolve.convolve(x, kernel, mode="same")
            found = client.compute(y.sum(axis=(1, 2)))
            time.sleep(2)
            victim = next(iter(client.run(os.getpid).values()))
            os.kill(victim, signal.SIGKILL)
            inner = found.result()[5:-5]
    one = konvolve.convolve(np.ones((256, 512, 1024))[:16, :, :], kernel, mode="same").sum(axis=(1, 2))[8]
    assert np.allclose(inner, one), (inner[:3], one)
    print("right")
"""


@pytest.mark.slow
def test_a_killed_worker_costs_time_and_not_the_result(tmp_path):
    pytest.importorskip("distributed")
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "right", done.stderr[-3000:]
