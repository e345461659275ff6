"""Streams: whatever the blocks, what comes out is the convolution of the whole, by direct sums in float64."""

import copy
import gc
import pickle
import threading
import tracemalloc

import numpy as np
import pytest

import konvolve
from konvolve import Stream
from libraries import LIBRARIES

TOLERANCE = {"float16": 2e-3, "float32": 2e-5, "complex64": 2e-5}


def direct(x, k):
    """Return the full convolution along the last axis, by sums; a kernel of rows, or a matrix of kernels."""
    if k.ndim == 1:
        k = np.broadcast_to(k, (*x.shape[:-1], k.size))
    elif k.ndim == 3:
        return np.stack([direct(x, k[:, out]).sum(-2) for out in range(k.shape[1])], -2)
    k = np.broadcast_to(k, (*x.shape[:-1], k.shape[-1]))
    y = np.empty((*x.shape[:-1], x.shape[-1] + k.shape[-1] - 1), np.result_type(x, k))
    for row in np.ndindex(*x.shape[:-1]):
        y[row] = np.convolve(x[row], k[row])
    return y


def normal(rng, shape, dtype="float64"):
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else x).astype(dtype)


def in_blocks(stream, x, sizes, axis=-1, library=LIBRARIES["numpy"]):
    """Return what comes out of a signal cut into blocks of these sizes, the rest in one, and the tail."""
    found, start, end = [], 0, x.shape[axis]
    for size in [*sizes, end]:
        block = x.take(range(start, min(start + size, end)), axis)
        found.append(library.numpy(stream(library.array(block))))
        start += block.shape[axis]
    return np.concatenate([*found, library.numpy(stream.flush())], axis)


def check(found, wanted, dtype="float64"):
    assert found.shape == wanted.shape
    size = np.abs(wanted).max(initial=1.0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE.get(dtype, 1e-13) * size)


SHAPES = [((), ()), ((), (2, 3)), ((3,), (3,)), ((3,), (2, 3)), ((2, 4), (2,)), ((2, 4), (3, 2))]


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("seed", range(24))
def test_blocks_of_any_size_give_the_convolution_of_the_whole(library, seed):
    if library.name == "jax" and seed % 12:
        return  # it compiles for every size
    rng = np.random.default_rng(seed)
    kernels, rows = SHAPES[seed % len(SHAPES)]
    block = int(rng.choice([1, 4, 16, 50]))
    taps = int(rng.choice([1, 2, block, 3 * block + 1, 40 * block]))
    dtype = str(rng.choice(["float64", "float32", "complex128", "complex64"]))
    latency = int(rng.integers(0, 4 * block)) if seed % 3 == 0 else 0
    axis = -1 if seed % 4 else 0
    k, x = normal(rng, (*kernels, taps), dtype), normal(rng, (*rows, 60 * block), dtype)
    stream = Stream(library.array(k) if seed % 2 else k, axis=axis, block=block, latency=latency)
    sizes = [block, block, *rng.integers(0, 2 * block + 1, 20), 3 * block, block]
    found = in_blocks(stream, np.moveaxis(x, -1, axis), sizes, axis, library)
    assert found.dtype == dtype
    delayed = np.concatenate([np.zeros((*kernels, latency)), k], -1)
    check(np.moveaxis(found, axis, -1), direct(x.astype(complex), delayed.astype(complex)), dtype)


def test_very_many_small_blocks(request):
    """A hundred thousand with --slow; the sizes are drawn anew all the time."""
    rng = np.random.default_rng(request.config.getoption("--seed") or 0)
    blocks = 100_000 if request.config.getoption("--slow") else 3000
    sizes = rng.integers(0, 40, blocks)
    k = rng.standard_normal(20_000)
    x = rng.standard_normal(sizes.sum())
    stream = Stream(k, block=16)
    assert len(stream.plan.levels) > 1
    found = in_blocks(stream, x, sizes)
    check(found, konvolve.oaconvolve(x, k))
    check(found[:30_000], np.convolve(x[:30_000], k)[:30_000])


@pytest.mark.parametrize(("given", "kernel", "result"), [
    ("float32", "float64", "float64"), ("int16", "float32", "float64"), ("float16", "float16", "float32"),
    ("float64", "complex64", "complex128"), ("bool", "float64", "float64"),
])  # fmt: skip
def test_dtypes_are_those_of_oaconvolve(given, kernel, result):
    x, k = np.arange(40).astype(given), (np.arange(7) / 4).astype(kernel)
    found = in_blocks(Stream(k, block=8), x, [3, 8, 9])
    assert found.dtype == result == konvolve.oaconvolve(x, k).dtype
    check(found.astype(complex), np.convolve(x.astype(complex), k.astype(complex)), result)


def test_no_sample_waits_for_those_after_it():
    stream = Stream([2.0, 1.0], block=64)
    for size in (1, 5, 64, 70):
        assert stream(np.ones(size))[-1] == pytest.approx(3.0 if stream.state.heard > 1 else 2.0)


def test_a_stream_is_copied_pickled_saved_and_reset():
    rng = np.random.default_rng(1)
    k, x = rng.standard_normal(300), rng.standard_normal(500)
    wanted = np.convolve(x, k)
    stream = Stream(k, block=8)
    stream(x[:203])
    saved = stream.state
    copies = [copy.deepcopy(stream), pickle.loads(pickle.dumps(stream)), Stream(k, block=8), Stream(k, block=8)]
    copies[2].state, copies[3].state = saved, pickle.loads(pickle.dumps(saved))
    for each in (stream, *copies):
        check(np.concatenate([each(x[203:]), each.flush()]), wanted[203:])
        check(in_blocks(each, x[::-1], [7, 9]), np.convolve(x[::-1], k))  # flush() has reset it
    stream.state = saved
    check(stream(x[203:]), wanted[203:500])
    stream.reset()
    check(stream(x), wanted[:500])
    with pytest.raises(ValueError, match="another kernel"):
        Stream(k[:30], block=8).state = saved
    with pytest.raises(TypeError, match="state must be"):
        stream.state = 5


def test_the_tail_of_nothing():
    assert Stream(np.ones(5)).flush().shape == (0,)
    stream = Stream(np.ones(5))
    assert stream(np.ones((2, 0))).shape == (2, 0)
    np.testing.assert_array_equal(stream.flush(), np.zeros((2, 4)))
    np.testing.assert_allclose(Stream([3.0], block=4)(np.arange(3)), [0, 3, 6], atol=1e-15)


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize(("new_taps", "fade"), [(90, 0), (90, 37), (20, 37), (1, 5), (90, 1)])
def test_a_kernel_fades_into_another(library, new_taps, fade):
    rng = np.random.default_rng(new_taps + fade)
    old, new, x = rng.standard_normal(60), rng.standard_normal(new_taps), rng.standard_normal(400)
    cut = 205 if fade != 1 else 208  # within a block, and between two
    stream = Stream(old, block=16)
    first = library.numpy(stream(library.array(x[:cut])))
    stream.set_kernel(new, fade=fade)
    rest = [library.numpy(stream(library.array(x[a:b]))) for a, b in ((cut, cut + 3), (cut + 3, 300), (300, 400))]
    found = np.concatenate([first, *rest])
    share = np.clip(np.arange(1 - cut, 401 - cut) / max(fade, 1e-9), 0, 1)
    check(found, (1 - share) * np.convolve(x, old)[:400] + share * np.convolve(x, new)[:400])
    check(library.numpy(stream.flush()), np.convolve(x, new)[400:])


def test_kernels_set_one_after_the_other_while_they_fade():
    rng = np.random.default_rng(3)
    kernels, x = [rng.standard_normal(n) for n in (30, 50, 10)], rng.standard_normal(300)
    stream, found = Stream(kernels[0], block=8), []
    stream.set_kernel(kernels[0])  # before anything was heard
    found.append(stream(x[:100]))
    stream.set_kernel(kernels[1], fade=60)
    found.append(stream(x[100:120]))
    stream.set_kernel(kernels[2], fade=20)
    found += [stream(x[120:]), stream.flush()]
    y = [np.pad(np.convolve(x, k), (0, 350 - 299 - k.size)) for k in kernels]
    at = np.arange(350)
    second, third = (np.clip((at - start + 1) / fade, 0, 1) for start, fade in ((100, 60), (120, 20)))
    wanted = (1 - third) * ((1 - second) * y[0] + second * y[1]) + third * y[2]
    check(np.concatenate(found), wanted[:309])


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
def test_a_sample_that_is_not_finite_reaches_as_far_as_the_kernel(library):
    rng = np.random.default_rng(4)
    k, x = rng.standard_normal((2, 3, 50)), rng.standard_normal((2, 400))
    bad = x.copy()
    bad[0, 120], bad[1, 125], bad[0, 300] = np.nan, np.inf, -np.inf
    stream = Stream(k, block=16)
    found = in_blocks(stream, bad, [16, 5, 100, 3, 1, 32, 16, 90], library=library)
    lost = np.zeros(449, bool)
    lost[120:175] = lost[300:350] = True
    assert np.isnan(found[:, lost]).all()
    clean = np.where(np.isfinite(bad), bad, 0)
    check(found[:, ~lost], direct(clean, k)[:, ~lost])


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("latency", [0, 40])
def test_a_buffer_is_filled_anew_and_results_are_written_into(name, latency):
    """As sound cards do it; nothing of a caller's array is kept, and nothing that is kept is handed out."""
    library, rng = LIBRARIES[name], np.random.default_rng(9)
    k, x = rng.standard_normal(300), rng.standard_normal(400)
    stream, found = Stream(k, block=8, latency=latency), []
    buffers = {size: library.array(np.zeros(size)) for size in (8, 5)}
    for start, size in zip(range(0, 400, 8), [8] * 50, strict=True):
        for a, b in ((start, start + size),) if start % 24 else ((start, start + 5), (start + 5, start + 8)):
            buffer = buffers.setdefault(b - a, library.array(np.zeros(b - a)))
            buffer[:] = library.array(x[a:b])
            y = stream(buffer)
            found.append(library.numpy(y).copy())
            y[:] = 1e6
    check(np.concatenate(found)[latency:], np.convolve(x, k)[: 400 - latency])


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("taps", [30, 20_000])
def test_a_state_that_was_kept_is_not_written_into(name, taps):
    library, rng = LIBRARIES[name], np.random.default_rng(10)
    k, x = rng.standard_normal(taps), rng.standard_normal(12 * taps)
    stream = Stream(k, block=8, latency=3 * taps)
    stream(library.array(x[: 11 * taps + 3]))
    kept = stream.state
    first = stream(library.array(x[11 * taps + 3 : 11 * taps + 6]))
    wanted = library.numpy(first).copy()
    first[:] = 1e6
    stream.state = kept
    check(library.numpy(stream(library.array(x[11 * taps + 3 : 11 * taps + 6]))), wanted)


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_every_state_can_be_gone_back_to(name, dtype):
    library, rng = LIBRARIES[name], np.random.default_rng(11)
    k, x = normal(rng, (20_000,), dtype), normal(rng, (10_000,), dtype)
    stream, kept, found = Stream(k, block=16), [], []
    assert len(stream.plan.levels) > 1
    for start in range(0, 10_000, 16):
        kept.append(stream.state)
        found.append(library.numpy(stream(library.array(x[start : start + 16]))))
    for place in rng.permutation(len(kept))[:200]:
        stream.state = kept[place]
        check(library.numpy(stream(library.array(x[16 * place : 16 * place + 16]))), found[place])


def test_the_dtype_of_the_output_stays_when_the_kernel_changes():
    stream = Stream(np.ones(3, "float32"))
    stream(np.ones(4, "float32"))
    stream.set_kernel(np.ones(5), fade=2)
    assert stream(np.ones(4, "float32")).dtype == "float32"


def test_reset_cures():
    stream = Stream(np.ones(100), block=8)
    assert np.isnan(stream(np.array([1.0, np.nan, 1.0]))).tolist() == [False, True, True]
    stream.reset()
    np.testing.assert_allclose(stream(np.ones(3)), [1, 2, 3])


@pytest.mark.parametrize(
    ("block", "error", "text"),
    [
        (np.ones((3, 8)), ValueError, r"as the blocks before, numpy blocks of shape \(2, any\) and dtype float64"),
        (np.ones(8), ValueError, "reset"),
        (np.ones((2, 8), "float32"), TypeError, "dtype float64"),
        (np.array([["a"] * 8] * 2), TypeError, "numbers"),
    ],
)
def test_a_wrong_block_leaves_the_state_as_it_is(block, error, text):
    x = np.random.default_rng(5).standard_normal((2, 40))
    stream = Stream(np.ones(9), block=8)
    stream(x[:, :11])
    before = stream.state
    with pytest.raises(error, match=text):
        stream(block)
    assert stream.state is before
    check(stream(x[:, 11:]), direct(x, np.ones(9))[:, 11:40])


def test_libraries_are_not_mixed():
    import tensorflow as tf
    import torch

    stream = Stream(np.ones(3), library="tensorflow")
    assert isinstance(stream(np.ones(4)), tf.Tensor)
    with pytest.raises(TypeError, match="x is of torch, and the stream of tensorflow"):
        stream(torch.ones(4, dtype=torch.float64))
    stream = Stream(np.ones(3))
    stream(np.ones(4))
    with pytest.raises(TypeError, match="x is of torch, and the stream of numpy"):
        stream(torch.ones(4, dtype=torch.float64))
    with pytest.raises(TypeError, match="kernel is of torch, and the stream of numpy"):
        stream.set_kernel(torch.ones(3))
    with pytest.raises(TypeError, match="two libraries"):
        Stream(tf.ones(3), library="torch")

    @tf.function
    def compiled(x):
        return Stream(np.ones(3))(x)

    with pytest.raises(TypeError, match=r"stream\.step"):
        compiled(tf.ones(4))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"kernel": np.ones((2, 0))}, ValueError, "at least, not"),
        ({"kernel": np.ones((1, 1, 1, 1))}, ValueError, "in, out, taps"),
        ({"kernel": np.array([1.0, np.nan])}, ValueError, "finite"),
        ({"kernel": ["a"]}, TypeError, "numbers"),
        ({"kernel": [1.0], "block": 0}, ValueError, "block must be"),
        ({"kernel": [1.0], "block": 2.5}, ValueError, "block must be"),
        ({"kernel": [1.0], "latency": -1}, ValueError, "latency must be"),
        ({"kernel": [1.0], "axis": "time"}, ValueError, "axis must be"),
        ({"kernel": [1.0], "library": "spam"}, ValueError, "no backend for 'spam'"),
    ],
)
def test_wrong_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        Stream(**arguments)


def test_wrong_kernels_to_go_on_with():
    stream = Stream(np.ones((2, 3)))
    stream(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"kernel must have the shape of the stream's, \(2, 3\), but for its taps"):
        stream.set_kernel(np.ones((3, 3)))
    with pytest.raises(TypeError, match="complex"):
        stream.set_kernel(np.ones((2, 3)) * 1j)
    with pytest.raises(ValueError, match="fade must be"):
        stream.set_kernel(np.ones((2, 5)), fade=-1)
    with pytest.raises(ValueError, match="2 signals along the axis before"):
        Stream(np.ones((2, 3)))(np.ones((3, 4)))
    with pytest.raises(ValueError, match="no axis 2"):
        Stream(np.ones(3), axis=2)(np.ones((3, 4)))


def test_threads_take_turns():
    """Each call is whole: of calls with equal blocks, the results are those of one thread in some order."""
    stream, found = Stream(np.ones(500), block=8), []

    def calls():
        found.extend(stream(np.ones(16)) for _ in range(50))

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    y = np.concatenate(sorted(found, key=lambda block: block[0]))
    np.testing.assert_allclose(y, np.minimum(np.arange(1, 3201), 500), rtol=1e-12)


def test_memory_stays():
    stream, x = Stream(np.ones(20_000), block=16), np.ones(16)
    tracemalloc.start()
    held = []
    for _ in range(3):
        for _ in range(2000):
            stream(x)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[2] < held[0] * 1.05 + 50_000


def test_it_prints_what_it_is():
    stream = Stream(np.ones(5000), block=16)
    assert repr(stream) == "Stream(kernel of shape (5000,), block=16, latency=0)"
    assert str(stream.plan).startswith("stream of blocks of 16 samples with 5000 taps, 0 samples of latency")
    stream(np.ones(4))
    assert stream.plan.taps == 5000
