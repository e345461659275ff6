"""Transforms and products of spectra, with the gradients that reuse spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from konvolve.backends.torch.tracing import derived
from konvolve.backends.torch.windows import window

_TRANSFORMS = {
    "rfftn": torch.fft.rfftn,
    "irfftn": torch.fft.irfftn,
    "fftn": torch.fft.fftn,
    "ifftn": torch.fft.ifftn,
}
_BACK = {"rfftn": "irfftn", "irfftn": "rfftn", "fftn": "ifftn", "ifftn": "fftn"}


class _Paired(torch.autograd.Function):
    """A transform whose gradient is the transform back, and the other way round, to every order.

    PyTorch's own gradient of a real transform is a complex one of twice the size. The transpose of the real
    transform of N samples is N times its inverse with the inner half of the bins weighted by 1/2, and the inverse's
    transpose has the reciprocal weights. Between a transform and its way back a spectrum only meets elementwise
    products and reversals, with which N and the weights commute. So the gradient of a spectrum is carried multiplied
    by them, and both drop out. Spectra never leave the methods, so nobody meets such a gradient. The complex pair is
    treated alike.
    """

    @staticmethod
    def forward(x: torch.Tensor, kind: str, lengths: Sequence[int]) -> torch.Tensor:
        rank = len(lengths)
        axes = tuple(range(-rank, 0))
        if 0 in x.shape:
            one = _TRANSFORMS[kind](x.new_zeros(x.shape[-rank:]), lengths, axes)
            return one.new_zeros((*x.shape[:-rank], *one.shape))
        if torch.compiler.is_compiling() and x.ndim > rank + 1:
            # Of several batch axes PyTorch works out the shape by resizing, which it refuses for sizes that are symbols
            # ("tried to directly modify sizes for customized tensor", 2.13): they become one.
            y = _TRANSFORMS[kind](x.reshape(-1, *x.shape[-rank:]), lengths, axes)
            return y.reshape(*x.shape[:-rank], *y.shape[1:])
        return _TRANSFORMS[kind](x, lengths, axes)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
        _, ctx.kind, ctx.lengths = inputs

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        return _transform(gradient, _BACK[ctx.kind], ctx.lengths), None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: torch.Tensor, kind: str, lengths: Sequence[int]) -> tuple:
        return _transform(x.movedim(in_dims[0], 0), kind, lengths), 0


class _PairedForward(_Paired):
    """The same with a forward mode, which torch.compile does not take."""

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, *_: None) -> torch.Tensor:
        return _transform(tangent, ctx.kind, ctx.lengths)


def _transform(x: torch.Tensor, kind: str, lengths: Sequence[int]) -> torch.Tensor:
    if not derived(x):  # the class costs ten times what a short transform does
        return _Paired.forward(x, kind, lengths)
    return (_Paired if torch.compiler.is_compiling() else _PairedForward).apply(x, kind, lengths)


def _padded(x: torch.Tensor, kind: str, lengths: Sequence[int]) -> torch.Tensor:
    if not derived(x):  # the transform pads by itself, in a third of the time
        return _Paired.forward(x, kind, lengths)
    return _transform(window(x, [0] * len(lengths), lengths), kind, lengths)


class _Product(torch.autograd.Function):
    """A batched product of complex matrices that are contiguous, as are those of its gradient.

    PyTorch multiplies others one by one: 9180 products of 8 x 16 with 16 x 32 took 118 ms in place of 10 and 25 for
    the copies.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x.contiguous(), y.contiguous())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        x, y = ctx.saved_tensors
        by_x = matmul(gradient, y.mH).sum_to_size(x.shape) if ctx.needs_input_grad[0] else None
        by_y = matmul(x.mH, gradient).sum_to_size(y.shape) if ctx.needs_input_grad[1] else None
        return by_x, by_y


class _ProductForward(_Product):
    """The same with a forward mode, which torch.compile does not take."""

    @staticmethod
    def jvp(ctx: Any, x_tangent: torch.Tensor, y_tangent: torch.Tensor) -> torch.Tensor:
        x, y = ctx.saved_tensors
        return matmul(x_tangent, y) + matmul(x, y_tangent)


def matmul(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Multiply matrices along the last two axes."""
    if not x.is_complex():
        return torch.matmul(x, y)
    if not derived(x, y):
        return _Product.forward(x, y)
    return (_Product if torch.compiler.is_compiling() else _ProductForward).apply(x, y)


def rfftn(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Transform real trailing axes, padded to the lengths."""
    return _padded(x, "rfftn", lengths)


def irfftn(x: torch.Tensor, lengths: Sequence[int], kept: Sequence[tuple[Any, Any]] | None = None) -> torch.Tensor:
    """Invert rfftn."""
    y = _transform(x, "irfftn", lengths)
    return y if kept is None else window(y, *zip(*kept, strict=True))


def fftn(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Transform complex trailing axes, padded to the lengths."""
    return _padded(x, "fftn", lengths)


def ifftn(x: torch.Tensor, lengths: Sequence[int], kept: Sequence[tuple[Any, Any]] | None = None) -> torch.Tensor:
    """Invert fftn."""
    y = _transform(x, "ifftn", lengths)
    return y if kept is None else window(y, *zip(*kept, strict=True))


def add_product(total: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Add a product, in the place of the total where no derivative is taken.

    Without an array for the product: freed and made again for each tap, such arrays took ten times the memory of one of
    them below 32 MiB (glibc 2.36), where the C library finds no room for an aligned array in one that was freed.
    """
    return total + x * y if derived(total, x, y) else total.addcmul_(x, y)


def multiply(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Multiply, in the place of x where the product fits there and no derivative is taken."""
    fits = x.shape == y.shape or (
        x.ndim >= y.ndim and all(m in (1, n) for n, m in zip(reversed(x.shape), reversed(y.shape), strict=False))
    )
    return x.mul_(y) if fits and not derived(x, y) else x * y
