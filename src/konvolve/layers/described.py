"""The docstrings of the layers that stand in for Keras's: what each argument means, written once for all of them."""

from __future__ import annotations

import inspect
import textwrap

_WIDTH = 116

ARGUMENTS = {
    "filters": "The number of output channels.",
    "kernel_size": "The number of taps, one number for all axes or one for each.",
    "strides": "Every how many samples an output is taken along an axis.",
    "padding": '"valid" (only outputs that need nothing beyond the edges) or "same" (as many outputs as inputs where '
    "strides is 1).",
    "output_padding": "How many outputs more along an axis, None for as many as the padding asks for.",
    "data_format": '"channels_last", ``(batch, *space, channels)``, or "channels_first", ``(batch, channels, *space)``'
    "; None for Keras's own setting.",
    "dilation_rate": "How many samples apart neighbouring taps are.",
    "groups": "Into how many parts channels and filters are cut, each of which is convolved for itself.",
    "depth_multiplier": "The number of kernels, and so of outputs, for each input channel.",
    "activation": "What is applied last, a function or its name in Keras; None for nothing.",
    "use_bias": "Whether a number of its own is added to each output channel.",
    "kernel_initializer": "What draws the first values of the kernel.",
    "depthwise_initializer": "What draws the first values of the kernel of each channel.",
    "pointwise_initializer": "What draws the first values of the matrix that mixes channels.",
    "bias_initializer": "What draws the first values of the bias.",
    "kernel_regularizer": "What adds a penalty on the kernel to the loss.",
    "depthwise_regularizer": "What adds a penalty on the kernel of each channel to the loss.",
    "pointwise_regularizer": "What adds a penalty on the matrix that mixes channels to the loss.",
    "bias_regularizer": "What adds a penalty on the bias to the loss.",
    "activity_regularizer": "What adds a penalty on the outputs to the loss.",
    "kernel_constraint": "What is applied to the kernel after each step of training.",
    "depthwise_constraint": "What is applied to the kernel of each channel after each step of training.",
    "pointwise_constraint": "What is applied to the matrix that mixes channels after each step of training.",
    "bias_constraint": "What is applied to the bias after each step of training.",
    "method": '"auto" (the quickest by prediction), "direct", "fft" or "overlap".',
    "padding_mode": 'What lies beyond the edges where padding is "same" or "causal": "zeros", "reflect" and '
    '"symmetric" (mirrored without and with the edge\'s own sample), "nearest" or "circular", for all axes or one for '
    "each; or what these are called elsewhere, as in ``konvolve.nn.conv``.",
    "kwargs": "Arguments of ``keras.layers.Layer``: name, dtype, trainable.",
}
CAUSAL = ' Or "causal": all of the padding comes first, so that no output depends on a later input.'
EITHER = " Only one of strides and dilation_rate may be more than 1."
TRANSPOSED = {
    "strides": "How many samples apart the outputs of neighbouring inputs are.",
    "padding": '"valid" (every output that an input reaches) or "same" (strides times as many outputs as inputs).',
    "padding_mode": 'Only "zeros": a transposed convolution reads nothing beyond the edges.',
}


def described(own: str, theirs: type, signature: inspect.Signature) -> str:
    """Return a layer's docstring: its own text, all arguments and the errors, then its own examples."""
    text, arrow, examples = inspect.cleandoc(own).partition("\n>>> ")
    lines = [
        text.rstrip(),
        "",
        f"Has the arguments, the weights and the results of ``keras.layers.{theirs.__name__}``; ``method`` and",
        "``padding_mode`` are konvolve's.",
        "",
        "Args:",
        *(line for name in list(signature.parameters)[1:] for line in _argument(name, theirs)),
        "",
        "Raises:",
        "    ValueError: for a wrong argument, when the layer is made or first called.",
    ]
    return "\n".join(lines) + ("\n\n>>> " + examples if arrow else "")


def _argument(name: str, theirs: type) -> list[str]:
    meaning = ARGUMENTS.get(name, f"As in ``keras.layers.{theirs.__name__}``.")
    if theirs.__name__.endswith("Transpose"):
        meaning = TRANSPOSED.get(name, meaning)
    elif name == "padding" and theirs.__name__ == "Conv1D":
        meaning += CAUSAL
    if name == "dilation_rate" and theirs.__name__.startswith("Conv"):
        meaning += EITHER
    shown = "**kwargs" if name == "kwargs" else name
    return textwrap.wrap(f"{shown}: {meaning}", _WIDTH, initial_indent="    ", subsequent_indent="        ")
