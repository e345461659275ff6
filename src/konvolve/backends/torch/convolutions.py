"""PyTorch's own convolutions, of one channel and of many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from konvolve.backends.interface import Native
from konvolve.backends.torch.tracing import derived, in_dual_level, recorded, transforming
from konvolve.backends.torch.windows import window

_CONVOLUTIONS = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d, 3: torch.nn.functional.conv3d}


# In double precision PyTorch lays out the samples of every sum side by side (2.13 on CPU), which is as many times the
# signal as the kernel has taps: 4.6 GB for 3e6 samples and 201 taps. In pieces of so many samples it takes no longer.
_UNFOLDED = 2**21


def depthwise_correlate(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Correlate channel by channel with PyTorch's grouped convolution."""
    return _in_pieces(x, kernel.unsqueeze(1), kernel.shape[0])


def _in_pieces(x: torch.Tensor, kernel: torch.Tensor, groups: int) -> torch.Tensor:
    """Convolve without padding, by pieces of the longest axis where PyTorch would lay out too much at once."""
    convolution = _CONVOLUTIONS[x.ndim - 2]
    double = x.dtype in (torch.float64, torch.complex128) and x.device.type == "cpu"
    if not double or derived(x, kernel) or recorded(x):
        return convolution(x, kernel, groups=groups)
    taps = kernel.shape[2:]
    sizes = [x.shape[0], *(n - k + 1 for n, k in zip(x.shape[2:], taps, strict=True))]
    laid_out = math.prod(sizes) * kernel[0].numel()
    longest = max(range(len(sizes)), key=sizes.__getitem__)
    if laid_out <= _UNFOLDED or sizes[longest] < 2:
        return convolution(x, kernel, groups=groups)
    # Along the axes of x, where the second one is that of the channels.
    axis, extra = (longest + 1, taps[longest - 1] - 1) if longest else (0, 0)
    step = max(1, _UNFOLDED * sizes[longest] // laid_out)
    y: torch.Tensor | None = None
    for start in range(0, sizes[longest], step):
        kept = min(step, sizes[longest] - start)
        part = _in_pieces(x.narrow(axis, start, kept + extra), kernel, groups)
        if y is None:  # with the channels where PyTorch has put them
            shape = (*part.shape[:axis], sizes[longest], *part.shape[axis + 1 :])
            order = sorted(range(part.ndim), key=part.stride, reverse=True)
            back = [order.index(each) for each in range(part.ndim)]
            y = x.new_empty([shape[each] for each in order]).permute(back)
        y.narrow(axis, start, kept).copy_(part)
    assert y is not None  # there is a piece
    return y


def is_fast_in(x: torch.Tensor, dtype: str) -> bool:
    """Whether the dtype is as fast as float32: float16 is up to thirty times slower on a CPU (seen with 2.13)."""
    return dtype != "float16" or x.device.type != "cpu"


_TRANSPOSED = {
    1: torch.nn.functional.conv_transpose1d,
    2: torch.nn.functional.conv_transpose2d,
    3: torch.nn.functional.conv_transpose3d,
}


def conv(x: torch.Tensor, kernel: torch.Tensor, how: Native) -> torch.Tensor:
    """Correlate on channels with PyTorch's convolution, channels first; uneven padding is laid down before."""
    x = x.movedim(-1, 1) if how.last else x
    if how.depthwise:
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    pads = [lo for lo, _ in how.pads]
    if any(lo != hi for lo, hi in how.pads):
        sizes = [n + lo + hi for n, (lo, hi) in zip(x.shape[2:], how.pads, strict=True)]
        x, pads = window(x, [-lo for lo in pads], sizes), [0] * len(pads)
    x, kernel, high = _as_pictures(x, kernel, how.last)
    convolution = _CONVOLUTIONS[x.ndim - 2]
    if not any(pads) and all(n == 1 for n in (*how.strides, *how.dilations)):
        y = _in_pieces(x, kernel, how.groups)
    else:
        strides, dilations = (*high, *how.strides), (*high, *how.dilations)
        y = convolution(x, kernel, None, strides, (*(0 for _ in high), *pads), dilations, how.groups)
    y = y.squeeze(2) if high else y
    return y.movedim(1, -1) if how.last else y


def conv_transpose(y: torch.Tensor, kernel: torch.Tensor, how: Native, sizes: Sequence[Any]) -> torch.Tensor:
    """Return the adjoint: a window of PyTorch's transposed convolution, which itself cuts off as much on both sides."""
    y = y.movedim(-1, 1) if how.last else y
    if how.depthwise:
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    reach = [
        (n - 1) * s + (k - 1) * d + 1
        for n, k, s, d in zip(y.shape[2:], kernel.shape, how.strides, how.dilations, strict=False)
    ]
    cut = [max(0, min(lo, n - lo - size)) for (lo, _), n, size in zip(how.pads, reach, sizes, strict=True)]
    y, kernel, high = _as_pictures(y, kernel, how.last)
    none = (0,) * len(high)
    transposed = _TRANSPOSED[y.ndim - 2]
    x = transposed(y, kernel, None, (*high, *how.strides), (*none, *cut), 0, how.groups, (*high, *how.dilations))
    x = x.squeeze(2) if high else x
    x = window(x, [lo - n for (lo, _), n in zip(how.pads, cut, strict=True)], sizes)
    return x.movedim(1, -1) if how.last else x


def _as_pictures(x: torch.Tensor, kernel: torch.Tensor, last: bool) -> tuple[torch.Tensor, torch.Tensor, tuple]:
    """Return x and the kernel, (outputs, channels, *taps), sequences as pictures one sample high; and what that adds.

    Where the channels are the last axis in memory, PyTorch works on pictures in that order, and faster than on a copy.
    Signals it copies, which takes up to four times as long (seen with 2.13 on CPU, 8192 x 67 samples of 16 channels).
    """
    rank = x.ndim - 2
    kernel = kernel.permute(rank + 1, rank, *range(rank))
    if kernel.shape[0] == 1:  # PyTorch takes it for one in the order of pictures, and then refuses its gradient (2.13)
        kernel = kernel.contiguous()
    return (x.unsqueeze(2), kernel.unsqueeze(2), (1,)) if last and x.ndim == 3 else (x, kernel, ())


def with_gradient_of(
    forward: Callable, by_first: Callable | None, other: Callable, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    """Return ``forward(x, y)``, whose gradients are ``by_first(gradient, y)`` and, for y, that of ``other(x, y)``.

    In an eager backward pass: compiled, in forward mode and under ``torch.func`` the gradient is PyTorch's own.
    """
    sought = torch.is_grad_enabled() and y.requires_grad
    if by_first is None or not sought or transforming() or in_dual_level() or recorded(y):
        return forward(x, y)
    return _Composed.apply(x, y, forward, by_first, other)


class _Composed(torch.autograd.Function):
    """A function that is linear in each of its two operands, with gradients from elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, *rules: Callable) -> torch.Tensor:
        """Return ``forward(x, y)``."""
        forward, *ctx.rules = rules
        ctx.save_for_backward(x, y)
        return forward(x, y)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple:
        """Return the gradients by both operands that are asked for."""
        x, y = ctx.saved_tensors
        by_first, other = ctx.rules
        by_x = by_first(upstream, y) if ctx.needs_input_grad[0] else None
        by_y = _BySecond.apply(x, y, upstream, by_first, other) if ctx.needs_input_grad[1] else None
        return by_x, by_y, None, None, None


class _BySecond(torch.autograd.Function):
    """The gradient by the second operand, which is linear in the first one and in the gradient that comes from above.

    It is a derivative of <upstream, other(x, y)>, so its own gradients are those of <upstream, other(x, cotangent)>.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, upstream: torch.Tensor, *rules: Callable) -> torch.Tensor:
        """Return the gradient by y."""
        ctx.save_for_backward(x, upstream)
        _, other = ctx.rules = rules
        with torch.enable_grad():
            place = y.detach().requires_grad_()
            return torch.autograd.grad(other(x.detach(), place), place, upstream)[0]

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple:
        """Return the gradients by x and by what came from above."""
        x, upstream = ctx.saved_tensors
        by_first, other = ctx.rules
        return by_first(upstream, cotangent), None, other(x, cotangent), None, None
