"""What the methods ask of an array library: its primitives.

A backend file adapts one library to this protocol and imports no other room of the house. The traps of a library
are dealt with in its file, with a comment that says which version has them. An array is called ``x``; dtypes are
names; a size is an int, or a scalar tensor of the library where it is known only at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

Array = Any
Size = Any


class Native(NamedTuple):
    """How a library's own convolution on channels is asked for: a number per spatial axis, (before, after) for pads.

    ``last`` says whether the channels are the last axis. A pad may be a scalar tensor; ``padding`` is the word "same"
    or "valid" where the pads are what libraries and Keras mean by it, else empty. ``depthwise``: the kernel is
    (*taps, channels, multiplier).
    """

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[Size, Size], ...]
    groups: int
    last: bool
    padding: str = ""
    depthwise: bool = False


class Backend(Protocol):
    """The primitives. ``rank`` trailing axes are the convolved ones; those before them are batch axes."""

    name: str
    types: tuple[type, ...]
    """Types of arrays that the registry enters with the first of them, as ``torch.compile`` lets nobody do so later."""

    even_rows: bool
    """Whether sums of a single row are quick for an even number of samples only."""

    def profile(self) -> str:
        """Return the key of the library's planning constants in ``profiles.shipped``."""

    def owns(self, x: Any) -> bool:
        """Whether x is an array of this library."""

    def asarray(self, x: Any, like: Array | None = None) -> Array:
        """Return x, of this library or a NumPy array, as an array of this library, on the device of ``like``."""

    def dtype(self, x: Array) -> str:
        """Return the name of x's dtype."""

    def shape(self, x: Array) -> tuple[int | None, ...]:
        """Return x's sizes, None where they are known only at run time."""

    def sizes(self, x: Array) -> tuple[Size, ...]:
        """Return x's sizes, a scalar tensor where they are known only at run time."""

    def magnitude_bits(self, x: Array) -> int | None:
        """Return the bits of a signed number that holds every value of x, or None where looking is no option."""

    def peak(self, x: Array) -> float | None:
        """Return the largest magnitude in x, None where values are not known yet."""

    def device(self, x: Array) -> str:
        """Return a name for where x lies, if arrays that lie elsewhere cannot be combined with it."""

    def to_numpy(self, x: Array) -> Any:
        """Return x, which is not being traced, as a NumPy array."""

    def values(self, x: Array) -> Any:
        """Return x as a NumPy array where that waits for nothing and no derivative to x is lost; otherwise None."""

    def traced(self, x: Array) -> bool:
        """Whether x stands for values that come later, in a function that is being traced or transformed."""

    def snapshot(self, x: Array) -> Array:
        """Return a copy of x that nobody else holds, a constant to derivatives; TypeError if it is being traced."""

    def outside_trace(self) -> Any:
        """Return a context in which constants are computed with at once, also while a function is traced."""

    def reads_code(self) -> bool:
        """Whether a compiler follows the Python code line by line at this moment, in place of running it."""

    def minimum(self, a: Size, b: Size) -> Size:
        """Return the lesser of two sizes."""

    def maximum(self, a: Size, b: Size) -> Size:
        """Return the greater of two sizes."""

    def next_length(self, size: Callable[[], Size], table: Sequence[int]) -> Size:
        """Return the first entry of an ascending table that is not less than what ``size`` returns, a run-time size.

        ValueError without asking for it where the length of a transform has to be a number.
        """

    def compiled(self, function: Callable) -> Callable:
        """Return a function of (backend, plan, *arrays) as the library runs it best: compiled, or as it is."""

    def map_rows(self, compute: Callable[[Array], Array], x: Array, rows: int) -> Array:
        """Return ``compute(x)``, a linear function of each row, so many rows of the first axis at a time."""

    def program(self, function: Callable, plan: Any, arrays: Sequence[Array]) -> Callable | None:
        """Return the function of the arrays, which carries out the plan, as a compiled one, where that pays; or None.

        It pays in eager calls of a library that computes operation by operation, for a long plan that has come before.
        """

    def canonical(self, dtype: str) -> str:
        """Return the dtype that an array asked to have this one gets, where the library narrows 64 bits to 32."""

    def cast(self, x: Array, dtype: str) -> Array:
        """Convert to a dtype; integers wrap."""

    def isfinite(self, x: Array) -> Array:
        """Return which samples are finite."""

    def all_finite(self, xs: Sequence[Array]) -> Any:
        """Return whether all samples of all arrays are finite: True or False, or a truth to be known at run time.

        None where nobody may look, which is as good as True. Sums may overflow, which is as good as False.
        """

    def zeroed(self, x: Array, finite: Any) -> Array:
        """Return x with zeros in the place of what is not finite; ``finite`` is False or a truth known at run time."""

    def either(self, truth: Array, one: Callable[[], Array], other: Callable[[], Array]) -> Array:
        """Return ``one()`` where a truth known at run time holds, and ``other()`` where it does not.

        The other is right where the truth holds, too: it may be taken always. Both can be differentiated.
        """

    def unless(self, truth: Array, compute: Callable[[], Array], y: Array) -> Array:
        """Return y, and where a truth known at run time does not hold ``compute()``, a constant, added to it."""

    def summed(self, function: Callable[[Array, Array], Array], groups: Sequence[Sequence[Callable]]) -> list[Array]:
        """Return for each group the sum of what a function gives for its pairs of arrays.

        The pairs are made by the callables of the groups, one after the other, so that memory is reused.
        """

    def constant(self, x: Array) -> Array:
        """Return x as a constant to derivatives."""

    def to_result(self, y: Array) -> Array:
        """Return a result as the library's users expect it: NumPy's fresh, contiguous and owning its data."""

    def begins_finite(self, y: Array) -> bool:
        """Whether the first sample of y is finite; True where looking would wait for a device or a trace."""

    def scalar(self, value: complex, dtype: str, like: Array) -> Array:
        """Return a number as an array without axes, on the device of ``like``."""

    def zeros(self, shape: Sequence[Size], dtype: str, like: Array) -> Array:
        """Return an array of zeros, on the device of ``like``."""

    def arange(self, start: Size, stop: Size, like: Array) -> Array:
        """Return the integers from start to stop, as indices on the device of ``like``."""

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Choose elementwise."""

    def round(self, x: Array) -> Array:
        """Round to whole numbers, keeping the floating dtype."""

    def total(self, x: Array, axes: Sequence[int]) -> Array:
        """Sum over axes, which remain with size 1."""

    def highest(self, x: Array, axes: Sequence[int]) -> Array:
        """Return the largest value along axes of a real array; the axes remain with size 1."""

    def conjugate(self, x: Array) -> Array:
        """Return the complex conjugate."""

    def transpose(self, x: Array, order: Sequence[int]) -> Array:
        """Permute the axes."""

    def reshape(self, x: Array, shape: Sequence[Size]) -> Array:
        """Reshape; at most one size is -1."""

    def flip(self, x: Array, axes: Sequence[int]) -> Array:
        """Reverse along axes."""

    def stack(self, xs: Sequence[Array]) -> Array:
        """Stack along a new leading axis."""

    def concatenate(self, xs: Sequence[Array], axis: int) -> Array:
        """Lay side by side along an axis."""

    def broadcast_to(self, x: Array, shape: Sequence[Size]) -> Array:
        """Repeat x to a shape, without copying where the library can."""

    def split_complex(self, x: Array) -> tuple[Array, Array]:
        """Return the real and imaginary parts of a complex array."""

    def to_complex(self, real: Array, imaginary: Array) -> Array:
        """Return the complex array of two real ones."""

    def take(self, x: Array, indices: Array, axis: int) -> Array:
        """Gather along an axis."""

    def rows_apart(self, x: Array, samples: int) -> Array:
        """Return x with so many zeros behind each row, where a sum over many rows in one pass is quicker by that."""

    def window(self, x: Array, starts: Sequence[Size], sizes: Sequence[Size]) -> Array:
        """Cut windows out of the trailing axes of x, which is zero outside: a start may be negative."""

    def add_product(self, total: Array, x: Array, y: Array) -> Array:
        """Return total + x y, which broadcasts to the total's shape; the total is not needed afterwards."""

    def multiply(self, x: Array, y: Array) -> Array:
        """Multiply two arrays of the same dtype, with broadcasting; x is not needed afterwards, y may be."""

    def matmul(self, x: Array, y: Array) -> Array:
        """Multiply matrices along the last two axes; the sizes before them are equal or 1."""

    def banded_product(self, x: Array, band: Array, axis: int, start: int, size: int) -> Array:
        """Multiply a matrix of (outputs, samples) with overlapping blocks of an axis, one block's outputs apart.

        The first block begins at ``start``, which may be negative; x is zero outside. So many outputs are kept.
        """

    def rfftn(self, x: Array, lengths: Sequence[Size]) -> Array:
        """Transform the trailing axes of a real array, padded with zeros to the lengths; keep half the spectrum."""

    def irfftn(self, x: Array, lengths: Sequence[Size], kept: Sequence[tuple[Size, Size]] | None = None) -> Array:
        """Invert rfftn, to the lengths, and keep (start, size) of each axis, if that is given."""

    def fftn(self, x: Array, lengths: Sequence[Size]) -> Array:
        """Transform the trailing axes of a complex array, padded with zeros to the lengths."""

    def ifftn(self, x: Array, lengths: Sequence[Size], kept: Sequence[tuple[Size, Size]] | None = None) -> Array:
        """Invert fftn, as ``irfftn`` does rfftn."""

    def depthwise_correlate(self, x: Array, kernel: Array) -> Array:
        """Correlate x (rows, channels, *spatial) with kernel (channels, *spatial), "valid", channel by channel.

        The library's own convolution; called for real dtypes and the ranks in the library's ``direct`` constants.
        """

    def conv(self, x: Array, kernel: Array, how: Native) -> Array:
        """Correlate (batch, *spatial, channels), or channels first, with (*taps, channels of a group, outputs).

        Where Keras would convolve so, it shall be by the call that Keras makes, or a quicker one. The library's own
        convolution; called for what the library's constants for channels say it can do.
        """

    def is_fast_in(self, x: Array, dtype: str) -> bool:
        """Whether ``conv`` of arrays of a dtype, where x lies, is not slower than of float32, if it is narrower."""

    def conv_transpose(self, y: Array, kernel: Array, how: Native, sizes: Sequence[Size]) -> Array:
        """Return the adjoint of ``conv`` for inputs of these spatial sizes: every sample spread over the taps."""

    def folded(
        self, function: Callable[[Array | None, Sequence[Size]], Array], every: Sequence[Sequence[int]]
    ) -> Array:
        """Return function(... function(function(None, every[0]), every[1]) ...), a sum over taps by their offsets.

        A compiler may be given a part of the offsets as scalars known at run time, in a loop, so that its program
        does not grow with them.
        """

    def with_gradient_of(
        self, forward: Callable, by_first: Callable | None, other: Callable, x: Array, y: Array
    ) -> Array:
        """Return ``forward(x, y)``, whose gradients are ``by_first(gradient, y)`` and, for y, that of ``other(x, y)``.

        Both are linear in each operand. A library that finds the gradient for x by itself may not be given the one.
        """

    def overlapping_blocks(self, x: Array, axis: int, length: int, step: int) -> Array:
        """Cut an axis of ``n * step + (length - step)`` samples into n overlapping blocks: (..., n, length, ...)."""

    def map_slabs(
        self, compute: Callable[[Array], Array], x: Array, axis: int, slabs: tuple[Size, int, int, int], size: Size
    ) -> Array:
        """Compute on slabs of x, one after the other, so that memory is reused, and concatenate what comes out.

        ``slabs`` are (start, stride, extent, count): slab i is the window of ``extent`` samples from
        ``start + i * stride`` on, along the axis, zeros outside. The results are joined along it and cut to the size.
        """
