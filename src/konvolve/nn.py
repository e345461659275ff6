"""The convolutions of neural networks, with the names and arguments of ``keras.ops``.

They are cross-correlations, as everywhere in deep learning: no kernel is reversed. (``konvolve.convolve`` and its
family reverse it, as SciPy does.) Arrays may be of any library konvolve knows, and the result is of the same one.
What is done is decided by a plan, not here.
"""

from __future__ import annotations

from typing import Any

from konvolve.execution import nn as execution
from konvolve.execution.weight import Weight as Weight
from konvolve.planning.nn.plan import ChannelPlan

Array = Any


@execution.public
def conv(
    inputs: Array, kernel: Array, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1, *, method: str = "auto", padding_mode: Any = "zeros", bidirectional: Array | None = None,
) -> Array:  # fmt: skip
    """Convolve over one to three spatial axes, summed over the input channels.

    Args:
        inputs: (batch, \\*spatial, channels), or (batch, channels, \\*spatial) for "channels_first".
        kernel: (\\*taps, channels / groups, outputs); the number of groups follows from the shapes. With one more axis
            in front, (batch, \\*taps, channels / groups, outputs), each sample has a kernel of its own (beyond Keras).
            A ``konvolve.Kernel`` of such an array is transformed once for many calls, and is a constant.
        strides: The step from one output to the next; one, or one for each axis.
        padding: "valid", no padding; "same", so much that ``ceil(n / stride)`` outputs remain of n samples, the odd
            one behind; "causal", all of it in front (one spatial axis).
        data_format: "channels_last" or "channels_first"; Keras's setting where Keras has been imported, else
            "channels_last".
        dilation_rate: The distance of one tap from the next; one, or one for each axis. Any stride may go with it.
        method: "auto" takes what the cost model predicts to be fastest; "direct" the library's own convolution, "fft"
            one transform, "overlap" transforms of blocks. Beyond Keras.
        padding_mode: What the padding holds: "zeros", "reflect", "symmetric" (mirrored without and with the edge's own
            sample), "nearest" or "circular"; one, or one for each axis. Beyond Keras.
        bidirectional: For padding="causal", a second kernel that looks ahead as ``kernel`` looks back: its result on
            the reversed sequence, reversed, is added. Its last tap, like the kernel's, meets the sample itself. Of the
            kernel's shape, but for the number of taps. Beyond Keras.

    Returns:
        (batch, \\*spatial, outputs) or (batch, outputs, \\*spatial), of the inputs' library and the operands' common
        dtype: floating or complex (beyond Keras). Half precision is summed in float32, unless the library's own
        convolution of half precision is as quick.

    Raises:
        ValueError: for shapes that do not fit, a result without samples, and arguments that are not as above.
        TypeError: for integers on both sides, and when the arrays are of two libraries.

    The same as ``keras.ops.conv``.

    >>> import numpy as np
    >>> steps = np.array([0.0, 0.0, 1.0, 1.0, 3.0]).reshape(1, 5, 1)
    >>> conv(steps, np.array([-1.0, 1.0]).reshape(2, 1, 1), padding="causal").ravel()
    array([0., 0., 1., 0., 2.])
    """
    return execution.solve(
        "conv", inputs, kernel, bidirectional, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, method=method, padding_mode=padding_mode,
    )  # fmt: skip


@execution.public
def depthwise_conv(
    inputs: Array, kernel: Array, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1, *, method: str = "auto", padding_mode: Any = "zeros", bidirectional: Array | None = None,
) -> Array:  # fmt: skip
    """Convolve each channel with kernels of its own.

    Arguments, result and errors are those of ``conv``, but for:

    Args:
        inputs: As in ``conv``; one to three spatial axes (Keras: one or two).
        kernel: (\\*taps, channels, multiplier), with an axis in front where each sample has its own.
        strides: As in ``conv``.
        padding: As in ``conv``.
        data_format: As in ``conv``.
        dilation_rate: As in ``conv``.
        method: As in ``conv``.
        padding_mode: As in ``conv``.
        bidirectional: As in ``conv``.

    Returns:
        ``channels * multiplier`` outputs; those of one channel stand side by side.

    The same as ``keras.ops.depthwise_conv``.

    >>> import numpy as np
    >>> depthwise_conv(np.ones((1, 3, 2)), np.array([[[1.0], [10.0]], [[2.0], [20.0]]]))
    array([[[ 3., 30.],
            [ 3., 30.]]])
    """
    return execution.solve(
        "depthwise_conv", inputs, kernel, bidirectional, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, method=method, padding_mode=padding_mode,
    )  # fmt: skip


@execution.public
def separable_conv(
    inputs: Array, depthwise_kernel: Array, pointwise_kernel: Array, strides: Any = 1, padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = 1, *, method: str = "auto", padding_mode: Any = "zeros",
    bidirectional: Array | None = None,
) -> Array:  # fmt: skip
    """Convolve each channel on its own, then mix the channels at each place.

    Arguments, result and errors are those of ``depthwise_conv``, and one more. The channels are mixed by the
    library's own convolution, whatever the method.

    Args:
        inputs: As in ``depthwise_conv``.
        depthwise_kernel: (\\*taps, channels, multiplier).
        pointwise_kernel: (1, ..., 1, channels * multiplier, outputs). Either may have an axis of samples in front.
        strides: As in ``conv``.
        padding: As in ``conv``.
        data_format: As in ``conv``.
        dilation_rate: As in ``conv``.
        method: As in ``conv``.
        padding_mode: As in ``conv``.
        bidirectional: As in ``conv``, for the depthwise kernel.

    The same as ``keras.ops.separable_conv``.

    >>> import numpy as np
    >>> separable_conv(np.ones((1, 3, 2)), np.ones((2, 2, 1)), np.array([[[1.0], [0.5]]])).ravel()
    array([3., 3.])
    """
    return execution.separable(
        inputs, depthwise_kernel, pointwise_kernel, bidirectional, strides=strides, padding=padding,
        data_format=data_format, dilation_rate=dilation_rate, method=method, padding_mode=padding_mode,
    )  # fmt: skip


@execution.public
def conv_transpose(
    inputs: Array, kernel: Array, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
    data_format: str | None = None, dilation_rate: Any = 1, *, method: str = "auto",
) -> Array:  # fmt: skip
    """Convolve transposed: the adjoint of ``conv``, which spreads every sample over the kernel's taps.

    Args:
        inputs: (batch, \\*spatial, channels), or (batch, channels, \\*spatial) for "channels_first".
        kernel: (\\*taps, outputs, channels), with an axis in front where each sample has its own.
        strides: The distance between the places at which two neighbouring samples are laid down.
        padding: "valid", all that the samples reach; "same", ``stride * n`` samples of it.
        output_padding: Samples added behind; one, or one for each axis. None: as many as the shape that padding
            names takes.
        data_format: As in ``conv``.
        dilation_rate: As in ``conv``. Any stride may go with it.
        method: As in ``conv``.

    Returns:
        As in ``conv``.

    Raises:
        ValueError: As in ``conv``.
        TypeError: As in ``conv``.

    The same as ``keras.ops.conv_transpose``.

    >>> import numpy as np
    >>> conv_transpose(np.array([[[1.0], [2.0]]]), np.array([1.0, 0.5]).reshape(2, 1, 1), strides=2).ravel()
    array([1. , 0.5, 2. , 1. ])
    """
    return execution.solve(
        "conv_transpose", inputs, kernel, strides=strides, padding=padding, output_padding=output_padding,
        data_format=data_format, dilation_rate=dilation_rate, method=method,
    )  # fmt: skip


@execution.public
def plan(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1, *, function: str = "conv", method: str = "auto", padding_mode: Any = "zeros",
    output_padding: Any = None, bidirectional: Any = None, dtype: Any = "float32", kernel_dtype: Any = None,
    library: str | None = None,
) -> ChannelPlan:  # fmt: skip
    """Return the plan of a convolution on channels from shapes alone: what will run, at what cost, and why.

    Args:
        inputs: The shape of the inputs; None for a size that is known only at run time.
        kernel: The shape of the kernel.
        strides: As in ``conv``.
        padding: As in ``conv``.
        data_format: As in ``conv``.
        dilation_rate: As in ``conv``.
        function: "conv", "depthwise_conv" or "conv_transpose"; ``separable_conv`` is the second and the first.
        method: As in ``conv``.
        padding_mode: As in ``conv``.
        output_padding: As in ``conv_transpose``.
        bidirectional: The shape of that kernel; see ``conv``.
        dtype: The dtype of the inputs, or its name.
        kernel_dtype: The dtype of the kernels, that of the inputs by default.
        library: "tensorflow", "numpy", "jax", "jax32" (JAX without 64-bit types) or "torch"; it need not be installed.
            Keras's backend where Keras has been imported, else "tensorflow".

    Returns:
        A ``ChannelPlan``, the one that the function uses; printing it tells its story. ``method`` and
        ``way``, its settings, say what runs forward; ``adjoint``, if not None, is the plan from which the kernel's
        gradient is taken. Times are in seconds and of the forward pass, memory in bytes and beside the inputs. Sizes
        that are not known are assumed, as it says.

    Raises:
        ValueError: as the function itself, and for an unknown function or library, or an argument the function has not.
        TypeError: as the function itself.

    >>> print(plan((2, 16384, 16), (1024, 16, 16), padding="causal").method)
    overlap
    """
    shapes = (inputs, kernel) if bidirectional is None else (inputs, kernel, bidirectional)
    kernel_dtype = dtype if kernel_dtype is None else kernel_dtype
    return execution.planned(
        function, shapes, (dtype, kernel_dtype, kernel_dtype), library=library, padding_mode=padding_mode,
        output_padding=output_padding, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, method=method,
    )  # fmt: skip
