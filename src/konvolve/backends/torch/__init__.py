"""PyTorch: its own transforms and autograd.

Seen with PyTorch 2.13 on CPU:

- A transform of an empty batch fails in MKL: its result is made here.
- Unsigned integers wider than 8 bits have few operations, and no integer has a convolution: integers are summed as
  int64 in loops, or as digits in float64.
- An array of NumPy that is read-only or has negative strides cannot be shared: it is copied.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from konvolve.backends import shared
from konvolve.backends.numpy import asarray as plain
from konvolve.backends.numpy.operands import dtype_name
from konvolve.backends.shared import folded, map_rows, rows_apart
from konvolve.backends.torch.convolutions import conv, conv_transpose, depthwise_correlate, is_fast_in, with_gradient_of
from konvolve.backends.torch.finite import all_finite, constant, either, isfinite, summed, unless, zeroed
from konvolve.backends.torch.spectra import add_product, fftn, ifftn, irfftn, matmul, multiply, rfftn
from konvolve.backends.torch.tracing import in_dual_level, recorded, shape, traced
from konvolve.backends.torch.windows import map_slabs, overlapping_blocks, window

# Adapted next door, asked for here.
__all__ = [
    "add_product", "all_finite", "constant", "conv", "conv_transpose", "depthwise_correlate", "either", "fftn",
    "folded", "ifftn", "irfftn", "is_fast_in", "isfinite", "map_rows", "map_slabs", "matmul", "multiply",
    "overlapping_blocks", "rfftn", "rows_apart", "shape", "summed", "traced", "unless", "window",
    "with_gradient_of", "zeroed",
]  # fmt: skip

name = "torch"
even_rows = False
_HERE = sys.modules[__name__]


def profile() -> str:
    """Return the name of the planning constants."""
    return name


types = (torch.Tensor, torch.nn.Parameter)


def owns(x: Any) -> bool:
    """Whether x is a tensor."""
    return isinstance(x, torch.Tensor)


def asarray(x: Any, like: torch.Tensor | None = None) -> torch.Tensor:
    """Return a tensor, on the device of ``like``; TypeError for one whose samples do not lie on a grid."""
    if isinstance(x, torch.Tensor):
        if x.layout is torch.strided and not x.is_nested:
            return x
        layout = "nested" if x.is_nested else str(x.layout).removeprefix("torch.").removeprefix("_")
        raise TypeError(f"a {layout} tensor cannot be convolved: pass a dense one, as .to_dense() or padding makes it")
    if torch.compiler.is_compiling():  # which knows nothing of how an array of NumPy lies in memory
        y = torch.as_tensor(np.asarray(x))
        return y if like is None else y.to(like.device)
    x = plain(x)
    if dtype_name(x.dtype) == "bfloat16":  # of ml_dtypes, which PyTorch does not know: the same 16 bits
        return asarray(x.view(np.int16), like).view(torch.bfloat16)
    try:
        y = torch.from_numpy(x if x.flags.writeable and min(x.strides, default=0) >= 0 else np.array(x))
    except TypeError as error:
        raise TypeError(f"PyTorch has no such dtype: {x.dtype}") from error
    return y if like is None else y.to(like.device)


_NAMES = {kind: str(kind).removeprefix("torch.") for kind in vars(torch).values() if isinstance(kind, torch.dtype)}


def dtype(x: torch.Tensor) -> str:
    """Return the name of the dtype."""
    return _NAMES[x.dtype]


def reads_code() -> bool:
    """Whether torch.compile is at work."""
    return torch.compiler.is_compiling()


def sizes(x: torch.Tensor) -> tuple[Any, ...]:
    """Return the sizes."""
    return tuple(x.shape)


def magnitude_bits(x: torch.Tensor) -> None:
    """Never look at values: that would wait for the device, and break a compiled graph."""
    return


def peak(x: torch.Tensor) -> float | None:
    """Return the largest magnitude, None where a function is being recorded."""
    if recorded(x) or x.device.type == "meta":
        return None
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


def values(x: torch.Tensor) -> Any:
    """Return the values of a tensor on the host, where nobody records what is done and no derivative is taken to it."""
    dual = torch.autograd.forward_ad.unpack_dual(x).tangent is not None if in_dual_level() else False
    if (x.requires_grad and torch.is_grad_enabled()) or dual or recorded(x) or x.device.type != "cpu":
        return None
    return to_numpy(x)


def snapshot(x: torch.Tensor) -> torch.Tensor:
    """Return a copy that no derivative is taken to."""
    with outside_trace():
        return x.detach().clone()


def outside_trace() -> Any:
    """Return a context for constants: a tensor made in the inference mode would be of no use to autograd later."""
    compiling = torch.compiler.is_compiling()
    return torch.no_grad() if compiling or not torch.is_inference_mode_enabled() else _without_inference_mode()


@contextlib.contextmanager
def _without_inference_mode() -> Iterator[None]:
    with torch.inference_mode(False), torch.no_grad():
        yield


# Not Python's own: torch.export (2.13) puts others in their place, which make expressions of sizes that it then cannot
# show to hold. Here a comparison of the sizes is settled, and becomes a condition of the exported program.
def minimum(one: Any, two: Any) -> Any:
    """Return the smaller size."""
    return two if two < one else one


def maximum(one: Any, two: Any) -> Any:
    """Return the larger size."""
    return two if two > one else one


def next_length(size: Callable[[], Any], table: Sequence[int]) -> int:
    """Return the first entry that is not less than the size; a compiled function is specialised on it."""
    least, low, high = size(), 0, len(table)
    while low < high:  # few comparisons, because the compiler checks each of them again at every call
        middle = (low + high) // 2
        low, high = (low, middle) if table[middle] >= least else (middle + 1, high)
    return table[low]


def compiled(function: Callable) -> Callable:
    """Return the function as it runs in any surroundings: operations one by one, and in the dtypes asked for.

    Under autocast PyTorch would narrow its own convolutions and products of matrices, and no transform: the methods
    would answer with three digits or with seven.
    """

    def run(xp: Any, plan: Any, *arrays: torch.Tensor) -> torch.Tensor:
        if not _autocast(arrays[0].device.type):
            return function(xp, plan, *arrays)
        with torch.autocast(arrays[0].device.type, enabled=False):
            return function(xp, plan, *arrays)

    return run


def _autocast(device: str) -> bool:
    return device != "meta" and torch.is_autocast_enabled(device)


def program(function: Callable, plan: Any, arrays: Sequence[Any]) -> None:
    """Return None: its operations run one after the other as fast as it can."""
    return


def banded_product(x: Any, band: Any, axis: int, start: int, size: int) -> Any:
    """Multiply blocks that are cut out."""
    return shared.banded_product(_HERE, x, band, axis, start, size)


def canonical(dtype: str) -> str:
    """Return the dtype that an array asked to have this one gets."""
    return dtype


def cast(x: torch.Tensor, dtype: str) -> torch.Tensor:
    """Convert to a dtype; a size that is a symbol stays one, for it goes with tensors of any."""
    target = getattr(torch, dtype)
    return x if not isinstance(x, torch.Tensor) or x.dtype is target else x.to(target)


def begins_finite(y: torch.Tensor) -> bool:
    """Never look: it would wait for the device, and break a compiled graph."""
    return True


def to_result(y: torch.Tensor) -> torch.Tensor:
    """Return the result contiguous."""
    return y.contiguous()


def scalar(value: complex, dtype: str, like: torch.Tensor) -> torch.Tensor:
    """Return a number as a tensor without axes, on the device of ``like``."""
    target = getattr(torch, dtype)
    integral = not target.is_floating_point and not target.is_complex
    return torch.tensor(int(value.real) if integral else value, dtype=target, device=like.device)


def zeros(shape: Sequence[Any], dtype: str, like: torch.Tensor) -> torch.Tensor:
    """Return zeros."""
    return torch.zeros(tuple(shape), dtype=getattr(torch, dtype), device=like.device)


def arange(start: Any, stop: Any, like: torch.Tensor) -> torch.Tensor:
    """Return indices."""
    return torch.arange(start, stop, device=like.device)


where = torch.where
concatenate = torch.cat
round = torch.round
transpose = torch.permute
reshape = torch.reshape
flip = torch.flip
stack = torch.stack
broadcast_to = torch.broadcast_to
to_complex = torch.complex


def conjugate(x: torch.Tensor) -> torch.Tensor:
    """Return the complex conjugate, as memory and not as a mark: not every operation knows the mark."""
    return x.conj().resolve_conj()


def total(x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
    """Sum over axes; PyTorch takes none for all."""
    return x.sum(tuple(axes), keepdim=True) if axes else x


def highest(x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
    """Return the largest value along axes."""
    return x.amax(tuple(axes), keepdim=True) if axes else x


def split_complex(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the real and imaginary parts; of what is recorded copies, as ``torch.cond`` takes no two views of one."""
    return (x.real.clone(), x.imag.clone()) if recorded(x) else (x.real, x.imag)


def take(x: torch.Tensor, indices: torch.Tensor, axis: int) -> torch.Tensor:
    """Gather along an axis; of a transposed view by indexing, since ``index_select`` copies all of it first (2.13)."""
    if x.is_contiguous():
        return torch.index_select(x, axis, indices)
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]
