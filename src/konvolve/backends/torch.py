"""PyTorch: its own transforms and autograd.

Seen with PyTorch 2.13 on CPU:

- A transform of an empty batch fails in MKL: its result is made here.
- Unsigned integers wider than 8 bits have few operations, and no integer has a convolution: integers are summed as
  int64 in loops, or as digits in float64.
- An array of NumPy that is read-only or has negative strides cannot be shared: it is copied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from konvolve.backends.interface import Native

name = "torch"


def profile() -> str:
    """Return the name of the planning constants."""
    return name


def owns(x: Any) -> bool:
    """Whether x is a tensor."""
    return isinstance(x, torch.Tensor)


def asarray(x: Any, like: torch.Tensor | None = None) -> torch.Tensor:
    """Return a tensor, on the device of ``like``."""
    if isinstance(x, torch.Tensor):
        return x
    try:
        y = torch.from_numpy(x if x.flags.writeable and min(x.strides, default=0) >= 0 else np.array(x))
    except TypeError as error:
        raise TypeError(f"PyTorch has no such dtype: {x.dtype}") from error
    return y if like is None else y.to(like.device)


_NAMES: dict[torch.dtype, str] = {}


def dtype(x: torch.Tensor) -> str:
    """Return the name of the dtype."""
    kind = x.dtype
    if kind not in _NAMES:
        _NAMES[kind] = str(kind).removeprefix("torch.")
    return _NAMES[kind]


def shape(x: torch.Tensor) -> tuple[int | None, ...]:
    """Return the sizes, None for a symbolic one."""
    if not torch.compiler.is_compiling():
        return tuple(x.shape)
    from torch.fx.experimental.symbolic_shapes import has_static_value  # imports SymPy: the compiler has done so

    return tuple(n if has_static_value(n) else None for n in x.shape)


def sizes(x: torch.Tensor) -> tuple[Any, ...]:
    """Return the sizes."""
    return tuple(x.shape)


def magnitude_bits(x: torch.Tensor) -> None:
    """Never look at values: that would wait for the device, and break a compiled graph."""
    return


def peak(x: torch.Tensor) -> float:
    """Return the largest magnitude."""
    if x.is_complex() or x.is_floating_point():
        return float(x.abs().max())
    if x.dtype is torch.uint64:  # has no maximum
        return max(x.flatten().tolist())
    wide = x.to(torch.int64)
    return max(abs(int(wide.max())), abs(int(wide.min())))


def device(x: torch.Tensor) -> str:
    """Return the device's name."""
    return str(x.device)


def to_numpy(x: torch.Tensor) -> np.ndarray:
    """Return a NumPy array; bfloat16, which NumPy has not, as float32."""
    x = x.detach().cpu().resolve_conj()
    return (x.float() if x.dtype is torch.bfloat16 else x).numpy()


def traced(x: torch.Tensor) -> bool:
    """Whether torch.func has wrapped x; torch.compile takes what it does with a tensor as done."""
    return not torch.compiler.is_compiling() and _wrapped(x)


try:  # Not public, so its absence must cost little: a spectrum is then computed in every call.
    _wrapped: Callable[[torch.Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor
except AttributeError:

    def _wrapped(x: torch.Tensor) -> bool:
        return True


def values(x: torch.Tensor) -> Any:
    """Return the values of a tensor on the host that no derivative is taken to."""
    dual = torch.autograd.forward_ad.unpack_dual(x).tangent is not None if _in_dual_level() else False
    if (x.requires_grad and torch.is_grad_enabled()) or dual or _transforming() or x.device.type != "cpu":
        return None
    return to_numpy(x)


def _in_dual_level() -> bool:
    """Whether the forward mode may be at work: not public, so that its absence means it may."""
    return getattr(torch.autograd.forward_ad, "_current_level", 0) >= 0


def snapshot(x: torch.Tensor) -> torch.Tensor:
    """Return a copy that no derivative is taken to."""
    with at_once():
        return x.detach().clone()


def at_once() -> Any:
    """Return a context for constants: a tensor made in the inference mode would be of no use to autograd later."""
    compiling = torch.compiler.is_compiling()
    return torch.no_grad() if compiling or not torch.is_inference_mode_enabled() else _without_inference_mode()


@contextlib.contextmanager
def _without_inference_mode() -> Iterator[None]:
    with torch.inference_mode(False), torch.no_grad():
        yield


minimum = min
maximum = max


def lookup(size: Any, table: Sequence[int]) -> int:
    """Return the first entry that is not less than a size; a compiled function is specialised on it."""
    low, high = 0, len(table)
    while low < high:  # few comparisons, because the compiler checks each of them again at every call
        middle = (low + high) // 2
        low, high = (low, middle) if table[middle] >= size else (middle + 1, high)
    return table[low]


def whole(function: Callable) -> Callable:
    """Return the function as it is: operations run one by one."""
    return function


def canonical(dtype: str) -> str:
    """Return the dtype that an array asked to have this one gets."""
    return dtype


def cast(x: torch.Tensor, dtype: str) -> torch.Tensor:
    """Convert to a dtype."""
    target = getattr(torch, dtype)
    return x if x.dtype is target else x.to(target)


def begins_finite(y: torch.Tensor) -> bool:
    """Never look: it would wait for the device, and break a compiled graph."""
    return True


def finish(y: torch.Tensor) -> torch.Tensor:
    """Return the result contiguous."""
    return y.contiguous()


def scalar(value: complex, dtype: str) -> torch.Tensor:
    """Return a number as a tensor without axes."""
    target = getattr(torch, dtype)
    integral = not target.is_floating_point and not target.is_complex
    return torch.tensor(int(value.real) if integral else value, dtype=target)


def zeros(shape: Sequence[Any], dtype: str, like: torch.Tensor) -> torch.Tensor:
    """Return zeros."""
    return torch.zeros(tuple(shape), dtype=getattr(torch, dtype), device=like.device)


def arange(start: Any, stop: Any, like: torch.Tensor) -> torch.Tensor:
    """Return indices."""
    return torch.arange(start, stop, device=like.device)


where = torch.where
round = torch.round
transpose = torch.permute
reshape = torch.reshape
flip = torch.flip
stack = torch.stack
broadcast_to = torch.broadcast_to
assemble = torch.complex


def conjugate(x: torch.Tensor) -> torch.Tensor:
    """Return the complex conjugate, as memory and not as a mark: not every operation knows the mark."""
    return x.conj().resolve_conj()


def total(x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
    """Sum over axes."""
    return x.sum(tuple(axes), keepdim=True)


def parts(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the real and imaginary parts."""
    return x.real, x.imag


def take(x: torch.Tensor, indices: torch.Tensor, axis: int) -> torch.Tensor:
    """Gather along an axis."""
    return torch.index_select(x, axis, indices)


def window(x: torch.Tensor, starts: Sequence[Any], sizes: Sequence[Any]) -> torch.Tensor:
    """Cut windows out of the trailing axes, zeros where a window reaches outside: one pad, negative where it cuts."""
    batch = x.ndim - len(sizes)
    edges: list[Any] = []
    for start, size, n in zip(starts, sizes, x.shape[batch:], strict=True):
        edges = [-start, start + size - n, *edges]  # innermost axis first
    if not any(edges):
        return x
    if all(edge <= 0 for edge in edges):  # a view does
        for axis, (start, size) in enumerate(zip(starts, sizes, strict=True), start=batch):
            x = x.narrow(axis, start, size)
        return x
    return torch.nn.functional.pad(x, edges)


def multiply(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Multiply, in the place of x where the product fits there and no derivative is taken."""
    fits = x.shape == y.shape or (
        x.ndim >= y.ndim and all(m in (1, n) for n, m in zip(reversed(x.shape), reversed(y.shape), strict=False))
    )
    return x.mul_(y) if fits and not _derived(x, y) else x * y


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
        if 0 not in x.shape:
            return _TRANSFORMS[kind](x, lengths, axes)
        one = _TRANSFORMS[kind](x.new_zeros(x.shape[-rank:]), lengths, axes)
        return one.new_zeros((*x.shape[:-rank], *one.shape))

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
    if not _derived(x):  # the class costs ten times what a short transform does
        return _Paired.forward(x, kind, lengths)
    return (_Paired if torch.compiler.is_compiling() else _PairedForward).apply(x, kind, lengths)


def _transforming() -> bool:
    """Whether torch.func or the compiler looks on: they do not take every product in place."""
    return torch.compiler.is_compiling() or _functorch() is not None


def _derived(*xs: torch.Tensor) -> bool:
    """Whether a derivative may be taken, in any mode."""
    recorded = torch.is_grad_enabled() and any(x.requires_grad for x in xs)
    return recorded or _in_dual_level() or _transforming()


try:  # Not public, so its absence must cost little: products are then never taken in place.
    _functorch: Callable[[], Any] = torch._C._functorch.peek_interpreter_stack
except AttributeError:

    def _functorch() -> Any:
        return True


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
    if not _derived(x, y):
        return _Product.forward(x, y)
    return (_Product if torch.compiler.is_compiling() else _ProductForward).apply(x, y)


def rfftn(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Transform real trailing axes, padded to the lengths."""
    return _transform(window(x, [0] * len(lengths), lengths), "rfftn", lengths)


def irfftn(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Invert rfftn."""
    return _transform(x, "irfftn", lengths)


def fftn(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Transform complex trailing axes, padded to the lengths."""
    return _transform(window(x, [0] * len(lengths), lengths), "fftn", lengths)


def ifftn(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Invert fftn."""
    return _transform(x, "ifftn", lengths)


_CONVOLUTIONS = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d, 3: torch.nn.functional.conv3d}


def correlate(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Correlate channel by channel with PyTorch's grouped convolution."""
    return _CONVOLUTIONS[x.ndim - 2](x, kernel.unsqueeze(1), groups=kernel.shape[0])


_TRANSPOSED = {
    1: torch.nn.functional.conv_transpose1d,
    2: torch.nn.functional.conv_transpose2d,
    3: torch.nn.functional.conv_transpose3d,
}


def native(x: torch.Tensor, kernel: torch.Tensor, how: Native) -> torch.Tensor:
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
    y = convolution(
        x, kernel, None, (*high, *how.strides), (*(0 for _ in high), *pads), (*high, *how.dilations), how.groups
    )
    y = y.squeeze(2) if high else y
    return y.movedim(1, -1) if how.last else y


def convolves(x: torch.Tensor, dtype: str) -> bool:
    """Whether the dtype is as fast as float32: float16 is up to thirty times slower on a CPU (seen with 2.13)."""
    return dtype != "float16" or x.device.type != "cpu"


def native_adjoint(y: torch.Tensor, kernel: torch.Tensor, how: Native, sizes: Sequence[Any]) -> torch.Tensor:
    """Return the adjoint: a window of PyTorch's transposed convolution, which itself cuts off as much on both sides."""
    y = y.movedim(-1, 1) if how.last else y
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
    return (x.unsqueeze(2), kernel.unsqueeze(2), (1,)) if last and x.ndim == 3 else (x, kernel, ())


def forked(forward: Callable, by_first: Callable, other: Callable, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Leave the gradient to PyTorch, whose own has no cliff."""
    return forward(x, y)


def frame(x: torch.Tensor, axis: int, length: int, step: int) -> torch.Tensor:
    """Cut an axis into overlapping blocks: as a view, but by a gather for torch.func, which cannot map over unfold."""
    if _transforming():
        count = (x.shape[axis] - length) // step + 1
        steps = torch.arange(count, device=x.device)[:, None] * step
        indices = (steps + torch.arange(length, device=x.device)).reshape(-1)
        return x.index_select(axis, indices).unflatten(axis, (count, length))
    return x.unfold(axis, length, step).movedim(-1, axis + 1)


def bands(
    compute: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, axis: int, slabs: tuple, size: Any
) -> torch.Tensor:
    """Compute band after band: into one result, where no derivative is taken."""
    start, stride, extent, count = slabs
    behind = x.shape[axis + 1 :]
    parts = (compute(window(x, [start + i * stride] + [0] * len(behind), [extent, *behind])) for i in range(count))
    first = next(parts)
    if count == 1 or first.requires_grad or _transforming():
        return torch.cat([first, *parts], axis).narrow(axis, 0, size)
    band = first.shape[axis]
    y = first.new_empty((*first.shape[:axis], size, *first.shape[axis + 1 :]))
    y.narrow(axis, 0, band).copy_(first)
    for i, part in enumerate(parts, 1):
        kept = min(band, size - i * band)
        y.narrow(axis, i * band, kept).copy_(part.narrow(axis, 0, kept))
    return y
