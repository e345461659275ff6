"""Who looks on while PyTorch computes.

Forward mode, torch.func and the compiler each have to be asked for. What of that is not public may be absent, which
must cost little: it is then taken to be at work.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

try:
    _wrapped: Callable[[torch.Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor
except AttributeError:

    def _wrapped(x: torch.Tensor) -> bool:
        return True


def traced(x: torch.Tensor) -> bool:
    """Whether x stands for values that come later; torch.compile takes what it does with a tensor as done."""
    return not torch.compiler.is_compiling() and (_wrapped(x) or recorded(x))


_PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


def recorded(x: torch.Tensor) -> bool:
    """Whether somebody records what is done with x, so that its values must not be looked at.

    That is torch.compile, torch.export, torch.jit.trace, make_fx and whatever else stands between PyTorch's functions
    and their kernels, torch.func, and a tensor that is none of PyTorch's plain ones, such as one without values.
    """
    return transforming() or _recording() or type(x) not in _PLAIN


def in_dual_level() -> bool:
    """Whether the forward mode may be at work."""
    return getattr(torch.autograd.forward_ad, "_current_level", 0) >= 0


def transforming() -> bool:
    """Whether torch.func or the compiler looks on: they do not take every product in place."""
    return torch.compiler.is_compiling() or _functorch() is not None


def derived(*xs: torch.Tensor) -> bool:
    """Whether a derivative may be taken, in any mode."""
    recorded = torch.is_grad_enabled() and any(x.requires_grad for x in xs)
    return recorded or in_dual_level() or transforming()


try:
    _functorch: Callable[[], Any] = torch._C._functorch.peek_interpreter_stack
except AttributeError:

    def _functorch() -> Any:
        return True


try:
    _tracer, _modes = torch._C._get_tracing_state, torch._C._len_torch_dispatch_stack
    _early_modes: Callable[[], int] = torch._ops._len_torch_dispatch_stack_pre_dispatch
except AttributeError:

    def _recording() -> bool:
        return True

else:

    def _recording() -> bool:
        return _tracer() is not None or _modes() > 0 or _early_modes() > 0


def shape(x: torch.Tensor) -> tuple[int | None, ...]:
    """Return the sizes, None for a symbolic one."""
    found = tuple(x.shape)
    if not torch.compiler.is_compiling():
        if all(type(n) is int for n in found):
            return found
        if isinstance(found[0], torch.Tensor):  # torch.jit.trace, which records for these sizes alone, and says so
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", torch.jit.TracerWarning)
                return tuple(map(int, found))
    from torch.fx.experimental.symbolic_shapes import has_static_value  # imports SymPy: the compiler has done so

    return tuple((n if type(n) is int else int(n)) if has_static_value(n) else None for n in found)
