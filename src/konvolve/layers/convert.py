"""A whole Keras model's convolutions: to konvolve's layers, and back to Keras's.

konvolve's layers are subclasses of Keras's that add two arguments and no state, so that a layer is converted by
changing its class, and nothing else: it stays the same object, with the same weights, wherever the model holds it - in
a nested or a subclassed model, twice, in a wrapper. What refers to it, such as an optimizer, still does.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import konvolve.backends.keras_backend  # noqa: F401 - before Keras is imported

# isort: split
import keras
import numpy as np

from konvolve import layers
from konvolve.layers.base import ConvolutionLayer, pads_with_zeros
from konvolve.planning.nn.arguments import check_channel_method

NAMES = (
    *("Conv1D", "Conv2D", "Conv3D"),
    *("DepthwiseConv1D", "DepthwiseConv2D"),
    *("SeparableConv1D", "SeparableConv2D"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
)
OURS: dict[type, type] = {getattr(keras.layers, name): getattr(layers, name) for name in NAMES}
THEIRS: dict[type, type] = {ours: theirs for theirs, ours in OURS.items()}

RECURRENT = (keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D)
OPERATIONS = ("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose")
"""The classes of ``keras.src.ops.nn`` that record ``keras.ops.conv`` and its kin in a functional model."""


@dataclass(frozen=True)
class Entry:
    """One convolution of a model: where it is, its class before, and why it was left as it was (empty if swapped)."""

    path: str
    kind: str
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """What a conversion did; print it."""

    target: str
    entries: tuple[Entry, ...]

    @property
    def converted(self) -> tuple[Entry, ...]:
        """The convolutions that were swapped."""
        return tuple(entry for entry in self.entries if not entry.reason)

    @property
    def kept(self) -> tuple[Entry, ...]:
        """The convolutions that were left as they were, each with the reason."""
        return tuple(entry for entry in self.entries if entry.reason)

    def __str__(self) -> str:
        done, kept = self.converted, self.kept
        lines = [f"{len(done)} of {len(self.entries)} convolutions are now {self.target}'s"]
        paths = max((len(entry.path) for entry in self.entries), default=0)
        kinds = max((len(entry.kind) for entry in self.entries), default=0)
        lines += [f"  {entry.path:{paths}}  {entry.kind}" for entry in done]
        lines += ["left as they were"] if kept else []
        lines += [f"  {entry.path:{paths}}  {entry.kind:{kinds}}  {entry.reason}" for entry in kept]
        return "\n".join(lines)


def to_konvolve(model: Any, *, method: str = "auto", inplace: bool = False, return_report: bool = False) -> Any:
    """Return the model with each of Keras's convolution layers as konvolve's: same weights, names and predictions.

    Layers of nested and subclassed models, shared layers and wrapped ones (``TimeDistributed``) are all converted; the
    compile state and the optimizer's are kept.

    Args:
        model: A ``keras.Model``, or any other layer.
        method: What the layers are given as ``method``; "auto" chooses for each call from the shapes.
        inplace: Whether to convert the model itself. Otherwise it is copied first, by way of Keras's own saving, and
            stays as it is.
        return_report: Whether to return the report too.

    Returns:
        The model; with ``return_report`` the model and a :class:`Report`, which says what was converted, what was
        not, and why.

    Raises:
        TypeError: for what is not a layer.
        ValueError: for a wrong method; for a model that Keras cannot copy.

    >>> import keras, konvolve
    >>> model = keras.Sequential([keras.Input((None, 64, 3)), keras.layers.Conv2D(8, 31, name="wide")], name="net")
    >>> converted, report = konvolve.to_konvolve(model, return_report=True)
    >>> print(report)
    1 of 1 convolutions are now konvolve's
      net/wide  Conv2D
    """
    check_channel_method(method)
    return _convert(model, "konvolve", method, inplace, return_report)


def to_keras(model: Any, *, inplace: bool = False, return_report: bool = False) -> Any:
    """Return the model with each of konvolve's convolution layers as Keras's: the way to TFLite and ONNX.

    Args:
        model: A ``keras.Model``, or any other layer.
        inplace: Whether to convert the model itself. Otherwise it is copied first, by way of Keras's own saving, and
            stays as it is.
        return_report: Whether to return the report too.

    Returns:
        The model; with ``return_report`` the model and a :class:`Report`. A layer with a ``padding_mode`` other than
        "zeros" is left as it is, as are those Keras has no counterpart of.

    Raises:
        TypeError: for what is not a layer.
        ValueError: for a model that Keras cannot copy.

    >>> import keras, konvolve
    >>> model = keras.Sequential([keras.Input((None, 3)), konvolve.layers.Conv1D(8, 64, padding="causal")])
    >>> type(konvolve.to_keras(model).layers[0]).__module__
    'keras.src.layers.convolutional.conv1d'
    """
    return _convert(model, "Keras", "auto", inplace, return_report)


def _convert(model: Any, target: str, method: str, inplace: bool, return_report: bool) -> Any:
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(f"model must be a keras.Model or another layer, not {type(model).__name__}")
    if not inplace:
        model = _copied(model)
    entries: list[Entry] = []
    for layer in model._flatten_layers():
        entries += _operations(layer) if target == "konvolve" else []
        kind = type(layer)
        reason = _reason_against_konvolve(layer) if target == "konvolve" else _reason_against_keras(layer)
        if reason is None:
            continue
        entries.append(Entry(layer.path or layer.name, kind.__name__, reason))
        if not reason:
            _swap(layer, OURS[kind] if target == "konvolve" else THEIRS[kind], method)
    _forget_compiled(model)
    report = Report(target, tuple(entries))
    return (model, report) if return_report else model


def _copied(model: Any) -> Any:
    try:
        with warnings.catch_warnings():  # of Keras 3.15, which reads TensorFlow's variables as NumPy 1 did
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            copied = copy.deepcopy(model)  # which goes through Keras's own saving, optimizer and all
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise ValueError(
            f"the model {model.name!r} cannot be copied by Keras's saving and loading ({said}): convert it in place, "
            "with inplace=True, or give its classes what saving needs"
        ) from error
    # What a subclassed model makes in its constructor is named anew there; and saving adds what LoRA has learned to
    # the kernel, where it was apart. NumPy's copy, because JAX gives the memory of a variable away in training.
    for ours, theirs in zip(copied._flatten_layers(), model._flatten_layers(), strict=True):
        ours.name, ours._path = theirs.name, theirs._path
    for ours, theirs in zip(copied.variables, model.variables, strict=True):
        ours._name, ours._path = theirs.name, theirs.path
        ours.assign(np.array(theirs.numpy()))
    return copied


def _swap(layer: Any, kind: type, method: str) -> None:
    # Not by way of Keras's __setattr__, which looks at every value for weights to track.
    object.__setattr__(layer, "__class__", kind)
    if kind in THEIRS:
        layer.adopt(method)
    else:
        del layer.method, layer.padding_mode


def _reason_against_konvolve(layer: Any) -> str | None:
    """Return why a layer cannot be converted, an empty string if it can, None if it is no convolution of Keras's."""
    if type(layer) in OURS:
        return ""
    if isinstance(layer, ConvolutionLayer):
        return None
    base = next((kind for kind in OURS if isinstance(layer, kind)), None)
    if base is not None:
        return f"a subclass of {base.__name__}, which may compute something else: derive it from konvolve's"
    if isinstance(layer, RECURRENT):
        return "it convolves within its recurrent cell, step by step"
    return None


def _reason_against_keras(layer: Any) -> str | None:
    """Return why a layer cannot be converted, an empty string if it can, None if it is none of konvolve's."""
    if isinstance(layer, ConvolutionLayer):
        if not pads_with_zeros(layer.padding_mode):
            return f"Keras has no padding_mode={layer.padding_mode!r}"
        return (
            ""
            if type(layer) in THEIRS
            else f"a subclass of konvolve's {_nearest(layer)}, which may compute something else"
        )
    if type(layer).__module__.startswith("konvolve."):
        return "Keras has no such layer"
    return None


def _nearest(layer: Any) -> str:
    return next((kind.__name__ for kind in THEIRS if isinstance(layer, kind)), "layers")


def _operations(layer: Any) -> Iterator[Entry]:
    """Yield the convolutions of a functional model that are calls of ``keras.ops``, not layers."""
    for operation in getattr(layer, "operations", ()):
        kind = type(operation)
        if kind.__module__ == "keras.src.ops.nn" and kind.__name__ in OPERATIONS:
            yield Entry(operation.name, kind.__name__, "a call of keras.ops, not a layer; call konvolve.nn instead")


def _forget_compiled(model: Any) -> None:
    """Have each model compile its steps anew: the compiled ones still compute with the layers as they were."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.Model):
            layer.train_function = layer.test_function = layer.predict_function = None
