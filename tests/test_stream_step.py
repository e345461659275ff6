"""The pure form of streams, in compiled programs: the steps over all blocks are the function of the whole."""

import jax
import numpy as np
import pytest
import tensorflow as tf
import torch

from konvolve import Stream
from libraries import LIBRARIES
from test_stream import check, direct

BLOCK, BLOCKS = 8, 12


def question(seed, kernels=(), rows=()):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((*kernels, 45)), rng.standard_normal((*rows, BLOCK * BLOCKS))


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize(("kernels", "rows"), [((), ()), ((3,), (2, 3)), ((2, 4), (2,))])
def test_steps_are_the_whole(library, kernels, rows):
    k, x = question(0, kernels, rows)
    library.array(x)  # JAX is told to have 64 bits before the kernel is prepared
    stream = Stream(k, block=BLOCK, library=library.name, latency=3)
    state, found = stream.initial_state((*rows, BLOCK)), []
    for start, size in ((0, BLOCK), (BLOCK, 3 * BLOCK), (4 * BLOCK, BLOCK)):
        y, state = stream.step(library.array(x[..., start : start + size]), state)
        found.append(library.numpy(y))
    delayed = np.concatenate([np.zeros((*kernels, 3)), k], -1)
    check(np.concatenate(found, -1), direct(x, delayed)[..., : 5 * BLOCK])
    with pytest.raises(ValueError, match="x must have 8 samples along axis -1"):
        stream.step(library.array(x[..., :7]), state)
    stream.set_kernel(k[..., :5])
    with pytest.raises(ValueError, match="with this kernel and block"):
        stream.step(library.array(x[..., :8]), state)


def test_tf_function_and_tf_data():
    k, x = question(1, rows=(2,))
    stream = Stream(k, block=BLOCK)

    @tf.function
    def step(state, x):
        y, state = stream.step(x, state)
        return state, y

    blocks = tf.constant(x.reshape(2, BLOCKS, BLOCK).transpose(1, 0, 2))
    first = Stream(k, block=BLOCK, library="tensorflow").initial_state((2, BLOCK))
    state, found = first, []
    for block in blocks:
        state, y = step(state, block)
        found.append(y.numpy())
    wanted = direct(x, k)[:, : BLOCK * BLOCKS]
    check(np.concatenate(found, -1), wanted)
    data = tf.data.Dataset.from_tensor_slices(blocks).scan(first, step)
    check(np.concatenate([y.numpy() for y in data], -1), wanted)


def test_jax_scan_and_its_gradient():
    k, x = question(2)
    stream = Stream(k, block=BLOCK, library="jax")
    weights = np.random.default_rng(3).standard_normal(BLOCK * BLOCKS)
    first = stream.initial_state((BLOCK,))

    @jax.jit
    def run(x):
        def step(state, block):
            y, state = stream.step(block, state)
            return state, y

        return jax.lax.scan(step, first, x.reshape(BLOCKS, BLOCK))[1].reshape(-1)

    x = LIBRARIES["jax"].array(x)
    check(np.asarray(run(x)), np.convolve(x, k)[: BLOCK * BLOCKS])
    gradient = jax.grad(lambda x: (run(x) * weights).sum())(x)
    check(np.asarray(gradient), np.correlate(np.pad(weights, (0, 44)), k, "valid"))


def test_tensorflows_gradient_through_steps():
    k, x = question(4)
    weights = np.random.default_rng(5).standard_normal(BLOCK * BLOCKS)
    stream = Stream(k, block=BLOCK, library="tensorflow")
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        state, found = stream.initial_state((BLOCK,)), []
        for start in range(0, x.size, BLOCK):
            y, state = stream.step(variable[start : start + BLOCK], state)
            found.append(y)
        loss = tf.reduce_sum(tf.concat(found, 0) * weights)
    check(tape.gradient(loss, variable).numpy(), np.correlate(np.pad(weights, (0, 44)), k, "valid"))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # PyTorch's own
def test_torch_compile_and_its_gradient():
    k, x = question(6)
    stream = Stream(k, block=BLOCK, library="torch")
    state = stream.initial_state((BLOCK,))  # prepares the kernel, outside of what is compiled
    weights = torch.from_numpy(np.random.default_rng(7).standard_normal(BLOCK * BLOCKS))

    @torch.compile(fullgraph=True, backend="aot_eager")
    def run(x, state):
        found = []
        for start in range(0, BLOCK * BLOCKS, BLOCK):
            y, state = stream.step(x[start : start + BLOCK], state)
            found.append(y)
        return torch.cat(found)

    x = torch.from_numpy(x).requires_grad_()
    y = run(x, state)
    check(y.detach().numpy(), np.convolve(x.detach().numpy(), k)[: BLOCK * BLOCKS])
    (y * weights).sum().backward()
    check(x.grad.numpy(), np.correlate(np.pad(weights.numpy(), (0, 44)), k, "valid"))


def test_a_stream_itself_is_differentiated_in_eager_calls():
    k, x = question(8)
    stream = Stream(torch.from_numpy(k), block=BLOCK)
    x = torch.from_numpy(x).requires_grad_()
    y = torch.cat([stream(x[:13]), stream(x[13:]), stream.flush()])
    y.sum().backward()
    check(x.grad.numpy(), np.full(BLOCK * BLOCKS, k.sum()))
