"""Filter and GaussianBlur: a fixed kernel on every channel, in a model or in a ``tf.data`` pipeline."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from konvolve.execution import holes, signal
from konvolve.execution.factors import terms
from konvolve.execution.filters.kernels import gaussian
from konvolve.execution.kernel import Kernel
from konvolve.layers.base import one_word, used
from konvolve.planning.filters.arguments import MOST_TAPS
from konvolve.planning.nn.arguments import check_channel_method, check_format, check_padding, check_padding_modes
from konvolve.planning.operands import plain, shown
from konvolve.planning.signal.holes import check_holes

# Keras's base of all layers that may run inside tf.data; it has no public name (seen in 3.15).
_DataLayer: Any = keras.layers.Rescaling.__base__

EPSILON = 2.0**-23
"""A kernel is a product of one-dimensional ones if what is left over is rounding in float32, as layers compute in."""


def factors(kernel: np.ndarray) -> list[np.ndarray]:
    """Return one-dimensional kernels, each along its own axis, whose product is the kernel; itself if there are none.

    >>> [factor.shape for factor in factors(np.outer([1.0, 2.0, 1.0], [1.0, 0.0, -1.0]))]
    [(3, 1), (1, 3)]
    """
    found = terms(kernel, range(kernel.ndim), EPSILON) if kernel.ndim > 1 else []
    return list(found[0]) if found else [kernel]


def checked_kernel(kernel: Any) -> np.ndarray:
    """Return a fixed kernel as float64; ValueError for what is not one to three axes of finite numbers."""
    try:
        array = np.asarray(kernel, "float64")
    except (TypeError, ValueError):
        raise ValueError(f"kernel must be an array of real numbers, not {shown(kernel)}") from None
    if not 1 <= array.ndim <= 3 or not array.size:
        raise ValueError(f"kernel must be a non-empty array of one to three axes, not of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(
            f"kernel must be of finite numbers, not {shown(array[~np.isfinite(array)][0].item())} among them"
        )
    return array


@keras.saving.register_keras_serializable(package="konvolve")
class Filter(_DataLayer):
    """Convolve every channel with one fixed kernel: a smoothing, a derivative, a measured point-spread function.

    As in ``scipy.signal.convolve`` the kernel is convolved, not correlated, and "same" is centred as there, for kernels
    of even sizes too. A kernel that is a product of one-dimensional ones is applied as one pass along each axis.

    Args:
        kernel: An array of as many axes as are convolved: (taps,) for signals, (height, width) for pictures.
        padding: "same", or "valid" for only what needs no values beyond the edges.
        padding_mode: What lies beyond the edges where ``padding`` is "same": "zeros", "reflect", "symmetric", "nearest"
            or "circular" (or what these are called elsewhere, as in ``konvolve.nn.conv``), for all axes or one for
            each.
        data_format: "channels_last" or "channels_first"; None for Keras's own setting.
        method: "auto" (the quickest by prediction), "direct", "fft" or "overlap".
        nan, fill_value, min_weight, keep_nan: What becomes of samples that are NaN or infinite, as in
            ``konvolve.convolve``: None, "propagate", "fill", "omit" or "interpolate".
        **kwargs: Arguments of ``keras.layers.Layer``.

    Inputs and outputs: ``(batch, *sizes, channels)``, or one sample without the batch axis; of any dtype of numbers,
    cast to the layer's compute dtype. A dictionary with "images" comes back with these filtered and all else as it was.
    The kernel is not a weight. In a ``tf.data`` pipeline TensorFlow is used, whatever the Keras backend.

    Raises:
        ValueError: for a wrong argument; for inputs of another number of axes.

    >>> import numpy as np
    >>> from konvolve import layers
    >>> edges = layers.Filter([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    >>> edges(np.zeros((2, 48, 64, 3), "uint8")).shape
    TensorShape([2, 48, 64, 3])
    """

    def __init__(
        self,
        kernel: Any,
        padding: str = "same",
        padding_mode: Any = "symmetric",
        data_format: str | None = None,
        method: str = "auto",
        *,
        nan: str | None = None,
        fill_value: float = 0.0,
        min_weight: float = 0.0,
        keep_nan: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel = checked_kernel(kernel)
        self.padding = check_padding(plain(padding), self.kernel.ndim, ("same", "valid"))
        padding_mode = plain(padding_mode)
        # What is given without asking is no mistake.
        check_padding_modes(padding_mode, self.kernel.ndim, "same" if padding_mode == "symmetric" else self.padding)
        self.padding_mode = one_word(padding_mode)
        several = isinstance(padding_mode, list | tuple)
        self._edges = list(padding_mode) if several else [padding_mode] * self.kernel.ndim
        self.data_format = keras.config.image_data_format() if data_format is None else check_format(plain(data_format))
        self.method = check_channel_method(plain(method))
        if nan == "raise":
            raise ValueError("nan='raise' has to look at values, which a layer in a compiled model cannot")
        asked_for = check_holes(nan, fill_value, False, min_weight, keep_nan, self.padding)
        asked = {"fill_value": plain(fill_value), "min_weight": float(min_weight), "keep_nan": bool(keep_nan)}
        self._holes = {"nan": nan, **asked} if asked_for else {}
        # What is missing is missing for the whole kernel, whose plan sees by itself that it is a product.
        self._factors = [self.kernel] if asked_for else factors(self.kernel)
        self._kernels: dict = {}

    def call(self, inputs: Any) -> Any:
        """Filter a sample, a batch, or the "images" of a dictionary."""
        if isinstance(inputs, dict):
            return inputs | {"images": self._filtered(inputs["images"])}
        return self._filtered(inputs)

    def _filtered(self, inputs: Any) -> Any:
        x = self.backend.cast(self.backend.convert_to_tensor(inputs), self.compute_dtype)
        single = self._is_single(x.shape)
        if single:
            x = self.backend.numpy.expand_dims(x, 0)
        first = 1 if self.data_format == "channels_last" else 2
        for place, factor in enumerate(self._factors):
            axes = [axis for axis, taps in enumerate(factor.shape) if taps > 1] or list(range(factor.ndim))
            solve, more = (holes.solve, {"weights": None} | self._holes) if self._holes else (signal.solve, {})
            x = solve(
                "convolve", x, self._kernel(place, len(x.shape), first), mode=self.padding, method=self.method,
                axes=[axis + first for axis in axes], max_memory=None,
                boundary="zero" if self.padding == "valid" else [self._edges[axis] for axis in axes], **more,
            )  # fmt: skip
        return self.backend.numpy.squeeze(x, 0) if single else x

    def _kernel(self, place: int, ndim: int, first: int) -> Kernel:
        """Return a factor in the dtype of the work, of which the spectra are kept."""
        dtype, library = self.compute_dtype, self.backend.name
        found = self._kernels.get((place, dtype, library))
        if found is None:
            factor = self._factors[place]
            array = factor.reshape((1,) * first + factor.shape + (1,) * (ndim - first - factor.ndim))
            if dtype == "bfloat16":  # which NumPy has not
                array = self.backend.convert_to_tensor(array.astype("float32"), dtype=dtype)
            else:
                array = array.astype(dtype)
            found = self._kernels[place, dtype, library] = Kernel(array)
        return found

    def _is_single(self, shape: Any) -> bool:
        rank = len(shape) - self.kernel.ndim
        if rank not in (1, 2):
            raise ValueError(
                f"a kernel of {self.kernel.ndim} axes filters inputs of {self.kernel.ndim + 2} axes (or "
                f"{self.kernel.ndim + 1}, one sample), not of shape {tuple(shape)}"
            )
        if shape[-1 if self.data_format == "channels_last" else -1 - self.kernel.ndim] is None:
            raise ValueError(f"the number of channels must be known, not inputs of shape {tuple(shape)}")
        return rank == 1

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape after the filter."""
        if isinstance(input_shape, dict):
            return input_shape | {"images": self.compute_output_shape(input_shape["images"])}
        single = self._is_single(input_shape)
        shape = list(input_shape)
        if self.padding == "valid":
            first = (0 if single else 1) + (self.data_format == "channels_first")
            for axis, taps in enumerate(self.kernel.shape, first):
                shape[axis] = None if shape[axis] is None else shape[axis] - taps + 1
                if shape[axis] is not None and shape[axis] < 1:
                    raise ValueError(
                        f"inputs of shape {tuple(input_shape)} are smaller than the kernel, {self.kernel.shape}"
                    )
        return tuple(shape)

    @classmethod
    def from_config(cls, config: dict) -> Filter:
        """Make the layer of its config."""
        return super().from_config(used(config))

    def get_config(self) -> dict:
        """Return what ``from_config`` needs."""
        return super().get_config() | {
            "kernel": self.kernel.tolist(),
            "padding": self.padding,
            "padding_mode": self.padding_mode,
            "data_format": self.data_format,
            "method": self.method,
            **self._holes,
        }


@keras.saving.register_keras_serializable(package="konvolve")
class GaussianBlur(Filter):
    """Blur pictures with a Gaussian; ``scipy.ndimage.gaussian_filter``, whose mode "reflect" is "symmetric" here.

    Args:
        sigma: Standard deviation in samples; a number for pictures, or one number for each axis, one to three.
        truncate: Where the Gaussian is cut off, in standard deviations.
        padding_mode, data_format, method, nan, fill_value, min_weight, keep_nan, kwargs: As those of
            :class:`Filter`.

    Inputs and outputs: as those of :class:`Filter`. An axis of sigma 0 is left alone.

    Raises:
        ValueError: for a wrong argument.

    >>> import numpy as np
    >>> from konvolve import layers
    >>> layers.GaussianBlur(5.0)(np.ones((48, 64, 3), "uint8")).shape
    TensorShape([48, 64, 3])
    """

    def __init__(
        self,
        sigma: Any,
        truncate: float = 4.0,
        padding_mode: Any = "symmetric",
        data_format: str | None = None,
        method: str = "auto",
        *,
        nan: str | None = None,
        fill_value: float = 0.0,
        min_weight: float = 0.0,
        keep_nan: bool = False,
        **kwargs: Any,
    ) -> None:
        given = plain(sigma)
        numbers = [number(s) for s in given] if isinstance(given, list | tuple) else [number(given)] * 2
        sigmas = tuple(s for s in numbers if s is not None and 0 <= s < float("inf"))
        if not 1 <= len(sigmas) <= 3 or len(sigmas) < len(numbers):
            raise ValueError(f"sigma must be a finite number from 0, or one to three of them, not sigma={shown(sigma)}")
        cut = number(truncate)
        if cut is None or not 0 < cut < float("inf"):
            raise ValueError(f"truncate must be a finite positive number, not truncate={shown(truncate)}")
        if max(sigmas) * cut > MOST_TAPS:
            raise ValueError(
                f"sigma={shown(sigma)} with truncate={shown(truncate)} is a kernel of more than {2 * MOST_TAPS} taps "
                "along an axis, the most there may be"
            )
        kernel = np.ones(())
        for s in sigmas:
            kernel = np.multiply.outer(kernel, gaussian(s, int(cut * s + 0.5)))
        super().__init__(
            kernel, "same", padding_mode, data_format, method, nan=nan, fill_value=fill_value, min_weight=min_weight,
            keep_nan=keep_nan, **kwargs,
        )  # fmt: skip
        self.sigma = sigmas
        self.truncate = cut

    def get_config(self) -> dict:
        """Return what ``from_config`` needs."""
        config = super().get_config()
        del config["kernel"], config["padding"]
        return config | {"sigma": self.sigma, "truncate": self.truncate}


def number(given: Any) -> float | None:
    """Return a number as a float, None for anything else."""
    given = plain(given)
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else None
