"""SciPy's tests that fail with konvolve's filters, and why: a part of the test's name, the libraries, the reason."""

from __future__ import annotations

ALL = ("numpy", "tensorflow", "jax", "jax-x64", "torch")
ROUNDS = "a transform rounds where the sum itself is exact, and the test compares to the last digit"

KNOWN: list[tuple[str, tuple[str, ...], str]] = [
    ("test_gaussian_filter_float16", ALL, "konvolve filters half precision, SciPy refuses it"),
    ("test_gaussian_truncate", ALL, "a transform leaves numbers near 1e-17 where the sum itself leaves zeros"),
    ("test_filter_weights_subset_axes_origins", ("numpy",), ROUNDS),
    ("test_filter_weights_subset_axes_origins[numpy-convolve", ("tensorflow",), ROUNDS),
    ("test_filter_weights_subset_axes_origins[numpy-correlate", ("tensorflow",), ROUNDS),
]


def reason_for(test: str, library: str) -> str | None:
    """Return why a test fails, None where it should pass."""
    return next((reason for part, libraries, reason in KNOWN if part in test and library in libraries), None)
