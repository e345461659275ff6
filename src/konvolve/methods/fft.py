"""One transform over everything: the product of two spectra, and the window of its inverse.

The convolution theorem: transforms of length L turn a convolution that is cyclic with period L into a product.
The plan's lengths are just long enough that nothing wrapped falls into the window that is kept, so "valid"
needs no padding at all (see ``planning.geometry.sufficient_length``).
"""

from __future__ import annotations

from konvolve.backends.interface import Array, Backend
from konvolve.methods.sizes import Sizes
from konvolve.planning.plan import Plan


def spectral_product(xp: Backend, a: Array, b: Array, lengths: tuple) -> Array:
    """Return the cyclic convolution of a and b over the trailing axes, with these periods."""
    if xp.dtype(a).startswith("complex"):
        return xp.ifftn(xp.multiply(xp.fftn(a, lengths), xp.fftn(b, lengths)), lengths)
    return xp.irfftn(xp.multiply(xp.rfftn(a, lengths), xp.rfftn(b, lengths)), lengths)


def run(xp: Backend, plan: Plan, sizes: Sizes, a: Array, b: Array) -> Array:
    """Convolve over the trailing axes."""
    y = spectral_product(xp, a, b, sizes.lengths)
    return xp.window(y, [kept.start for kept in sizes.windows], [kept.size for kept in sizes.windows])
