"""One transform over everything: the product of two spectra, and the window of its inverse.

The convolution theorem: transforms of length L turn a convolution that is cyclic with period L into a product.
The plan's lengths are just long enough that nothing wrapped falls into the window that is kept, so "valid"
needs no padding at all (see ``planning.geometry.sufficient_length``).
"""

from __future__ import annotations

from konvolve.backends.interface import Array, Backend
from konvolve.methods import exact
from konvolve.methods.sizes import Sizes
from konvolve.planning.plan import Plan


def run(xp: Backend, plan: Plan, sizes: Sizes, a: Array, b: Array) -> Array:
    """Convolve over the trailing axes."""
    complex_values = xp.dtype(a).startswith("complex")
    transform, inverse = (xp.fftn, xp.ifftn) if complex_values else (xp.rfftn, xp.irfftn)
    product = exact.product(xp, plan.digits, transform(a, sizes.lengths), transform(b, sizes.lengths))
    y = inverse(product, sizes.lengths)
    return xp.window(y, [kept.start for kept in sizes.windows], [kept.size for kept in sizes.windows])
