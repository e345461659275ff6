"""TensorFlow's Fourier transforms, of any number of axes and with a gradient that costs one transform.

Seen with TensorFlow 2.21 on CPU:

- RFFT, RFFT2D and RFFT3D run on any leading shape; RFFTND has no kernel. More axes are transformed in groups.
- The registered gradient of RFFT and IRFFT is slow, and that of RFFT3D and IRFFT3D missing: both directions have
  a gradient of their own here, each the other's transpose (see ``_paired``).
- RFFT loses the static shape under unknown sizes: it is set again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import raw_ops

from konvolve.backends.tensorflow.tracing import ints, linear

_FORWARD = {1: raw_ops.RFFT, 2: raw_ops.RFFT2D, 3: raw_ops.RFFT3D}
_INVERSE = {1: raw_ops.IRFFT, 2: raw_ops.IRFFT2D, 3: raw_ops.IRFFT3D}
_COMPLEX = {1: raw_ops.FFT, 2: raw_ops.FFT2D, 3: raw_ops.FFT3D}
_COMPLEX_INVERSE = {1: raw_ops.IFFT, 2: raw_ops.IFFT2D, 3: raw_ops.IFFT3D}


def _static(lengths: Sequence[Any]) -> list[int | None]:
    return [length if isinstance(length, int) else None for length in lengths]


def _real_transform(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform a real array whose trailing axes have these lengths already."""
    inner = list(lengths[-3:])
    spectrum = _FORWARD[len(inner)](
        input=x, fft_length=ints(inner), Tcomplex=tf.complex64 if x.dtype == tf.float32 else tf.complex128
    )
    *outer, last = _static(lengths)
    if not tf.executing_eagerly():
        spectrum.set_shape((*x.shape[: -len(lengths)], *outer, None if last is None else last // 2 + 1))
    return _grouped(_COMPLEX, spectrum, len(lengths) - len(inner), len(inner))


def _real_inverse(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    inner = list(lengths[-3:])
    x = _grouped(_COMPLEX_INVERSE, x, len(lengths) - len(inner), len(inner))
    y = _INVERSE[len(inner)](
        input=x, fft_length=ints(inner), Treal=tf.float32 if x.dtype == tf.complex64 else tf.float64
    )
    if not tf.executing_eagerly():
        y.set_shape((*x.shape[: -len(lengths)], *_static(lengths)))
    return y


def _grouped(transforms: dict[int, Callable], x: tf.Tensor, count: int, behind: int) -> tf.Tensor:
    """Transform the ``count`` axes that stand before the last ``behind``, at most three at a time."""
    rank = x.shape.rank
    while count > 0:
        now = min(count, 3)
        start = rank - behind - now
        order = [*range(start), *range(start + now, rank), *range(start, start + now)]
        back = [order.index(axis) for axis in range(rank)]
        x = raw_ops.Transpose(x=x, perm=ints(order)) if behind else x
        y = transforms[now](input=x)
        y.set_shape(x.shape)
        x = raw_ops.Transpose(x=y, perm=ints(back)) if behind else y
        count, behind = count - now, behind + now
    return x


def _paired(transform: Callable, back: Callable, x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Apply a transform whose gradient is the transform back, and the other way round, to every order.

    The transpose of the real transform of N samples is N times its inverse with the inner half of the bins
    weighted by 1/2, and the inverse's transpose has the reciprocal weights. Between a transform and its way
    back a spectrum only meets elementwise products, reversals and sums over bins of the same frequency, with
    which N and the weights commute. So the gradient of a spectrum is carried multiplied by them, both drop out,
    and the gradient of a convolution costs its transforms and nothing else. Spectra never leave the methods, so
    nobody meets such a gradient. The complex pair is treated alike.
    """
    return linear(
        transform,
        lambda gradient, lengths: _paired(back, transform, gradient, lengths),
        x,
        lengths,
        registered=len(lengths) < 3,
    )


def rfftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform real trailing axes, which have these lengths."""
    return _paired(_real_transform, _real_inverse, x, lengths)


def irfftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Invert rfftn."""
    return _paired(_real_inverse, _real_transform, x, lengths)


def _complex_transform(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    return _grouped(_COMPLEX, x, len(lengths), 0)


def _complex_inverse(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    return _grouped(_COMPLEX_INVERSE, x, len(lengths), 0)


def fftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Transform complex trailing axes, which have these lengths."""
    return _paired(_complex_transform, _complex_inverse, x, lengths)


def ifftn(x: tf.Tensor, lengths: Sequence[Any]) -> tf.Tensor:
    """Invert fftn."""
    return _paired(_complex_inverse, _complex_transform, x, lengths)
