"""Contestants of the workloads with a backward pass.

The answer is the gradient of sum(convolve(x, k) * g) to x and to k; the forward pass is in the time.
"""

from .contestants import BY_HAND, KONVOLVE, contestant, in_tf_function, ours, wait_tensorflow
from .recipes import jax_convolve, tf_convolve, torch_convolve
from .workloads import BACKWARD


def _tf_gradients(convolve):
    import tensorflow as tf

    def both(x, k, g):
        with tf.GradientTape() as tape:
            tape.watch([x, k])
            loss = tf.reduce_sum(convolve(x, k) * g)
        return tape.gradient(loss, [x, k])

    return both


def _enter(name: str, library: str, role: str, **more):
    needs = ("konvolve",) if role == KONVOLVE else ()
    return contestant(name, library, needs, role=role, group=BACKWARD, **more)


@_enter("konvolve.fftconvolve, tf.function", "tensorflow", KONVOLVE, judged=True)
def ours_compiled(w, *arrays):
    return in_tf_function(_tf_gradients(ours("fftconvolve", w)), *arrays)


@_enter("konvolve.fftconvolve, TensorFlow eager", "tensorflow", KONVOLVE)
def ours_eager(w, *arrays):
    both = _tf_gradients(ours("fftconvolve", w))
    return lambda: wait_tensorflow(both(*arrays))


@_enter("TensorFlow recipe, autodiff", "tensorflow", BY_HAND, note="tf.function, fast lengths")
def tf_autodiff(w, *arrays):
    return in_tf_function(_tf_gradients(tf_convolve(w, fast=True)), *arrays)


@_enter("JAX recipe, grad", "jax", BY_HAND, note="jit, fast lengths")
def jax_grad(w, *arrays):
    import jax

    convolve = jax_convolve(w, fast=True)
    both = jax.jit(jax.grad(lambda x, k, g: (convolve(x, k) * g).sum(), argnums=(0, 1)))
    return lambda: jax.block_until_ready(both(*arrays))


@_enter("torch recipe, autograd", "torch", BY_HAND, note="fast lengths")
def torch_autograd(w, *arrays):
    import torch

    convolve = torch_convolve(w, fast=True)
    x, k, g = arrays
    x, k = x.clone().requires_grad_(), k.clone().requires_grad_()
    return lambda: torch.autograd.grad((convolve(x, k) * g).sum(), (x, k))
