"""What brings arrays to a library's device and back, and has it compute as its users do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LIBRARIES = ("numpy", "tensorflow", "jax", "torch", "cupy")


class NotAvailable(Exception):
    """The contestant's function is not in the version that is installed, or its device is not there."""


def torch_device() -> str:
    """The device torch's contestants run on: the first GPU that CUDA sees, or else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def to_library(library: str, array: np.ndarray) -> Any:
    """`array` as an array of `library`, on that library's default device; on torch's GPU where there is one."""
    if library == "tensorflow":
        import tensorflow as tf

        return tf.constant(array)
    if library == "jax":
        import jax

        return jax.device_put(array).block_until_ready()
    if library == "torch":
        import torch

        return torch.from_numpy(array).to(torch_device())
    if library == "cupy":
        import cupy

        try:
            return cupy.asarray(array)
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise NotAvailable("no GPU") from error
    return array


def to_numpy(array: Any) -> np.ndarray:
    """An array of any library, on any device, as NumPy's."""
    if hasattr(array, "__cuda_array_interface__") and hasattr(array, "get"):  # cupy refuses np.asarray
        return array.get()
    if type(array).__module__ == "torch":
        return array.detach().cpu().numpy()
    return np.asarray(array)


def wait_tensorflow(y: Any) -> Any:
    """`y`, when it has been computed.

    TensorFlow's CPU operations, eager or in a graph, have run when the call returns, so there is nothing to
    wait for; on a GPU they have only been queued.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        tf.test.experimental.sync_devices()
    return y


def wait_torch(y: Any) -> Any:
    """`y`, when it has been computed: on a GPU, when its queue is empty."""
    import torch

    if torch_device() == "cuda":
        torch.cuda.synchronize()
    return y


def in_tf_function(function: Callable, *arrays: Any) -> Callable:
    """`function` of `arrays` as a compiled graph.

    The arrays are arguments of the graph and not constants in it, which TensorFlow may fold beforehand.
    """
    import tensorflow as tf

    compiled = tf.function(function)
    return lambda: wait_tensorflow(compiled(*arrays))


def in_jax_jit(function: Callable, *arrays: Any) -> Callable:
    """`function` of `arrays`, compiled; the arrays are its arguments."""
    import jax

    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*arrays))


def in_torch(function: Callable, *arrays: Any) -> Callable:
    """`function` of `arrays` without a record for gradients, in full float32.

    cuDNN's convolutions round float32 to 10 bits (TF32) unless they are told not to, and would be wrong here.
    """
    import torch

    def call() -> Any:
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return wait_torch(function(*arrays))

    return call


def compiled(library: str, function: Callable, *arrays: Any) -> Callable[[], Any]:
    """A function of arrays as one without arguments, compiled as the library's users do."""
    if library == "tensorflow":
        return in_tf_function(function, *arrays)
    if library == "jax":
        return in_jax_jit(function, *arrays)
    if library == "torch":
        return in_torch(function, *arrays)
    return lambda: function(*arrays)


def as_float(dtype: str, library: str, function: Callable) -> Callable:
    """`function` of (x, k), with integers converted to float32 on the way in; the conversion is in the time."""
    if dtype != "uint8":
        return function
    if library == "tensorflow":
        import tensorflow as tf

        return lambda x, k: function(tf.cast(x, tf.float32), tf.cast(k, tf.float32))
    if library == "torch":
        return lambda x, k: function(x.float(), k.float())
    return lambda x, k: function(x.astype("float32"), k.astype("float32"))
