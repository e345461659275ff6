"""astropy's tests that fail with konvolve's functions, and why: a part of the test's name and the reason."""

from __future__ import annotations

KNOWN: list[tuple[str, str]] = [
    ("test_exceptions[array3", "konvolve convolves in any number of dimensions, and refuses different ones"),
    ("test_convolve_fft.py::TestConvolve2D.test_padding", "psf_pad=False, which wraps what lies beyond, is refused"),
]

ON_TORCH = [("test_normalize_function", "np.max calls the tensor's own max, with an argument that PyTorch refuses")]


def reason_for(test: str, library: str) -> str | None:
    """Return why a test fails, None where it should pass."""
    return next((reason for part, reason in KNOWN + ON_TORCH * (library == "torch") if part in test), None)
