"""Gradients of a Keras layer, on whichever backend Keras has."""

import keras
import numpy as np


def gradients(layer, x, cotangent):
    """Return the gradients of ``sum(layer(x) * cotangent)`` with respect to x and to each trainable weight."""
    return [
        np.asarray(keras.ops.convert_to_numpy(g)) for g in _BY_BACKEND[keras.backend.backend()](layer, x, cotangent)
    ]


def _tensorflow(layer, x, cotangent):
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.cast(layer(x), cotangent.dtype) * cotangent)
    return tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])


def _jax(layer, x, cotangent):
    import jax

    def loss(x, trainable):
        y, _ = layer.stateless_call(trainable, [weight.value for weight in layer.non_trainable_weights], x)
        return (y * cotangent).sum()

    by_x, by_weights = jax.grad(loss, argnums=(0, 1))(x, [weight.value for weight in layer.trainable_weights])
    return [by_x, *by_weights]


def _torch(layer, x, cotangent):
    import torch

    x = torch.tensor(x, requires_grad=True)
    values = [weight.value for weight in layer.trainable_weights]
    for value in values:
        value.grad = None
    (layer(x) * torch.tensor(cotangent)).sum().backward()
    return [x.grad, *(value.grad for value in values)]


_BY_BACKEND = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
