"""konvolve.nn beside keras.ops on the Keras backend that the environment names: values, shapes, gradients' values.

Run by test_nn_keras.py, once per backend, in a process of its own. A failed assertion ends it. What keras.ops cannot do
on a backend - strides together with dilations on TensorFlow, three spatial axes of a depthwise convolution - it is not
asked there.
"""

import itertools
import warnings

import keras
import numpy as np

from konvolve import nn

rng = np.random.default_rng(3)


def normal(*shape):
    return keras.ops.convert_to_tensor(rng.standard_normal(shape).astype("float32"))


def cases():
    for rank, form, padding in itertools.product((1, 2, 3), ("channels_last", "channels_first"), ("valid", "same")):
        for strides, dilation in ((1, 1), (2, 1), (3, 1), (1, 2), (tuple(range(1, rank + 1)), 1)):
            yield rank, form, padding, strides, dilation


def close(found, expected):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape, (found.shape, expected.shape)
    np.testing.assert_allclose(found, expected, atol=3e-6 * max(1, np.abs(expected).max()), rtol=0)


def same(name, x, kernels, *options):
    ours, theirs = getattr(nn, name), getattr(keras.ops, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says where its backends differ
        expected = theirs(x, *kernels, *options)
    for method in ("auto", "fft"):
        close(*(keras.ops.convert_to_numpy(y) for y in (ours(x, *kernels, *options, method=method), expected)))
    said = [f(keras.KerasTensor((None, *x.shape[1:])), *kernels, *options) for f in (ours, theirs)]
    assert said[0].shape == said[1].shape == (None, *expected.shape[1:])
    assert said[0].dtype == said[1].dtype


def main():
    backend = keras.backend.backend()
    for rank, form, padding, strides, dilation in cases():
        taps = tuple(int(k) for k in rng.integers(1, 5, rank))
        size = tuple(int(n) for n in rng.integers(10, 14, rank))

        def inputs(channels, size=size, form=form):
            return normal(2, *size, channels) if form == "channels_last" else normal(2, channels, *size)

        options = (strides, padding, form, dilation)
        same("conv", inputs(4), [normal(*taps, 4, 6)], *options)
        if backend != "tensorflow" or (rank < 3 and form == "channels_last"):
            grouped = nn.conv(x := inputs(4), k := normal(*taps, 2, 6), *options)
            close(*(keras.ops.convert_to_numpy(y) for y in (grouped, keras.ops.conv(x, k, *options))))
        if rank < 3 and not (backend == "tensorflow" and isinstance(strides, tuple) and rank > 1):
            same("depthwise_conv", inputs(3), [normal(*taps, 3, 2)], *options)
            same("separable_conv", inputs(3), [normal(*taps, 3, 2), normal(*(1,) * rank, 6, 4)], *options)
        if backend != "tensorflow" or dilation == 1:
            # TensorFlow 2.21 fails where the kernel is shorter than the stride, and for some output_paddings.
            for extra in (None, 0) if strides == 3 and backend != "tensorflow" else (None,):
                x, kernel = inputs(4), normal(*(k + 2 for k in taps), 3, 4)
                same("conv_transpose", x, [kernel], strides, padding, extra, form, dilation)
    print("done on", backend)


if __name__ == "__main__":
    main()
