"""What a contestant is, the list of all of them, and konvolve's own entries.

The other entries are in `peers.py` (ready-made functions of other libraries), `recipes.py` (the code that
people write themselves) and `gradients.py` (workloads with a backward pass).
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .workloads import CALL, FORWARD, Workload

KONVOLVE = "konvolve"
PEER = "ready-made"  # a library's function, called the way its documentation shows
BY_HAND = "by hand"  # transforms put together by the user, or a function set up for the machine
APART = "apart"  # has an easier question, being told more than the others; shown, not compared with


@dataclass(frozen=True)
class Contestant:
    """One way to answer the workloads of a group.

    `make(workload, *arrays)` gets the inputs as arrays of `library` and returns a function without arguments
    that computes the answer and comes back when it is there; None says that the contestant has no answer to
    that workload. `judged` marks konvolve's entries that the aims are about, `slow` names the workloads in
    which it takes seconds.
    """

    name: str
    library: str
    make: Callable[..., Callable | None]
    needs: tuple[str, ...] = ()
    role: str = PEER
    note: str = ""
    group: str = FORWARD
    judged: bool = False
    slow: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules it needs that are not installed here."""
        return tuple(module for module in self.needs if importlib.util.find_spec(module) is None)


CONTESTANTS: list[Contestant] = []


def contestant(name: str, library: str = "numpy", needs: tuple[str, ...] = (), **more):
    """Enter the decorated `make` function in `CONTESTANTS`."""

    def enter(make: Callable) -> Callable:
        CONTESTANTS.append(Contestant(name, library, make, (library, *needs), **more))
        return make

    return enter


def to_library(library: str, array: np.ndarray):
    """`array` as an array of `library`, on that library's default device."""
    if library == "tensorflow":
        import tensorflow as tf

        return tf.constant(array)
    if library == "jax":
        import jax.numpy as jnp

        return jnp.asarray(array).block_until_ready()
    if library == "torch":
        import torch

        return torch.from_numpy(array)
    return array


def wait_tensorflow(y):
    """`y`, when it has been computed.

    TensorFlow's CPU operations, eager or in a graph, have run when the call returns, so there is nothing to
    wait for; on a GPU they have only been queued.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        tf.test.experimental.sync_devices()
    return y


def in_tf_function(function: Callable, *arrays) -> Callable:
    """`function` of `arrays` as a compiled graph.

    The arrays are arguments of the graph and not constants in it, which TensorFlow may fold beforehand.
    """
    import tensorflow as tf

    compiled = tf.function(function)
    return lambda: wait_tensorflow(compiled(*arrays))


class NotAvailable(Exception):
    """The contestant's function is not in the version that is installed."""


def ours(function: str, w: Workload) -> Callable:
    """The function of (x, k) that calls konvolve's `function` as the workload asks."""
    import konvolve

    if not hasattr(konvolve, function):
        raise NotAvailable(f"konvolve.{function}")
    call = getattr(konvolve, function)
    if function == "correlate":
        return lambda x, k: call(x, k, mode=w.mode)
    return lambda x, k: call(x, k, mode=w.mode, axes=w.axes)


def _enter_ours(function: str) -> None:
    def asked(w: Workload) -> bool:
        if function == "oaconvolve":
            return w.name == "fir"
        return (function == "correlate") == (w.operation == "correlate")

    @contestant(f"konvolve.{function}, NumPy", "numpy", ("konvolve",), role=KONVOLVE)
    def on_numpy(w, x, k):
        if not asked(w):
            return None
        convolve = ours(function, w)
        return lambda: convolve(x, k)

    @contestant(f"konvolve.{function}, TensorFlow eager", "tensorflow", ("konvolve",), role=KONVOLVE)
    def eager(w, x, k):
        if not asked(w):
            return None
        convolve = ours(function, w)
        return lambda: wait_tensorflow(convolve(x, k))

    @contestant(f"konvolve.{function}, tf.function", "tensorflow", ("konvolve",), role=KONVOLVE, judged=True)
    def compiled(w, x, k):
        return in_tf_function(ours(function, w), x, k) if asked(w) else None


for _function in ("fftconvolve", "correlate", "oaconvolve"):
    _enter_ours(_function)


@contestant(
    "konvolve.fftconvolve, TensorFlow eager",
    "tensorflow",
    ("konvolve",),
    role=KONVOLVE,
    group=CALL,
    judged=True,
)
def _small(w, x, k):
    convolve = ours("fftconvolve", w)
    return lambda: convolve(x, k)
