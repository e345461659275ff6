"""The code that people write themselves: transform, multiply, transform back, cut out.

Written for this benchmark, after the shape that answers in forums have: the channels first, both arrays
transformed at the length of the whole convolution, nothing else.
"""

from __future__ import annotations

from scipy.fft import next_fast_len

from benchmarks.contest.contestants import EASIER, contestant
from benchmarks.contest.workloads import CALL
from konvolve.bench.contestants import BY_HAND
from konvolve.bench.libraries import as_float, in_jax_jit, in_tf_function, in_torch, wait_tensorflow, wait_torch
from konvolve.bench.peers import torch_convolve


def lengths(w, fast: bool) -> list[int]:
    """Transform lengths: n + k - 1, or the next length made of 2, 3 and 5 only."""
    return [next_fast_len(length, real=not w.complex) if fast else length for length in w.full]


def orders(w) -> tuple[list[int], list[int]]:
    """The permutation that brings the convolved axes last, and the one that undoes it."""
    there = [*w.batch_axes, *w.axes]
    return there, [there.index(axis) for axis in range(len(there))]


def tf_convolve(w, fast: bool):
    """A function of (x, k), TensorFlow tensors, that convolves by transforms."""
    import tensorflow as tf

    n = lengths(w, fast)
    there, back = orders(w)
    rank = len(w.axes)
    if w.complex:
        transform = (tf.signal.fft, tf.signal.fft2d, tf.signal.fft3d)[rank - 1]
        inverse_transform = (tf.signal.ifft, tf.signal.ifft2d, tf.signal.ifft3d)[rank - 1]

        def forward(x, n):  # the complex transforms have no length to pad to
            after = [0] * (len(x.shape) - rank) + [m - s for m, s in zip(n, x.shape[-rank:], strict=True)]
            return transform(tf.pad(x, [(0, end) for end in after]))

        def inverse(x, n):
            return inverse_transform(x)
    else:
        forward = (tf.signal.rfft, tf.signal.rfft2d, tf.signal.rfft3d)[rank - 1]
        inverse = (tf.signal.irfft, tf.signal.irfft2d, tf.signal.irfft3d)[rank - 1]
    begin = [0] * len(w.batch_axes) + [first for first, _ in w.crop]
    size = [-1] * len(w.batch_axes) + [length for _, length in w.crop]
    moved = there != sorted(there)

    def convolve(x, k):
        if w.operation == "correlate":
            k = tf.reverse(k, w.axes)
        if moved:
            x, k = tf.transpose(x, there), tf.transpose(k, there)
        y = tf.slice(inverse(forward(x, n) * forward(k, n), n), begin, size)
        return tf.transpose(y, back) if moved else y

    return as_float(w.dtype, "tensorflow", convolve)


def jax_convolve(w, fast: bool):
    """The same for JAX arrays."""
    import jax.numpy as jnp

    n = lengths(w, fast)
    forward, inverse = (jnp.fft.fftn, jnp.fft.ifftn) if w.complex else (jnp.fft.rfftn, jnp.fft.irfftn)
    crop = [slice(None)] * len(w.signal)
    for axis, (first, length) in zip(w.axes, w.crop, strict=True):
        crop[axis] = slice(first, first + length)

    def convolve(x, k):
        if w.operation == "correlate":
            k = jnp.flip(k, w.axes)
        return inverse(forward(x, n, axes=w.axes) * forward(k, n, axes=w.axes), n, axes=w.axes)[tuple(crop)]

    return as_float(w.dtype, "jax", convolve)


def _enter(fast: bool) -> None:
    how = "fast lengths" if fast else "n + k - 1"

    @contestant(f"forty-line recipe, {how}", "tensorflow", role=BY_HAND, note="tf.function")
    def tf_compiled(w, x, k):
        return in_tf_function(tf_convolve(w, fast), x, k)


_enter(fast=False)
_enter(fast=True)


@contestant("torch rfft formula, fast lengths", "torch", role=BY_HAND)
def torch_formula(w, x, k):
    return in_torch(torch_convolve(w, lengths(w, fast=True)), x, k)


@contestant("forty-line recipe, eager", "tensorflow", role=BY_HAND, note="fast lengths")
def tf_eager(w, x, k):
    convolve = tf_convolve(w, fast=True)
    return lambda: wait_tensorflow(convolve(x, k))


@contestant("JAX rfft formula, fast lengths", "jax", role=BY_HAND, note="jit")
def jax_formula(w, x, k):
    return in_jax_jit(jax_convolve(w, fast=True), x, k)


@contestant("the bare TensorFlow operations", "tensorflow", group=CALL, note="rfft, rfft, multiply, irfft, slice")
def tf_bare(w, x, k):
    import tensorflow as tf

    (n,) = lengths(w, fast=True)
    ((first, length),) = w.crop

    def call():
        spectrum = tf.signal.rfft(x, [n]) * tf.signal.rfft(k, [n])
        # y[first:last] does the same with more Python.
        return tf.slice(tf.signal.irfft(spectrum, [n]), [first], [length])

    return call


@contestant("the bare kernels", "tensorflow", group=CALL, role=EASIER, note="tf.raw_ops on inputs padded by hand")
def tf_raw(w, x, k):
    import tensorflow as tf

    (n,) = lengths(w, fast=True)
    ((first, length),) = w.crop
    size, begin, count = tf.constant([n]), tf.constant([first]), tf.constant([length])
    after_x, after_k = (tf.constant([[0, n - len(array)]]) for array in (x, k))

    def call():
        ops = tf.raw_ops
        spectrum = ops.Mul(
            x=ops.RFFT(input=ops.Pad(input=x, paddings=after_x), fft_length=size),
            y=ops.RFFT(input=ops.Pad(input=k, paddings=after_k), fft_length=size),
        )
        return ops.Slice(input=ops.IRFFT(input=spectrum, fft_length=size), begin=begin, size=count)

    return call


@contestant("the bare torch operations", "torch", group=CALL, note="rfft, rfft, multiply, irfft, slice")
def torch_bare(w, x, k):
    convolve = torch_convolve(w, lengths(w, fast=True))
    return lambda: wait_torch(convolve(x, k))


@contestant("the bare JAX operations", "jax", group=CALL, note="rfft, rfft, multiply, irfft, slice; not compiled")
def jax_bare(w, x, k):
    convolve = jax_convolve(w, fast=True)
    return lambda: convolve(x, k).block_until_ready()
