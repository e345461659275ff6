"""What planning has to know of a library on a device: speeds, memory, and what its own operations can do.

Times are seconds on the machine they were measured on; only their ratios decide. ``profiles/`` has the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class MemoryMultiples(NamedTuple):
    """How much memory a library has in use at the peak, in multiples of arrays that a method's record names."""

    fft: tuple[float, float, float] = (3.0, 4.0, 4.0)  # of the padded result, by the number of axes: 1, 2 and more
    batched: float = 0.0  # of it, too, where there are more axes and several rows
    single_fft: tuple[float, float] = (5.0, 4.0)  # instead, for a single one-dimensional transform: real, complex
    blocks: tuple[float, float] = (5.0, 8.0)  # of a band, where one axis is convolved, and where more are
    one_band: float = 2.4  # of the only band, beside the result
    joined: float = 1.0  # of the result, which is made of the bands
    chunks: float = 1.0  # of what a chunk of a batch takes
    chunked: float = 1.0  # of the result, at least, where a batch is taken in chunks
    direct: tuple[float, float, float] = (2.0, 2.0, 2.0)  # of the result, by the number of axes, in its own convolution
    single_row: float = 2.0  # instead, for a single row
    returned: float = 1.0  # of the result as it is handed over
    unfolded: int = 0  # samples that its convolution in double precision lays out at once; 0 where it does not
    loop: float = 3.0  # of the result, in a loop over taps
    matrix: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)  # of the padded signal, of blocks cut out of it,
    # of blocks that are a view where the library can, and of the result
    cropped: float = 2.0  # of the result, where blocks as channels are more than is wanted: twice if cropping copies
    single_row_channels: float = 0.0  # of the signal, beside, where it is a single row
    layout: float = 0.0  # of the signal, where axes are brought last
    passes: float = 0.0  # of the signal, beside, where it is convolved along one axis after the other
    digits: float = 1.0  # of the spectra of integers' digits and their products, in one transform
    digit_blocks: float = 5.2  # of a band of digits
    digit_sums: float = 1.0  # of what its own convolution of digits takes
    integer_loop: float = 3.0  # of the result, in a loop over taps of integers
    extended: tuple[float, float] = (0.0, 0.0)  # of a signal extended beyond its edges, besides itself: in the direct
    # sum, and in one transform


class Profile(NamedTuple):
    """Speeds of the methods of SciPy's family, and what they depend on."""

    fft: float  # s: one sample through one radix-2 stage of a real transform, on all cores (complex: twice)
    single_row: float  # how many times slower a single one-dimensional transform is, which is not spread over cores
    single_complex_row: float  # the same of complex numbers, which fill vectors by themselves in some libraries
    rows_at_once: int  # rows that are transformed at once by all cores and the vectors of each; fewer are slower
    tap: float  # s: one sample added for one tap, in a loop over taps
    direct: dict[int, float]  # s: the same in its own convolution, by rank: those it has
    product: float  # s: one multiply-add of a matrix product
    move: float  # s: four bytes copied
    call: float  # s: one operation on a tiny array
    row: float  # s: what its own convolution costs per row beside its sums
    native_exact: bool  # whether its own convolution takes integers and any other dtype
    native_complex: bool  # whether it takes complex numbers
    band: int  # samples worked on at once by blocks
    memory: tuple[tuple[str, Any], ...] = ()  # the fields of MemoryMultiples that differ from the defaults
    has_float64: bool = True  # without it integers are summed in integers
    start: float = 0.0  # s: what its own convolution costs once, beside all else
    tiny: float = 0.0  # s: below it an eager call is quicker by NumPy, in the memory of the library's arrays; above it
    # as a compiled program, if it comes again; 0 where operations are quick, or compiled in any case
    mapped: float = 0.0  # s: four bytes of new memory, where arrays are so large that none of it is used again
    output: float = 0.0  # s: what each output of its own convolution along one axis costs beside the sums
    complex_product: float = 2.0  # how many times as long as their bytes say complex numbers take in direct sums
    few_outputs: float = 1.0  # how many times slower a direct sum of few outputs is
    direct_double: float = 1.0  # how many times slower its own convolution in double precision is, beside the bytes
    rows: int = 0  # samples of a batch that are transformed, multiplied and transformed back while they are in the
    # cache, one part of the batch for each core at a time; 0 for all at once
    out_of_cache: float = 1.0  # how many times slower transforms along several axes are that leave the last cache
    parts: int = 0  # of how many blocks an axis is made that would not be cut for speed, at least; 0 for none
    blocks_in_place: bool = False  # whether overlapping blocks are multiplied by a matrix where they lie
    fused: bool = False  # whether a loop over taps is compiled into one pass, whose gradient by the kernel is slow
    late_lengths: bool = True  # whether the length of a transform may be known only at run time
    banded: Mapping[int, float] = MappingProxyType({})  # s: one multiply-add of its convolution of 16 channels, by rank
    banded_double: Mapping[int, float] = MappingProxyType({})  # s: the same in double precision, where it is fast

    @property
    def multiples(self) -> MemoryMultiples:
        """The multiples of memory."""
        return MemoryMultiples(**dict(self.memory))


class ChannelProfile(NamedTuple):
    """Speeds of a library's work on channels."""

    dense: dict[int, float]  # s: one multiply-add of its own convolution, all channels together, by rank
    few_outputs_in_group: float  # for o outputs in a group it takes 1 + few_outputs_in_group / o times as long
    grouped: float  # and so many times where there are several groups
    sample: float  # s: what each output costs beside
    depthwise: float  # s: one multiply-add with a group for each channel; one tap is no convolution
    depthwise_sample: float  # s: what each output costs beside, then
    few_channels: float  # for c channels it takes 1 + few_channels / c times as long, then
    product: float  # s: one complex multiply-add of channels at one frequency
    moved: float  # s: one byte moved while axes are transposed
    cliff: tuple[int, int, float] | None = None  # taps and taps times outputs from which on a multiply-add of the
    # kernel's gradient takes so many seconds; None where it need not be taken from elsewhere
    depthwise_cliff: tuple[int, float] | None = None  # the same with a group for each channel, from so many taps of an
    # axis on
    plain: tuple[int, ...] = ()  # the ranks in which its own convolution has no groups
    mixed: bool = True  # whether it takes dilations with strides where a group has several channels
    native: bool = True  # whether it has one
