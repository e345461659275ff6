"""Convolutions of Keras's symbolic tensors: one layer records any of the functions in a functional model.

The only file that knows ``KerasTensor``. The layer is told the function's name, its options, and which operands
are given when the model is called; the others - arrays and variables - become its weights, so that they are saved
with the model, and trained if they were trainable variables.
"""

from __future__ import annotations

from typing import Any

import konvolve.backends.keras_backend  # noqa: F401 - before Keras is imported

# isort: split
import keras
import numpy as np

from konvolve.backends import registry
from konvolve.execution.operations import OPERATIONS
from konvolve.planning.dtypes import parse

_VERSION = 2
"""Of the saved configuration; 1 had no number."""


@keras.saving.register_keras_serializable(package="konvolve")
class Convolution(keras.layers.Layer):
    """A function of konvolve as a Keras layer.

    Args:
        function: The function's name, such as "fftconvolve".
        options: Its arguments after the arrays, by name.
        constants: One entry per operand: None for one that is an input of the layer, otherwise the shape, dtype and
            trainability of the weight that holds it.

    Inputs and outputs are those of the function; dtypes are promoted as it promotes them, whatever the layer's
    dtype policy, and no input is cast beforehand.
    """

    def __init__(self, function: str, options: dict, constants: list, **names: Any) -> None:
        super().__init__(**{"autocast": False, "name": None, **names})
        self._convert_input_args = False  # the function promotes its operands itself
        self.function = function
        self.options = {name: _restored(option) for name, option in options.items()}
        self.constants = list(constants)
        self.operands: list = [None] * len(self.constants)

    def hold(self, arrays: Any) -> None:
        """Take the given variables, and copies of the given arrays, as the weights."""
        for place, (constant, array) in enumerate(zip(self.constants, arrays, strict=True)):
            if constant is None:
                continue
            if isinstance(array, keras.Variable):
                weight = array
            else:
                weight = self._weight(constant)
                weight.assign(array)
            setattr(self, f"operand_{place}", weight)  # which makes Keras track it
            self.operands[place] = weight
        self.built = True

    def _weight(self, constant: dict) -> Any:
        return self.add_weight(
            shape=constant["shape"],
            dtype=constant["dtype"],
            trainable=constant["trainable"],
            initializer="zeros",
            autocast=False,
        )

    def build(self, *_: Any) -> None:
        """Make the weights anew when a saved model is read; their values follow."""
        if all(each is None for each in self.operands):
            self.hold([None if c is None else self._empty(c) for c in self.constants])
        self.built = True

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Make the layer of its config.

        Former versions saved the options in order, without names (version 1), and modes that "valid" padding has no
        use for.
        """
        config = dict(config)
        function, options = config["function"], config["options"]
        if config.pop("version", 1) == 1:
            options = dict(zip(OPERATIONS[function].order, options, strict=False))
        if function in ("conv", "depthwise_conv") and options["padding"] == "valid":
            options = options | {"padding_mode": "zeros"}
        return super().from_config(config | {"options": options})

    @staticmethod
    def _empty(constant: dict) -> np.ndarray:
        return np.zeros(constant["shape"], constant["dtype"])

    def _operands(self, inputs: tuple) -> list:
        rest = iter(inputs)
        return [next(rest) if each is None else each for each in self.operands]

    def call(self, *inputs: Any) -> Any:
        """Run the function."""
        owner = self if len(self.operands) > 1 and self.operands[1] is not None else None
        return OPERATIONS[self.function].compute(self._operands(inputs), self.options, owner)

    def compute_output_spec(self, *inputs: Any) -> Any:
        """Return the shape and dtype of the result, by the plan; errors for wrong arguments come from here."""
        xp = registry.backend(keras.backend.backend())
        operands: Any = [(tuple(x.shape), keras.backend.standardize_dtype(x.dtype)) for x in self._operands(inputs)]
        shape, dtype = OPERATIONS[self.function].result(xp, operands, self.options)
        return keras.KerasTensor(shape, dtype=xp.canonical(dtype))

    def get_config(self) -> dict:
        """Return what ``from_config`` needs; the constants' values are weights."""
        config = super().get_config()
        options = {name: _plain(option) for name, option in self.options.items()}
        own = {"version": _VERSION, "function": self.function, "options": options, "constants": self.constants}
        return config | own


def record(function: str, arrays: tuple, options: dict[str, Any]) -> Any:
    """Return the symbolic result of a function of symbolic tensors, arrays and variables."""
    constants: list = []
    weights: list = []
    inputs: list = []
    for name, x in zip(OPERATIONS[function].names, arrays, strict=False):
        if registry.is_symbolic(x):
            inputs.append(x)
            constants.append(None)
            weights.append(None)
            continue
        if not isinstance(x, keras.Variable):
            xp, (array,) = registry.resolve({name: x})
            x = xp.to_numpy(array)
        dtype = keras.backend.standardize_dtype(x.dtype)
        if parse(dtype).kind == "other":
            raise TypeError(f"{function}: an array of dtype {dtype} cannot be held by a Keras model")
        trainable = bool(getattr(x, "trainable", False))
        constants.append({"shape": list(x.shape), "dtype": dtype, "trainable": trainable})
        weights.append(x)
    layer = Convolution(function, {name: _plain(option) for name, option in options.items()}, constants)
    layer.hold(weights)
    return layer(*inputs)


def _plain(option: Any) -> Any:
    """Return an option as a configuration file can hold it."""
    if isinstance(option, complex):
        return {"real": option.real, "imag": option.imag}
    if option is None or isinstance(option, bool | int | float | str):
        return option
    if hasattr(option, "tolist"):  # an array or a scalar of NumPy
        return option.tolist()
    return [_plain(each) for each in option]


def _restored(option: Any) -> Any:
    """Return an option of a configuration file as the function takes it."""
    if isinstance(option, dict):
        return complex(option["real"], option["imag"])
    return [_restored(each) for each in option] if isinstance(option, list | tuple) else option
