"""A network's layers: `konvolve.nn` beside the libraries' own convolutions, channels and all.

Inputs are (batch, *space, channels) and kernels (*taps, channels, outputs), as Keras has them. PyTorch's functions get
them in PyTorch's own order, permuted outside the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.contest.aims import JAX, TF, TORCH
from benchmarks.contest.contestants import contestant
from benchmarks.contest.gradients import jax_gradients, tf_gradients, torch_gradients
from benchmarks.contest.networks import fft_conv_pytorch, torch_fftconv, torch_stock
from konvolve.bench.contestants import KONVOLVE, PEER
from konvolve.bench.libraries import in_jax_jit, in_tf_function, in_torch, wait_torch
from konvolve.bench.workloads import SEED, Workload

LAYER, STEP = "layer", "layer's gradients"


@dataclass(frozen=True)
class Layer(Workload):
    """One layer's convolution; `mode` is its padding."""

    depthwise: bool = False

    @property
    def full(self) -> tuple[int, ...]:
        """Length of the whole convolution on each spatial axis."""
        return tuple(n + k - 1 for n, k in zip(self.signal[1:-1], self.kernel, strict=False))

    @property
    def before(self) -> tuple[int, ...]:
        """Zeros before each spatial axis."""
        taps = self.kernel[:-2]
        return tuple(k - 1 if self.mode == "causal" else (k - 1) // 2 for k in taps)


def _inputs(w: Workload) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(SEED)
    return tuple(rng.standard_normal(shape, dtype=np.float32) for shape in (w.signal, w.kernel))


def _inputs_and_weight(w: Workload) -> tuple[np.ndarray, ...]:
    shape = (*w.signal[:-1], w.kernel[-1])
    return *_inputs(w), np.random.default_rng(SEED + 1).standard_normal(shape, dtype=np.float32)


def _answer(w: Layer, x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, ...]:
    """The layer's output in float64: transforms, and at each frequency a sum over the channels."""
    from scipy import fft

    space = tuple(range(1, x.ndim - 1))
    lengths = [fft.next_fast_len(n, real=True) for n in w.full]
    turned = np.flip(k.astype(np.float64), tuple(range(len(space))))
    signal = fft.rfftn(x.astype(np.float64), lengths, axes=space)
    kernel = fft.rfftn(turned, lengths, axes=tuple(range(len(space))))
    product = signal * kernel[..., 0] if w.depthwise else np.einsum("b...i,...io->b...o", signal, kernel, optimize=True)
    whole = fft.irfftn(product, lengths, axes=space)
    # Output i is the sum over j of x[i + j - before] k[j]: sample i + (k - 1 - before) of the whole convolution.
    firsts = [k - 1 - before for k, before in zip(w.kernel, w.before, strict=False)]
    return (whole[(slice(None), *(slice(f, f + n) for f, n in zip(firsts, x.shape[1:-1], strict=True)))],)


def _gradients(w: Layer, x: np.ndarray, k: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """The output y, and the gradients of sum(y g) for one spatial axis, tap by tap in float64."""
    (y,) = _answer(w, x, k)
    x, k, g = (array.astype(np.float64) for array in (x, k, g))
    (before,), n = w.before, x.shape[1]
    padded = np.pad(x, [(0, 0), (before, len(k) - 1 - before), (0, 0)])
    dx, dk = np.zeros_like(padded), np.zeros_like(k)
    for tap in range(len(k)):
        dk[tap] = np.einsum("bni,bno->io", padded[:, tap : tap + n], g, optimize=True)
        dx[:, tap : tap + n] += g @ k[tap].T
    return y, dx[:, before : before + n], dk


def _layer(
    name: str, title: str, signal: tuple, kernel: tuple, padding: str,
    inputs: Callable = _inputs, answer: Callable = _answer, **more,
) -> Layer:  # fmt: skip
    axes = tuple(range(1, len(signal) - 1))
    return Layer(name, title, signal, kernel, padding, axes, inputs, answer, **more)


def _square(side: int) -> Layer:
    title = f"a layer of 16 to 32 channels, {side}x{side}, on 8 pictures of 128x128"
    return _layer(f"conv2d_{side}", title, (8, 128, 128, 16), (side, side, 16, 32), "same", group=LAYER)


LAYERS: dict[str, Workload] = {
    w.name: w
    for w in (
        _square(7),
        _square(15),
        _square(31),
        _layer(
            "depthwise_31", "a depthwise layer of 16 channels, 31x31, on 2 pictures of 224x224",
            (2, 224, 224, 16), (31, 31, 16, 1), "same", depthwise=True, group=LAYER,
        ),
        _layer(
            "conv1d_step",
            "forward and both gradients of a causal layer, 16 to 16 channels, 256 taps, 2 signals of 8192",
            (2, 8192, 16), (256, 16, 16), "causal",
            inputs=_inputs_and_weight, answer=_gradients, group=STEP,
        ),
    )
}  # fmt: skip


def _ours(w: Layer) -> Callable:
    from konvolve import nn

    call = nn.depthwise_conv if w.depthwise else nn.conv
    return lambda x, k: call(x, k, padding=w.mode, data_format="channels_last")


def _tf(w: Layer) -> Callable:
    import tensorflow as tf

    if w.depthwise:
        return lambda x, k: tf.nn.depthwise_conv2d(x, k, (1, 1, 1, 1), "SAME")
    if w.mode == "causal":
        return lambda x, k: tf.nn.convolution(tf.pad(x, [(0, 0), (w.before[0], 0), (0, 0)]), k, padding="VALID")
    return lambda x, k: tf.nn.convolution(x, k, padding="SAME")


def _jax(w: Layer) -> Callable:
    from jax import lax

    letters = "DHW"[-len(w.axes) :]
    order = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    pads = [(before, k - 1 - before) for before, k in zip(w.before, w.kernel, strict=False)]
    groups = w.signal[-1] if w.depthwise else 1
    shape = (*w.kernel[:-2], w.kernel[-2] // groups, w.kernel[-1] * groups)

    def convolve(x, k):
        strides = (1,) * len(w.axes)
        k = k.reshape(shape)
        # On a GPU the default precision rounds float32 to 10 bits (TF32).
        return lax.conv_general_dilated(
            x, k, strides, pads, dimension_numbers=order, feature_group_count=groups, precision=lax.Precision.HIGHEST
        )

    return convolve


def _to_torch(w: Layer, x, k):
    """The input and the kernel in PyTorch's order."""
    last = len(w.axes) + 1
    x = x.movedim(last, 1).contiguous()
    k = k.permute(last - 1, last, *range(last - 1)) if w.depthwise else k.permute(last, last - 1, *range(last - 1))
    return x, k.contiguous()


def _torch(w: Layer, conv: Callable) -> Callable:
    """A function of arrays in PyTorch's order; what comes out is seen in Keras's."""
    import torch

    groups = w.signal[-1] if w.depthwise else 1
    pads = [
        side
        for before, k in reversed(tuple(zip(w.before, w.kernel, strict=False)))
        for side in (before, k - 1 - before)
    ]
    return lambda x, k: conv(torch.nn.functional.pad(x, pads), k, groups=groups).movedim(1, -1)


def _enter(name: str, library: str, role: str, layer: Callable, gradients: Callable, **more) -> None:
    more = {"needs": ("konvolve",) if role == KONVOLVE else more.pop("needs", ()), "role": role} | more
    contestant(name, library, group=LAYER, **more)(layer)
    contestant(name, library, group=STEP, **more)(gradients)


def _in_torch(conv: Callable) -> tuple[Callable, Callable]:
    def gradients(w, x, k, g):
        both = torch_gradients(_torch(w, conv(w)), *_to_torch(w, x, k), g)

        def call():
            y, dx, dk = both()  # y in Keras's order, the gradients brought to it to be compared
            return wait_torch((y, dx.movedim(1, -1), dk.permute(*range(2, dk.ndim), 1, 0)))

        return call

    return (lambda w, x, k: in_torch(_torch(w, conv(w)), *_to_torch(w, x, k))), gradients


_enter(
    "konvolve.nn, tf.function", "tensorflow", KONVOLVE,
    lambda w, x, k: in_tf_function(_ours(w), x, k), lambda w, *a: in_tf_function(tf_gradients(_ours(w)), *a),
    judged=True,
)  # fmt: skip
_enter(
    "konvolve.nn, jax.jit", "jax", KONVOLVE,
    lambda w, x, k: in_jax_jit(_ours(w), x, k), lambda w, *a: in_jax_jit(jax_gradients(_ours(w)), *a),
    judged=True,
)  # fmt: skip
_enter(
    "konvolve.nn, torch", "torch", KONVOLVE,
    lambda w, x, k: in_torch(_ours(w), x, k), lambda w, *a: torch_gradients(_ours(w), *a),
    judged=True,
)  # fmt: skip
_enter(
    TF, "tensorflow", PEER, lambda w, x, k: in_tf_function(_tf(w), x, k),
    lambda w, *a: in_tf_function(tf_gradients(_tf(w)), *a),
    note="as Keras calls it, without XLA", slow=("conv1d_step",),
)  # fmt: skip
_enter(
    JAX, "jax", PEER, lambda w, x, k: in_jax_jit(_jax(w), x, k),
    lambda w, *a: in_jax_jit(jax_gradients(_jax(w)), *a), slow=("depthwise_31",),
)  # fmt: skip
_enter(TORCH, "torch", PEER, *_in_torch(torch_stock), slow=("depthwise_31",))
_enter("torch-fftconv", "torch", PEER, *_in_torch(torch_fftconv), needs=("torch_fftconv",))
_enter("fft-conv-pytorch", "torch", PEER, *_in_torch(fft_conv_pytorch), needs=("fft_conv_pytorch",))
