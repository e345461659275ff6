"""Windows and blocks of PyTorch's tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from konvolve.backends.torch.tracing import transforming


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
    if any(start + size < 0 or start > n for start, size, n in zip(starts, sizes, x.shape[batch:], strict=True)):
        # Beside the array: a pad would cut more than there is. So all is zeros, which still depend on x.
        return window(x.narrow(batch, 0, 0), [0] * len(sizes), sizes)
    return torch.constant_pad_nd(x, edges)


def overlapping_blocks(x: torch.Tensor, axis: int, length: int, step: int) -> torch.Tensor:
    """Cut an axis into overlapping blocks: as a view, but by a gather for torch.func, which cannot map over unfold."""
    if transforming():
        count = (x.shape[axis] - length) // step + 1
        steps = torch.arange(count, device=x.device)[:, None] * step
        indices = (steps + torch.arange(length, device=x.device)).reshape(-1)
        return x.index_select(axis, indices).unflatten(axis, (count, length))
    return x.unfold(axis, length, step).movedim(-1, axis + 1)


def map_slabs(
    compute: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, axis: int, slabs: tuple, size: Any
) -> torch.Tensor:
    """Compute band after band: into one result, where no derivative is taken."""
    start, stride, extent, count = slabs
    behind = x.shape[axis + 1 :]

    def part(i: int) -> torch.Tensor:
        return compute(window(x, [start + i * stride] + [0] * len(behind), [extent, *behind]))

    first = part(0)
    if count == 1:
        return first.narrow(axis, 0, size)
    if first.requires_grad or transforming():
        return torch.cat([first, *map(part, range(1, count))], axis).narrow(axis, 0, size)
    band = first.shape[axis]
    y = first.new_empty((*first.shape[:axis], size, *first.shape[axis + 1 :]))
    y.narrow(axis, 0, band).copy_(first)
    del first  # its memory is the next one's
    for i in range(1, count):
        kept = min(band, size - i * band)
        y.narrow(axis, i * band, kept).copy_(part(i).narrow(axis, 0, kept))
    return y
