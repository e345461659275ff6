"""Contestants of the workloads with a backward pass.

The answer is y = convolve(x, k), and the gradient of sum(y * g) to x and to k. The result is part of the answer because
a compiler drops what nobody asks for, and a gradient alone does not ask for the forward pass. konvolve's forward pass
is timed alone as well.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contest.contestants import PART, contestant
from benchmarks.contest.networks import fft_conv_pytorch, torch_fftconv, torch_layer, torch_stock
from benchmarks.contest.recipes import jax_convolve, lengths, tf_convolve
from benchmarks.contest.workloads import BACKWARD
from konvolve.bench.contestants import BY_HAND, KONVOLVE, PEER
from konvolve.bench.libraries import in_jax_jit, in_tf_function, in_torch, wait_tensorflow, wait_torch
from konvolve.bench.ours import ours
from konvolve.bench.peers import torch_convolve
from konvolve.bench.workloads import answer


def tf_gradients(convolve):
    """Make the function of (x, k, g) that returns the result and both gradients, TensorFlow's."""
    import tensorflow as tf

    def both(x, k, g):
        with tf.GradientTape() as tape:
            tape.watch([x, k])
            y = convolve(x, k)
            loss = tf.reduce_sum(y * g)
        return [y, *tape.gradient(loss, [x, k])]

    return both


def jax_gradients(convolve):
    """The same for JAX."""
    import jax

    def loss(x, k, g):
        y = convolve(x, k)
        return (y * g).sum(), y

    def both(x, k, g):
        gradients, y = jax.grad(loss, argnums=(0, 1), has_aux=True)(x, k, g)
        return (y, *gradients)

    return both


def torch_gradients(convolve, x, k, g):
    """The same for torch, as a function without arguments."""
    import torch

    x, k = x.clone().requires_grad_(), k.clone().requires_grad_()

    def call():
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # as in in_torch
            y = convolve(x, k)
            return wait_torch((y.detach(), *torch.autograd.grad((y * g).sum(), (x, k))))

    return call


def _enter(name: str, library: str, role: str, **more) -> Callable:
    needs = ("konvolve",) if role in (KONVOLVE, PART) else more.pop("needs", ())
    if role == PART:
        more["reference"] = answer
    return contestant(name, library, needs, role=role, group=BACKWARD, **more)


@_enter("konvolve.convolve, tf.function", "tensorflow", KONVOLVE, judged=True)
def ours_compiled(w, *arrays):
    return in_tf_function(tf_gradients(ours("convolve", w, "tensorflow")), *arrays)


@_enter("konvolve.convolve, TF eager", "tensorflow", KONVOLVE)
def ours_eager(w, *arrays):
    both = tf_gradients(ours("convolve", w, "tensorflow"))
    return lambda: wait_tensorflow(both(*arrays))


@_enter("konvolve.convolve, jax.grad", "jax", KONVOLVE, judged=True, note="jit")
def ours_jax(w, *arrays):
    return in_jax_jit(jax_gradients(ours("convolve", w, "jax")), *arrays)


@_enter("konvolve.convolve, torch", "torch", KONVOLVE, judged=True)
def ours_torch(w, *arrays):
    return torch_gradients(ours("convolve", w, "torch"), *arrays)


@_enter("forward alone, tf.function", "tensorflow", PART)
def forward_tf(w, x, k, g):
    return in_tf_function(ours("convolve", w, "tensorflow"), x, k)


@_enter("forward alone, jax.jit", "jax", PART)
def forward_jax(w, x, k, g):
    return in_jax_jit(ours("convolve", w, "jax"), x, k)


@_enter("forward alone, torch", "torch", PART)
def forward_torch(w, x, k, g):
    return in_torch(ours("convolve", w, "torch"), x, k)


@_enter("TensorFlow recipe, autodiff", "tensorflow", BY_HAND, note="tf.function, fast lengths")
def tf_autodiff(w, *arrays):
    return in_tf_function(tf_gradients(tf_convolve(w, fast=True)), *arrays)


@_enter("JAX recipe, grad", "jax", BY_HAND, note="jit, fast lengths")
def jax_grad(w, *arrays):
    return in_jax_jit(jax_gradients(jax_convolve(w, fast=True)), *arrays)


@_enter("torch recipe, autograd", "torch", BY_HAND, note="fast lengths")
def torch_autograd(w, *arrays):
    return torch_gradients(torch_convolve(w, lengths(w, fast=True)), *arrays)


@_enter("torch.nn.functional conv", "torch", PEER, note="direct sum", slow=("gradient_2d",))
def torch_direct(w, *arrays):
    return torch_gradients(torch_layer(w, torch_stock(w)), *arrays)


@_enter("torch-fftconv", "torch", PEER, needs=("torch_fftconv",))
def torch_by_transforms(w, *arrays):
    return torch_gradients(torch_layer(w, torch_fftconv(w)), *arrays)


@_enter("fft-conv-pytorch", "torch", PEER, needs=("fft_conv_pytorch",))
def fkodom(w, *arrays):
    return torch_gradients(torch_layer(w, fft_conv_pytorch(w)), *arrays)
