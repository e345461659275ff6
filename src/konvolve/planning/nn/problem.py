"""The question a convolution on channels asks: checked, and normalised to one kind.

A layer's convolution is a cross-correlation: along one axis, with stride s, dilation d and ``before`` samples of
padding,

    y[p] = sum over t of x[p s - before + t d] k[t],

summed over the input channels of a group. A transposed convolution is its adjoint, y[p s + t d - crop] += x[p] k[t].
A depthwise convolution has as many groups as channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from konvolve.planning.geometry import Size
from konvolve.planning.nn.arguments import (
    PADDINGS,
    check_channel_method,
    check_each,
    check_format,
    check_operands,
    check_padding,
    check_padding_modes,
    common_dtype,
)
from konvolve.planning.operands import Operand, Shape


@dataclass(frozen=True)
class Axis:
    """One spatial axis: ``span`` samples from the first tap to the last; ``margins`` for two kernels, back to back."""

    taps: int
    stride: int
    dilation: int
    padding: str
    edge: str = "zero"
    output_padding: int | None = None
    margins: tuple[int, int] | None = None

    @property
    def span(self) -> int:
        """The samples from the first tap to the last."""
        return (self.taps - 1) * self.dilation + 1

    def convolved(self, n: Size, maximum: Callable = max) -> tuple[Size, Size]:
        """Return the padding before an axis of n samples and the size of the result, as Keras has them.

        >>> Axis(3, 2, 1, "same").convolved(6), Axis(3, 1, 2, "causal").convolved(6)
        ((0, 3), (4, 6))
        """
        if self.margins is not None:
            return self.margins[0], (n + sum(self.margins) - self.span) // self.stride + 1
        if self.padding == "valid":
            return 0, (n - self.span) // self.stride + 1
        size = (n + self.stride - 1) // self.stride
        if self.padding == "causal":
            return self.span - 1, size
        if self.stride == 1:  # known, also where n is not
            return (self.span - 1) // 2, size
        return maximum((size - 1) * self.stride + self.span - n, 0) // 2, size

    def behind(self, n: Size, before: Size, size: Size, maximum: Callable = max) -> Size:
        """Return the padding behind n samples for a result of this size.

        >>> Axis(4, 1, 1, "same").behind(9, 1, 9)
        2
        """
        if self.stride == 1 and self.padding != "causal" and self.margins is None:
            return (self.span - 1 if self.padding == "same" else 0) - before
        return maximum((size - 1) * self.stride + self.span - n - before, 0)

    def transposed(self, n: Size) -> tuple[int, Size]:
        """Return how many samples are cut off before, and the size of the transposed result, as Keras has them.

        >>> Axis(3, 2, 1, "same").transposed(5), Axis(2, 3, 1, "valid").transposed(5)
        ((0, 10), (0, 15))
        """
        reach, extra = (n - 1) * self.stride, self.output_padding
        if self.padding == "valid":
            return 0, reach + (max(self.span, self.stride) if extra is None else self.span + extra)
        if extra is None:
            return max(self.span - self.stride, 0) // 2, n * self.stride
        size = self.span % 2 + extra
        return max(self.span - size, 0) // 2, reach + size


@dataclass(frozen=True)
class ChannelProblem:
    """A convolution on channels: sizes and names, None for a size that is not known yet.

    ``shape`` is that of the inputs, ``kernel`` that of the kernel as given: (*taps, channels of a group, outputs), or
    (*taps, outputs, channels) where ``transposed``, or (*taps, channels, multiplier) where ``depthwise``; with
    ``samples`` before them where there is a kernel for each.
    """

    function: str
    shape: Shape
    kernel: Shape
    per_sample: bool
    data_format: str
    axes: tuple[Axis, ...]
    channels: int
    outputs: int
    groups: int
    transposed: bool
    method: str
    compute: str
    result: str

    @property
    def local(self) -> bool:
        """Whether what is not finite shall be met by the taps that meet it, whatever the method."""
        return self.method == "auto"

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.axes)

    @property
    def last(self) -> bool:
        """Whether the channels are the last axis."""
        return self.data_format == "channels_last"

    @property
    def spatial(self) -> Shape:
        """The spatial sizes of the inputs."""
        return self.shape[1:-1] if self.last else self.shape[2:]

    @property
    def output_spatial(self) -> Shape:
        """The spatial sizes of the result."""
        return tuple(
            None if n is None else (axis.transposed(n) if self.transposed else axis.convolved(n))[1]
            for axis, n in zip(self.axes, self.spatial, strict=True)
        )

    @property
    def output_shape(self) -> Shape:
        """The shape of the result."""
        batch = self.shape[0] if self.shape[0] is not None or not self.per_sample else self.kernel[0]
        spatial = self.output_spatial
        return (batch, *spatial, self.outputs) if self.last else (batch, self.outputs, *spatial)


def _checked(function: str, problem: ChannelProblem) -> ChannelProblem:
    sizes = zip(problem.spatial, problem.output_spatial, strict=True)
    if any(size is not None and (size < 0 or (size == 0 and n != 0)) for n, size in sizes):
        raise ValueError(
            f"{function}: the result would be empty: inputs {problem.shape} with kernel {problem.kernel}, strides "
            f"{[axis.stride for axis in problem.axes]}, dilation_rate {[axis.dilation for axis in problem.axes]}, "
            f"padding {problem.axes[0].padding!r}"
        )
    return problem


def convolution(
    function: str, inputs: Operand, kernel: Operand, strides: Any, padding: Any, data_format: Any, dilation_rate: Any,
    method: Any, padding_mode: Any, backward: Operand | None = None, argument: str = "kernel",
) -> ChannelProblem:  # fmt: skip
    """Ask for ``conv``, or for ``depthwise_conv``; ``backward`` is the kernel of a bidirectional one."""
    rank, per_sample = check_operands(function, inputs, kernel, argument)
    depthwise = function != "conv"
    steps = check_each("strides", strides, rank, 1)
    dilations = check_each("dilation_rate", dilation_rate, rank, 1)
    word = check_padding(padding, rank, PADDINGS)
    form = check_format(data_format)
    shape: Any = kernel[0]  # whose sizes are known
    *taps, per_group, outputs = shape[1:] if per_sample else shape
    channels = inputs[0][-1] if form == "channels_last" else inputs[0][1]
    if channels is None:
        raise ValueError(f"{function}: the number of channels must be known, not inputs of shape {inputs[0]}")
    if depthwise:
        if channels != per_group:
            raise ValueError(
                f"{function}: {channels} input channels ({form}), but {argument} has {per_group}: {kernel[0]}"
            )
        groups, outputs = channels, per_group * outputs
    else:
        if channels % per_group:
            raise ValueError(
                f"{function}: {channels} input channels ({form}) cannot be divided among {per_group} of kernel"
            )
        groups = channels // per_group
        if groups == 0 or outputs % groups:
            raise ValueError(f"{function}: {outputs} outputs cannot be divided into {groups} groups")
    margins = None
    if backward is not None:
        margins = _backward(function, rank, word, kernel, backward, dilations)
        more: Any = backward[0][-3]
        taps = [taps[0] + more - 1]
    edges = check_padding_modes(padding_mode, rank, word)
    axes = tuple(
        Axis(k, s, d, word, edge, margins=margins) for k, s, d, edge in zip(taps, steps, dilations, edges, strict=True)
    )
    shape = shape if backward is None else (*shape[:-3], *taps, *shape[-2:])
    compute, result = common_dtype(function, inputs[1], kernel[1])
    return _checked(
        function,
        ChannelProblem(
            function, inputs[0], shape, per_sample, form, axes, channels, outputs, groups, False,
            check_channel_method(method),
            compute, result,
        ),
    )  # fmt: skip


def _backward(
    function: str, rank: int, padding: str, kernel: Operand, backward: Operand, dilations: tuple[int, ...]
) -> tuple[int, int]:
    """Check the second kernel of a bidirectional convolution, and return the padding that both need."""
    if rank != 1 or padding != "causal":
        raise ValueError(f"{function}: bidirectional is for one spatial axis and padding='causal'")
    if len(backward[0]) != len(kernel[0]) or backward[0][:-3] != kernel[0][:-3] or backward[0][-2:] != kernel[0][-2:]:
        raise ValueError(
            f"{function}: bidirectional must have the kernel's shape but for the taps, not {backward[0]} "
            f"with {kernel[0]}"
        )
    if not backward[0][-3]:
        raise ValueError(f"{function}: bidirectional must have a known number of taps, not shape {backward[0]}")
    one, two = kernel[0][-3], backward[0][-3]
    assert one is not None
    return (one - 1) * dilations[0], (two - 1) * dilations[0]


def transposition(
    function: str, inputs: Operand, kernel: Operand, strides: Any, padding: Any, output_padding: Any, data_format: Any,
    dilation_rate: Any, method: Any,
) -> ChannelProblem:  # fmt: skip
    """Ask for ``conv_transpose``."""
    rank, per_sample = check_operands(function, inputs, kernel)
    steps = check_each("strides", strides, rank, 1)
    dilations = check_each("dilation_rate", dilation_rate, rank, 1)
    word = check_padding(padding, rank, PADDINGS[:2])
    extras: Any = (None,) * rank if output_padding is None else check_each("output_padding", output_padding, rank, 0)
    form = check_format(data_format)
    shape: Any = kernel[0]  # whose sizes are known
    *taps, outputs, per_group = shape[1:] if per_sample else shape
    channels: Any = inputs[0][-1] if form == "channels_last" else inputs[0][1]
    if channels != per_group:
        raise ValueError(f"{function}: {channels} input channels ({form}), but kernel has {per_group}: {kernel[0]}")
    axes = tuple(
        Axis(k, s, d, word, output_padding=extra) for k, s, d, extra in zip(taps, steps, dilations, extras, strict=True)
    )
    compute, result = common_dtype(function, inputs[1], kernel[1])
    return _checked(
        function,
        ChannelProblem(
            function, inputs[0], kernel[0], per_sample, form, axes, channels, outputs, 1, True,
            check_channel_method(method), compute, result,
        ),
    )  # fmt: skip
