"""Cutting an axis into overlapping blocks, and adding them up again, on every library."""

import numpy as np
import pytest

from konvolve.backends import registry
from libraries import LIBRARIES

# Blocks of less than two steps, of more, of whole steps, of one, and of more than TensorFlow cuts out one by one.
CUTS = [(12, 7), (23, 7), (21, 7), (7, 7), (65, 7), (9, 5)]


@pytest.mark.parametrize(("length", "step"), CUTS)
@pytest.mark.parametrize("behind", [(), (2,)])
@pytest.mark.parametrize("name", LIBRARIES)
def test_blocks_are_the_windows_of_numpy(name, length, step, behind):
    library = LIBRARIES[name]
    x = np.random.default_rng(length).standard_normal((3, length + 4 * step, *behind)).astype("float32")
    found = library.numpy(registry.backend(name).overlapping_blocks(library.array(x), 1, length, step))
    expected = np.moveaxis(np.lib.stride_tricks.sliding_window_view(x, length, 1)[:, ::step], -1, 2)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("taps", [5, 12, 30])
def test_a_convolution_in_blocks_shorter_than_twice_the_kernel_has_the_gradient_of_a_sum(taps):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(taps)
    x, kernel, weight = (rng.standard_normal(n) for n in (200, taps, 200 + taps - 1))
    backend = registry.backend("tensorflow")
    length, step = taps + 5, 6
    with tf.GradientTape() as tape:
        signal = tf.constant(x)
        tape.watch(signal)
        count = -(-weight.size // step)
        padded = tf.pad(signal, [[taps - 1, count * step - 200]])
        blocks = backend.overlapping_blocks(padded, 0, length, step)
        # Each row of blocks against the reversed kernel at each of its places is the direct sum.
        rows = tf.stack(
            [tf.linalg.matvec(blocks[:, i : i + taps], tf.constant(kernel[::-1].copy())) for i in range(step)]
        )
        y = tf.reshape(tf.transpose(rows), [-1])[: weight.size]
        loss = tf.reduce_sum(y * weight)
    np.testing.assert_allclose(y, np.convolve(x, kernel), atol=1e-12)
    np.testing.assert_allclose(tape.gradient(loss, signal), np.correlate(weight, kernel, "valid"), atol=1e-12)
