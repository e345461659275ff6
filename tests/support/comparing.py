"""What is wrong with a result, in words, or None."""

import numpy as np

import oracle

# What the coefficient promises, of the dtype that is given back.
COEFFICIENT = {"float32": 1e-6, "complex64": 1e-6, "float64": 1e-8, "complex128": 1e-8}


def near(found, wanted, wide, b, dtype, slack=0.0, signs=True):
    """Return what is wrong with a result: its dtype, its shape, where it is not finite, or its values.

    ``wide`` and ``b`` are what the sum was taken of, for the tolerance. Without ``signs`` NaN may stand for infinity.
    """
    if found.dtype.name != dtype:
        return f"dtype {found.dtype.name}, and not {dtype}"
    if found.shape != wanted.shape:
        return f"shape {found.shape}, and not {wanted.shape}"
    if found.dtype.kind in "iub":
        wrong = int((found != oracle.wrapped(wanted, dtype)).sum())
        return f"{wrong} of {found.size} integers are wrong" if wrong else None
    inner = {"float16": "float32", "bfloat16": "float32"}.get(dtype, dtype)
    found, wanted, problem = finite(found, wanted, dtype, signs)
    if problem:
        return problem
    finest = 2.0**-24 if dtype == "float16" else 0.0  # the least number that it has
    allowed = oracle.tolerance(wide, b, inner) + np.abs(wanted) * oracle.EPSILON[dtype] + finest + slack
    return apart(found, wanted, allowed)


def finite(found, wanted, dtype, signs=True):
    """Return both in a wide dtype with zeros where what is wanted is not finite, and what is wrong there."""
    widest = np.complex128 if dtype.startswith("complex") else np.float64
    found, wanted = found.astype(widest), wanted.astype(widest)
    there = np.isfinite(wanted)
    # A sum of half precision is taken in float32 and rounded once, to infinity beyond 65504.
    fits = there & (np.abs(np.where(there, wanted, 0)) < (6e4 if dtype == "float16" else np.inf))
    lost, spared = int((~np.isfinite(found) & fits).sum()), int((np.isfinite(found) & ~there).sum())
    problem = None
    if lost or spared:
        problem = f"of {found.size}, {lost} are not finite where the sum is, {spared} finite where it is not"
    elif signs and widest == np.float64 and not np.array_equal(found[~there], wanted[~there], equal_nan=True):
        problem = "NaN and infinities are not those of the sum"
    return np.where(fits, found, 0), np.where(fits, wanted, 0), problem


def coefficient(found, wanted):
    """Return what is wrong with a correlation coefficient."""
    dtype = found.dtype.name
    if dtype not in COEFFICIENT or (found.dtype.kind == "c") != (wanted.dtype.kind == "c"):
        return f"dtype {dtype}"
    if found.shape != wanted.shape:
        return f"shape {found.shape}, and not {wanted.shape}"
    found, wanted, problem = finite(found, wanted, dtype)
    return problem or apart(found, wanted, np.full(found.shape, COEFFICIENT[dtype]))


def apart(found, wanted, allowed):
    """Return how far two arrays of finite numbers are apart, if further than is allowed."""
    error = np.abs(found - wanted)
    if (error <= allowed).all():
        return None
    return f"largest error {error.max():.3g}, {(error / np.maximum(allowed, 1e-300)).max():.3g} times what is allowed"
