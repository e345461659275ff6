"""One transform over everything: the product of two spectra, and the window of its inverse.

The convolution theorem: transforms of length L turn a convolution that is cyclic with period L into a product.
The plan's lengths are just long enough that nothing wrapped falls into the window that is kept, so "valid"
needs no padding at all (see ``planning.geometry.sufficient_length``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from konvolve.backends.interface import Array, Backend
from konvolve.methods.signal import integers
from konvolve.methods.signal.edges import wrap_kernel
from konvolve.methods.signal.sizes import Sizes
from konvolve.planning.signal.fft import Fft


def prepare(xp: Backend, way: Fft, sizes: Sizes, b: Array) -> Array:
    """Return the kernel's spectrum."""
    if way.wrap_offsets:
        b = wrap_kernel(xp, b, way.wrap_offsets, way.lengths)
    if way.digits is not None:
        b = integers.split(xp, b, way.digits.width, way.digits.count2)
    return forward(xp, b, sizes.lengths)


def run(xp: Backend, way: Fft, sizes: Sizes, a: Array, spectrum: Array) -> Array:
    """Convolve over the trailing axes with the kernel of this spectrum."""
    if way.rows:
        return xp.map_rows(lambda part: run(xp, replace(way, rows=0), sizes, part, spectrum), a, way.rows)
    product = integers.product(xp, way.digits, forward(xp, a, sizes.lengths), spectrum)
    y = inverse(xp, xp.dtype(a), product, sizes.lengths, sizes.windows)
    del product  # as large as the result: it is not needed while digits are joined
    return y if way.digits is None else integers.join(xp, way.digits, y)


def forward(xp: Backend, x: Array, lengths: tuple) -> Array:
    """Transform, a real array to half its spectrum."""
    return (xp.fftn if xp.dtype(x).startswith("complex") else xp.rfftn)(x, lengths)


def inverse(xp: Backend, dtype: str, spectrum: Array, lengths: tuple, kept: Sequence[tuple]) -> Array:
    """Transform back to an array of this dtype, and keep windows of it."""
    return (xp.ifftn if dtype.startswith("complex") else xp.irfftn)(spectrum, lengths, kept)
