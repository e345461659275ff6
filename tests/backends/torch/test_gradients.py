"""The gradient by a long depthwise kernel is taken from transforms: its values, of any order, and when it is not."""

import numpy as np
import pytest
import torch

from konvolve import nn
from konvolve.execution import plans
from konvolve.planning.nn import direct

# PyTorch 2.13 warns of itself where it compiles what its forward mode needs, and where it differentiates a Function.
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:.torch\.jit\..*. is deprecated"),
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
]


OPTIONS = {"strides": 1, "padding": "same", "data_format": "channels_last", "method": "direct"}


def operands(shape, kernel):
    rng = np.random.default_rng(3)
    return [torch.tensor(rng.standard_normal(each), requires_grad=True) for each in (shape, kernel)]


def test_the_plan_says_so():
    planned = nn.plan((4, 2000, 32), (401, 32, 1), function="depthwise_conv", library="torch", **OPTIONS)
    assert planned.method == "direct"
    assert planned.adjoint is not None
    short = nn.plan((4, 64, 64, 32), (3, 3, 32, 1), function="depthwise_conv", library="torch", **OPTIONS)
    assert short.adjoint is None


@pytest.fixture
def always(monkeypatch):
    """Take the gradient from transforms, however small the problem is."""
    monkeypatch.setattr(direct, "_cliff", lambda *case: 1.0)
    plans.forget()
    yield
    plans.forget()


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("shape", "kernel"), [((2, 40, 3), (11, 3, 2)), ((2, 12, 13, 3), (4, 5, 3, 1))])
def test_gradients_are_those_of_pytorch(always, shape, kernel, padding, strides):
    x, k = operands(shape=shape, kernel=kernel)
    options = OPTIONS | {"padding": padding, "strides": strides}
    y = nn.depthwise_conv(x, k, **options)
    assert "Composed" in type(y.grad_fn).__name__ + str(y.grad_fn.next_functions)
    found = torch.autograd.grad((y**3).sum(), (x, k))
    by_transforms = nn.depthwise_conv(x, k, **(options | {"method": "fft"}))
    expected = torch.autograd.grad((by_transforms**3).sum(), (x, k))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_gradients_of_gradients(always):
    x, k = operands(shape=(1, 9, 2), kernel=(4, 2, 1))

    def function(x, k):
        return nn.depthwise_conv(x, k, **OPTIONS)

    assert torch.autograd.gradcheck(function, (x, k))
    assert torch.autograd.gradgradcheck(function, (x, k))


def test_one_gradient_alone(always):
    x, k = operands(shape=(1, 30, 2), kernel=(7, 2, 1))
    y = nn.depthwise_conv(x, k.detach(), **OPTIONS)
    assert "Composed" not in str(y.grad_fn) + str(y.grad_fn.next_functions)  # nobody asks for the kernel's
    by_k = torch.autograd.grad(nn.depthwise_conv(x.detach(), k, **OPTIONS).sum(), k)[0]
    expected = torch.autograd.grad(nn.depthwise_conv(x.detach(), k, **(OPTIONS | {"method": "fft"})).sum(), k)[0]
    torch.testing.assert_close(by_k, expected)


def test_other_modes_keep_pytorchs_own(always):
    x, k = (each.detach() for each in operands(shape=(1, 30, 2), kernel=(7, 2, 1)))

    def function(k):
        return nn.depthwise_conv(x, k, **OPTIONS)

    value, tangent = torch.func.jvp(function, (k,), (k,))
    torch.testing.assert_close(tangent, value)  # it is linear
    pulled = torch.func.vjp(function, k)[1](value)[0]
    place = k.clone().requires_grad_()
    torch.testing.assert_close(pulled, torch.autograd.grad(function(place), place, value)[0])
    each = torch.func.vmap(function)(torch.stack([k, 2 * k]))
    torch.testing.assert_close(each[1], 2 * value)
