"""konvolve's layers in the place of Keras's, counted; and deliberate errors."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

import keras
from keras.src import layers as keras_layers
from keras.src.ops import nn as keras_nn

from konvolve import layers, nn

Function = Callable[..., Any]

LAYERS = (
    *("Conv1D", "Conv2D", "Conv3D"),
    *("DepthwiseConv1D", "DepthwiseConv2D"),
    *("SeparableConv1D", "SeparableConv2D"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
)
FUNCTIONS = ("conv", "depthwise_conv", "separable_conv", "conv_transpose")

#: Deliberate errors, with which the tests prove that they can fail: along the first spatial axis, and in size.
FAULTS: dict[str, Function] = {
    "shift": lambda y: keras.ops.roll(y, 1, axis=1),
    "scale": lambda y: y * 1.01,
}


class Replacement:
    """Puts konvolve's layers where Keras's tests look for Keras's, and counts, test by test.

    ``made``: layers constructed, by class. ``computed``: calls of konvolve's functions. ``borrowed``: calls of Keras's
    own operations, of which there must be none; the values the tests expect are NumPy's.
    """

    def __init__(self, method: str, fault: str | None) -> None:
        self.made: Counter[str] = Counter()
        self.computed: Counter[str] = Counter()
        self.borrowed: Counter[str] = Counter()
        for name in LAYERS:
            layer = getattr(layers, name)
            layer.__init__ = self._counted(self.made, name, layer.__init__)
            setattr(keras_layers, name, layer)
            setattr(keras.layers, name, layer)
        for name in FUNCTIONS:
            setattr(nn, name, self._wrapped(name, getattr(nn, name), method, FAULTS.get(fault or "")))
            setattr(keras_nn, name, self._counted(self.borrowed, name, getattr(keras_nn, name)))
            setattr(keras.ops, name, getattr(keras_nn, name))
            setattr(keras.src.ops, name, getattr(keras_nn, name))

    def begin(self) -> None:
        """Count from nothing."""
        for counter in (self.made, self.computed, self.borrowed):
            counter.clear()

    @staticmethod
    def _counted(counter: Counter[str], name: str, function: Function) -> Function:
        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            counter[name] += 1
            return function(*args, **kwargs)

        return counted

    def _wrapped(self, name: str, function: Function, method: str, fault: Function | None) -> Function:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.computed[name] += 1
            answer = function(*args, **kwargs | {"method": method})
            return fault(answer) if fault else answer

        return wrapped
