"""What a method costs, in seconds and bytes, from few constants that each library brings along.

Also SciPy's own verdict between "direct" and "fft" (``choose_conv_method``), with SciPy's published constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from konvolve.planning import dtypes
from konvolve.planning.blocks import Crew, outgrown
from konvolve.planning.lengths import transform_cost


class Held(NamedTuple):
    """How much memory a library holds at the peak, measured, in multiples of what `planning.footprint` says.

    ``fft``: of the padded result, by the number of axes, 1, 2 and more; ``batched``: of it, too, where there are more
    axes and several rows; ``alone``: instead, for a single one-dimensional transform, real or complex.
    ``blocks``: of a band, where one axis is convolved and where more are; ``one_band``: of the only one, beside the
    result; ``joined``: of the result, which is made of the bands; ``chunks``: of what a chunk of a batch takes.
    ``direct``: of the result, by the number of axes, in the library's own convolution; ``lone``: instead, for a single
    row; ``returned``: of the result as it is handed over; ``loop``: in a loop over taps; ``unfolded``: the samples that
    a convolution in double precision lays out at once at most, where it lays them out for each sum.
    ``matrix``: of the padded signal, of the blocks cut out of it, of those that are a view where the library can, and
    of the result.
    ``cropped``: of the result, where blocks as channels are more than is wanted: once, or twice if cropping copies;
    ``lone_channels``: of the signal, beside, where it is a single row.
    ``layout``: of the signal, where axes are brought last.
    Of integers: ``digits``: of the spectra of digits and their products, in one transform; ``digit_blocks``: of a band;
    ``digit_sums``: of what the library's own convolution of digits takes; ``integer_loop``: of the result, in a loop.
    ``extended``: of a signal extended beyond its edges, besides itself, in the direct sum and in one transform.
    """

    fft: tuple[float, float, float] = (3.0, 4.0, 4.0)
    batched: float = 0.0
    alone: tuple[float, float] = (5.0, 4.0)
    blocks: tuple[float, float] = (5.0, 8.0)
    one_band: float = 2.4
    joined: float = 1.0
    chunks: float = 1.0
    direct: tuple[float, float, float] = (2.0, 2.0, 2.0)
    lone: float = 2.0
    returned: float = 1.0
    unfolded: int = 0
    loop: float = 3.0
    matrix: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    cropped: float = 2.0
    lone_channels: float = 0.0
    layout: float = 0.0
    digits: float = 1.0
    digit_blocks: float = 5.2
    digit_sums: float = 1.0
    integer_loop: float = 3.0
    extended: tuple[float, float] = (0.0, 0.0)


class Traits(NamedTuple):
    """What planning has to know of a library on a device. Times are seconds on the machine they were measured on.

    ``fft``: one sample through one radix-2 stage of a real transform (complex: twice), on all cores.
    ``alone``: how many times slower a single one-dimensional transform is, which no library spreads over cores;
    ``together``: the rows that it takes for all cores and the vectors of each, fewer are slower.
    ``tap``: one sample added for one tap, in a loop over taps; ``direct``: the same in the library's own
    convolution, by rank: those it has.
    ``product``: one multiply-add of a matrix product; ``move``: one sample copied. ``banded``: one multiply-add of the
    native convolution of 16 channels in single precision, by rank, and ``banded_double`` in double, where it
    is fast; no ranks at all where a library has none.
    ``call``: one operation on a tiny array; ``row``: what the native convolution costs per row beside its sums.
    ``native_exact``: whether the native convolution takes integers and any other dtype, ``native_complex``: complex
    ones. ``band``: samples worked on at once by blocks; ``parts``: of how many blocks an axis is made at least that for
    speed would not be cut, 0 for none (a ceiling of memory asks for it). ``memory``: the fields of
    ``Held``.
    ``crowded``: how many times slower transforms along several axes are that leave the last cache between them.
    ``start``: what the native convolution costs once, beside all else. ``has_float64``: without it integers are summed
    in integers. ``late_lengths``: whether the length of a transform may be a size that is known only at run time.
    ``fused``: whether a loop over taps is compiled into one pass; its gradient
    by the kernel, which is a sum for each tap, is far slower then.
    """

    fft: float
    alone: float
    together: int
    tap: float
    direct: dict[int, float]
    product: float
    move: float
    call: float
    row: float
    native_exact: bool
    native_complex: bool
    band: int
    memory: tuple[tuple[str, Any], ...] = ()
    has_float64: bool = True
    start: float = 0.0
    crowded: float = 1.0
    parts: int = 0
    fused: bool = False
    late_lengths: bool = True
    banded: Mapping[int, float] = MappingProxyType({})
    banded_double: Mapping[int, float] = MappingProxyType({})

    @property
    def held(self) -> Held:
        """The multiples of memory."""
        return Held(**dict(self.memory))


class Estimate(NamedTuple):
    """The predicted cost of one method."""

    method: str
    seconds: float
    bytes: int


class Estimated:
    """A plan that knows what its method, and those it does not take, are predicted to cost."""

    method: str
    estimates: tuple[Estimate, ...]

    @property
    def bytes(self) -> int | None:
        """The predicted peak of memory beside the inputs, the result included; None where sizes are not known."""
        return next((each.bytes for each in self.estimates if each.method == self.method), None)

    @property
    def seconds(self) -> float | None:
        """The predicted time of the forward pass, None where sizes are not known."""
        return next((each.seconds for each in self.estimates if each.method == self.method), None)


# More samples than these in several axes leave the last cache between the axes.
_CROWD = 2**22


def fourier_seconds(traits: Traits, rows: int, lengths: Sequence[int], dtype: str, at_once: int | None = None) -> float:
    """Predict the time of transforming ``rows`` arrays of these lengths, once, so many samples ``at_once`` or all."""
    points = rows * math.prod(lengths)
    stages = sum(transform_cost(length) / length for length in lengths)
    width = dtypes.item_size(dtype) / 4
    slower = 1.0
    if len(lengths) == 1:
        slower = crew(traits, dtype).rows(rows) / rows * outgrown(lengths[0], rows == 1)
    elif (points if at_once is None else at_once) * width > _CROWD:
        slower = traits.crowded
    return traits.fft * points * stages * width * slower


def crew(traits: Traits, dtype: str) -> Crew:
    """Return how the library shares one-dimensional transforms out; a single complex one fills vectors by itself."""
    return Crew(max(1.0, traits.alone / (2.0 if dtypes.parse(dtype).kind == "complex" else 1.0)), traits.together)


def scipy_choice(
    shape1: Sequence[int], shape2: Sequence[int], mode: str, dtype1: str, dtype2: str, peak: int | None = None
) -> str:
    """Return "fft" or "direct" by SciPy's rule, ``scipy.signal.choose_conv_method(measure=False)``.

    ``peak`` bounds the sums of integer inputs, ``max|in1| max|in2| min(sizes)``; from ``2**52`` on only the
    direct sum is exact. The constants are those SciPy published in its pull request 11031.
    """
    kinds = [dtypes.parse(dtype1).kind, dtypes.parse(dtype2).kind]
    if peak is not None and peak > 2**52 - 1:
        return "direct"
    if kinds == ["bool", "bool"] or "other" in kinds:
        return "direct"
    fft_ops, direct_ops = _operations(shape1, shape2, mode)
    o_fft, o_direct, offset = _constants(shape1, shape2, mode)
    return "fft" if o_fft * fft_ops < o_direct * direct_ops + offset else "direct"


def _operations(shape1: Sequence[int], shape2: Sequence[int], mode: str) -> tuple[float, float]:
    size1, size2 = math.prod(shape1), math.prod(shape2)
    full = [n1 + n2 - 1 for n1, n2 in zip(shape1, shape2, strict=True)]
    kept = {
        "full": full,
        "valid": [abs(a - b) + 1 for a, b in zip(shape1, shape2, strict=True)],
        "same": shape1,
    }[mode]
    if len(shape1) > 1:
        direct = size1 * size2 if mode == "same" else min(size1, size2) * math.prod(kept)
    elif mode == "full":
        direct = size1 * size2
    elif mode == "valid":
        direct = kept[0] * min(size1, size2)
    else:
        direct = size1 * size2 - (0 if size1 < size2 else (size2 // 2) * ((size2 + 1) // 2))
    points = math.prod(full)
    return 3 * points * math.log(points), direct


def _constants(shape1: Sequence[int], shape2: Sequence[int], mode: str) -> tuple[float, float, float]:
    if len(shape1) > 1:
        return {
            "valid": (1.85927e-9, 2.11242e-8, -1e-4),
            "full": (1.99817e-9, 1.66174e-8, -1e-4),
            "same": (2.04735e-9, 1.55367e-8, -1e-4),
        }[mode]
    if mode == "same" and math.prod(shape2) > math.prod(shape1):
        return 3.21635404e-9, 1.1773253e-8, -1e-5
    return {
        "valid": (1.89095737e-9, 2.1364985e-10, -1e-3),
        "full": (1.7649070e-9, 2.1414831e-10, -1e-3),
        "same": (3.2646654e-9, 2.8478277e-10, -1e-3),
    }[mode]
