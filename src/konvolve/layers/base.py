"""What konvolve's layers add to Keras's: two arguments, and a call by way of ``konvolve.nn``.

Each layer is a subclass of Keras's own, with ``ConvolutionLayer`` before it. Weights, their names and initialisers,
LoRA, regularizers, constraints, dtype policies, output shapes and saving are therefore Keras's, and change with Keras.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras
from keras import ops

from konvolve import nn
from konvolve.layers.described import described
from konvolve.planning.nn.arguments import check_channel_method, check_padding_modes
from konvolve.planning.nn.plan import ChannelPlan
from konvolve.planning.operands import BOUNDARIES, plain


class ConvolutionLayer:
    """The part of a layer that is konvolve's: ``method``, ``padding_mode``, and the call."""

    function: str
    rank: int
    padding: str
    method: str
    padding_mode: Any

    def __init__(self, *args: Any, method: str = "auto", padding_mode: Any = "zeros", **kwargs: Any) -> None:
        super().__init__(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
        self.adopt(plain(method), plain(padding_mode))

    def adopt(self: Any, method: str = "auto", padding_mode: Any = "zeros") -> None:
        """Take konvolve's arguments; also on an instance that was made as Keras's layer (see ``convert``)."""
        check_channel_method(method)
        self.method = method
        check_padding_modes(padding_mode, self.rank, self.padding)
        self.padding_mode = one_word(padding_mode)

    def convolved(self, inputs: Any) -> Any:
        """Return the convolution, before the bias and the activation."""
        raise NotImplementedError

    def call(self: Any, inputs: Any) -> Any:
        """Convolve, add the bias, apply the activation."""
        return self.finished(self.convolved(inputs))

    def finished(self: Any, outputs: Any) -> Any:
        """Add the bias, apply the activation."""
        if self.use_bias:
            channels = [1] * (self.rank + 2)
            channels[-1 if self.data_format == "channels_last" else 1] = -1
            outputs = ops.add(outputs, ops.reshape(self.bias, channels))
        return outputs if self.activation is None else self.activation(outputs)

    def kernel_shape(self: Any, channels: int) -> tuple:
        """Return the shape of the kernel for so many input channels."""
        raise NotImplementedError

    def plan(self: Any, input_shape: Any) -> ChannelPlan:
        """Return the plan for inputs of this shape, None for sizes not known, as ``konvolve.nn.plan`` does.

        The layer needs no weights yet. That of a separable layer is for its depthwise part.
        """
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        how = {"function": self.function, "dtype": self.compute_dtype}
        return nn.plan(input_shape, self.kernel_shape(channels), **self.options(), **how)

    def get_config(self: Any) -> dict:
        """Return what ``from_config`` needs."""
        config = super().get_config()  # type: ignore[misc]
        return config | {"method": self.method, "padding_mode": self.padding_mode}

    @classmethod
    def from_config(cls: Any, config: dict) -> Any:
        """Make the layer of its config."""
        return super().from_config(used(config))  # type: ignore[misc]

    def options(self: Any) -> dict:
        """Return the arguments of the function of ``konvolve.nn``."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "method": self.method,
            "padding_mode": self.padding_mode,
        }


def stand_in(layer: Any) -> Any:
    """Register a layer for saving, and give it the signature of Keras's with konvolve's arguments behind."""
    theirs = next(base for base in layer.__mro__ if base.__module__.startswith("keras."))
    *named, rest = inspect.signature(theirs.__init__).parameters.values()
    defaults = {"method": "auto", "padding_mode": "zeros"}
    ours = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=x) for name, x in defaults.items()]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super(layer, self).__init__(*args, **kwargs)

    # On the function, not on the class: a subclass with a constructor of its own shows its own.
    signature = inspect.Signature([*named, *ours, rest])
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    layer.__init__ = __init__
    layer.__doc__ = described(layer.__doc__ or "", theirs, signature)
    return keras.saving.register_keras_serializable(package="konvolve")(layer)


def used(config: dict) -> dict:
    """Return the config of a layer without a mode that "valid" padding has no use for, which former versions saved."""
    return config | {"padding_mode": "zeros"} if config.get("padding") == "valid" else config


def one_word(padding_mode: Any) -> Any:
    """Return a padding mode that has been checked, one word where all axes have the same, or a tuple."""
    if isinstance(padding_mode, str):
        return padding_mode
    modes = tuple(padding_mode)
    return modes[0] if len(set(modes)) == 1 else modes


def pads_with_zeros(padding_mode: Any) -> bool:
    """Whether a convolution meets nothing beyond the edges but zeros, as all of Keras's do."""
    modes = (padding_mode,) if isinstance(padding_mode, str) else padding_mode
    return all(BOUNDARIES[mode] == "zero" for mode in modes)
