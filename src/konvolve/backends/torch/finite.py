"""What is finite, and what is done at run time only where something is not."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from typing import Any

import torch

from konvolve.backends.torch.tracing import shape, traced

isfinite = torch.isfinite


def summed(function: Callable, groups: Sequence[Sequence[Callable]]) -> list[torch.Tensor]:
    """Return the sum of each group."""
    return [sum(function(*make()) for make in group[1:]) + function(*group[0]()) for group in groups]


def constant(x: torch.Tensor) -> torch.Tensor:
    """Return x, detached."""
    return x.detach()


def all_finite(xs: Sequence[torch.Tensor]) -> Any:
    """Whether all samples are finite, by their sum; a tensor inside torch.compile, and None where others record.

    None as well where a size is a symbol: ``torch.cond`` refuses some expressions of sizes then (PyTorch 2.13).
    """
    if any(None in shape(x) or x.device.type == "meta" for x in xs):
        return None
    if torch.compiler.is_compiling():
        return torch.stack([torch.isfinite(x.detach().sum()) for x in xs]).all()
    if any(map(traced, xs)):
        return None
    return all(cmath.isfinite(x.detach().sum().item()) for x in xs)


def zeroed(x: torch.Tensor, finite: Any) -> torch.Tensor:
    """Return x with zeros in the place of what is not finite."""
    return torch.where(torch.isfinite(x), x, x.new_zeros(()))


def either(truth: torch.Tensor, one: Callable[[], torch.Tensor], other: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Return what the second of two functions computes, which is right in either case.

    Of ``torch.cond`` both ways must have the same strides, and so must their gradients (PyTorch 2.13).
    """
    return other()


def unless(truth: torch.Tensor, compute: Callable[[], torch.Tensor], y: torch.Tensor) -> torch.Tensor:
    """Add to y what is computed only in a run that needs it."""
    there = torch.cond(truth, lambda y: torch.zeros_like(y), lambda y: torch.zeros_like(y) + compute(), (y.detach(),))
    return y + there
