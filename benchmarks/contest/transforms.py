"""The bare transforms of konvolve's own plan, in the same library, and nothing else.

The arrays are already padded and cut into blocks, nothing is multiplied and nothing put together again: what konvolve
takes above this is its own. As konvolve does, they work through the blocks in bands that stay in the cache.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contest.contestants import TRANSFORMS, contestant
from benchmarks.contest.workloads import BACKWARD
from konvolve.bench.libraries import to_library, wait_tensorflow, wait_torch
from konvolve.bench.workloads import FORWARD, SEED


def transforms(library: str, lengths: tuple[int, ...], complex_: bool) -> tuple[Callable, Callable] | None:
    """The library's transform over the trailing axes, and its inverse; None where it has none of this rank."""
    rank = len(lengths)
    axes = tuple(range(-rank, 0))
    names = ("fftn", "ifftn") if complex_ else ("rfftn", "irfftn")
    if library == "tensorflow":
        import tensorflow as tf

        if rank > 3:
            return None
        suffix = ("", "2d", "3d")[rank - 1]
        forward, inverse = (getattr(tf.signal, name[:-1] + suffix) for name in names)
        return forward, (inverse if complex_ else lambda x: inverse(x, lengths))
    if library == "jax":
        import jax

        forward, inverse = (getattr(jax.numpy.fft, name) for name in names)
        return jax.jit(lambda x: forward(x, axes=axes)), jax.jit(lambda x: inverse(x, lengths, axes=axes))
    if library == "torch":
        import torch

        forward, inverse = (getattr(torch.fft, name) for name in names)
        return (lambda x: forward(x, dim=axes)), (lambda x: inverse(x, lengths, dim=axes))
    from scipy import fft

    forward, inverse = (getattr(fft, name) for name in names)
    cores = os.cpu_count() or 1
    return (
        lambda x: forward(x, axes=axes, workers=cores),
        lambda x: inverse(x, lengths, axes=axes, workers=cores),
    )


def _wait(library: str, y: Any) -> Any:
    if library == "tensorflow":
        return wait_tensorflow(y)
    if library == "torch":
        return wait_torch(y)
    return y.block_until_ready() if library == "jax" else y


def of_the_plan(w, library: str) -> Callable | None:
    """The transforms of the plan for a workload; None where the plan has none."""
    import konvolve

    dtype = "float32" if w.dtype == "uint8" else w.dtype
    plan = konvolve.plan(
        w.signal, w.kernel, function=w.operation, mode=w.mode, axes=w.axes, dtype=dtype, library=library
    )
    way: Any = plan.way
    steps = way.steps if plan.method == "overlap" else ()
    sizes = tuple(int(n or 0) for n in plan.lengths)  # all are known here
    found = transforms(library, sizes, w.complex) if plan.method in ("fft", "overlap") else None
    if found is None:
        return None
    forward, inverse = found
    rows = math.prod(w.signal[axis] for axis in w.batch_axes)
    kernels = math.prod(w.kernel[axis] for axis in w.batch_axes)
    counts = [
        -(-kept.size // step) if step and kept else 1
        for kept, step in zip(plan.windows, steps or (0,) * len(plan.lengths), strict=True)
    ]
    total = math.prod(counts)
    tiled = next((count for count, step in zip(counts, steps, strict=True) if step), 1) if steps else 1
    at_once = min(total, way.band * total // tiled) if plan.method == "overlap" else 1
    rng = np.random.default_rng(SEED)

    def noise(*shape: int) -> Any:
        values = rng.standard_normal(shape, dtype=np.float32)
        return to_library(library, values.astype(dtype))

    bands = [noise(rows * min(at_once, total - first), *sizes) for first in range(0, total, at_once)]
    kernel = noise(kernels, *sizes)

    def call() -> Any:
        # The backward pass of a gradient takes as many transforms as the forward pass: one of what comes in, and an
        # inverse for each gradient.
        spectrum = forward(kernel)
        for band in bands * (2 if w.group == BACKWARD else 1):
            y = inverse(forward(band))
        if w.group == BACKWARD:
            _wait(library, inverse(spectrum))
        return _wait(library, y)

    return call


def _unchecked(w, *inputs) -> None:
    """No reference: what comes out is no convolution."""


def _enter(name: str, library: str, group: str) -> None:
    @contestant(
        f"bare transforms, {name}", library, ("konvolve",),
        role=TRANSFORMS, group=group, note="of konvolve's own plan", reference=_unchecked,
    )  # fmt: skip
    def bare(w, *arrays):
        return of_the_plan(w, library)


for _library, _name in (("numpy", "scipy.fft"), ("tensorflow", "TensorFlow"), ("jax", "JAX"), ("torch", "torch")):
    for _group in (FORWARD, BACKWARD):
        _enter(_name, _library, _group)
