"""The libraries the family is tested on: how to make an array of each, and how to read one back."""

import numpy as np


class Library:
    """NumPy itself, and the base of the others."""

    name = "numpy"
    dtypes = (
        *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )

    def array(self, x):
        """Return a NumPy array as one of this library."""
        return x

    def numpy(self, x):
        """Return an array of this library, and of no other, as NumPy's."""
        assert isinstance(x, np.ndarray | np.generic), type(x)
        return np.asarray(x)


class TensorFlow(Library):
    """Eager TensorFlow."""

    name = "tensorflow"

    def array(self, x):
        import tensorflow as tf

        return tf.constant(x)

    def numpy(self, x):
        import tensorflow as tf

        assert isinstance(x, tf.Tensor), type(x)
        return x.numpy()


class Jax(Library):
    """JAX, with 64-bit types for the whole process: tests of 32-bit JAX run in processes of their own."""

    name = "jax"
    by_numpy = False  # whether the first call of each kind is left to NumPy's operations

    def array(self, x):
        import jax

        from konvolve.backends.jax import uncompiled as jax_uncompiled

        jax.config.update("jax_enable_x64", True)
        jax_uncompiled.by_numpy = lambda plan, arrays: self.by_numpy  # conftest.py has it where JAX was imported before
        return jax.numpy.asarray(x)

    def numpy(self, x):
        import jax

        assert isinstance(x, jax.Array), type(x)
        return np.asarray(x)


class Torch(Library):
    """PyTorch."""

    name = "torch"

    def array(self, x):
        import torch

        return torch.from_numpy(np.array(x))

    def numpy(self, x):
        import torch

        assert isinstance(x, torch.Tensor), type(x)
        return x.numpy()


LIBRARIES = {library.name: library for library in (Library(), TensorFlow(), Jax(), Torch())}
