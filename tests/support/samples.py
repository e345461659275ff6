"""Samples at random: of every dtype and any scale, with spikes, constants and what is not finite among them."""

import numpy as np

INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", "float64", "complex64", "complex128")
NOT_FINITE = (np.nan, np.inf, -np.inf)

# Powers of ten that samples of a dtype may be scaled by, and that products of two may have: nearly all of its range,
# less what a sum of thousands and a spike take.
RANGES = {16: (-3, 1), 32: (-30, 27), 64: (-290, 285)}
PRODUCTS = {16: (-4, 2), 32: (-28, 23), 64: (-285, 280)}
INTEGER_DIGITS = 19


def bits(dtype):
    """Return the bits of one part of a number of a floating dtype."""
    dtype = np.dtype(dtype)
    return dtype.itemsize * 8 // (2 if dtype.kind == "c" else 1)


def exponents(rng, dtype1, dtype2, result=None):
    """Draw powers of ten for two operands, so that neither they nor their products leave the range of their dtypes.

    ``result``: the dtype of the products, where it is not that of NumPy.
    """
    result = np.result_type(dtype1, dtype2) if result is None else result
    floating = [np.dtype(name).kind in "fc" for name in (dtype1, dtype2)]
    if not any(floating) or rng.random() < 0.4:
        return 0, 0
    low, high = PRODUCTS[bits(result)]
    found = []
    for name, is_floating in zip((dtype1, dtype2), floating, strict=True):
        least, most = RANGES[bits(name)] if is_floating else (0, 0)
        left = found[0] if found else 0
        if not all(floating):
            most = min(most, high - INTEGER_DIGITS)
        least, most = max(least, low - left), min(most, high - left)
        found.append(int(rng.integers(least, most + 1)) if most > least else 0)
    return tuple(found)


def values(rng, shape, dtype, exponent=0, beside=None):
    """Draw samples: integers of a few bits or of all, floating-point numbers of a scale, now and then all alike.

    Integers ``beside`` half precision are small: it has no room for others.
    """
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < rng.random()
    if kind in "iu":
        info = np.iinfo(dtype)
        bits = int(rng.integers(1, info.bits + 1)) if rng.random() < 0.7 else info.bits
        bits = min(bits, 4) if beside == "float16" else bits
        low, high = (
            max(-(2 ** (bits - 1)), int(info.min)),
            min(2**bits - 1 if kind == "u" else 2 ** (bits - 1) - 1, info.max),
        )
        return rng.integers(low, high, shape, dtype, endpoint=True)
    x = rng.standard_normal(shape)
    if rng.random() < 0.1:
        x = np.full(shape, x.ravel()[0] if x.size else 0.0)
    if kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    if x.size and dtype != "float16" and rng.random() < 0.1:
        x.flat[rng.integers(x.size)] *= 1e3
    return (x * 10.0**exponent).astype(dtype)


def product(rng, shape, dtype):
    """Draw a kernel that is the product of one factor for each axis."""
    kernel = np.ones((1,) * len(shape), dtype)
    for axis, n in enumerate(shape):
        each = [1] * len(shape)
        each[axis] = n
        factor = rng.integers(0, 3, n) if np.dtype(dtype).kind in "iub" else rng.standard_normal(n)
        kernel = kernel * factor.astype(dtype).reshape(each)
    return kernel.astype(dtype)


def spoilt(rng, x):
    """Return floating-point samples with a few that are not finite: of one kind, or of several."""
    x = x.copy()
    if x.size:
        among = NOT_FINITE if rng.random() < 0.5 else [rng.choice(NOT_FINITE)]
        places = rng.choice(x.size, min(x.size, int(rng.integers(1, 4))), replace=False)
        x.flat[places] = rng.choice(among, len(places))
    return x


def mask(rng, shape):
    """Draw which samples count: truths, or numbers of which zero is none."""
    counts = rng.random(shape) < rng.uniform(0.2, 1.0)
    kind = rng.choice(["bool", "uint8", "float32"])
    return counts if kind == "bool" else (counts * rng.integers(1, 4, shape)).astype(kind)


def covered(rng, x, counts):
    """Return x with anything at all in the place of the samples that do not count."""
    x = x.copy()
    among = (np.nan, np.inf, 1e30) if x.dtype.kind in "fc" and bits(x.dtype) > 16 else (0, 100)
    x[counts == 0] = rng.choice(among)
    return x
