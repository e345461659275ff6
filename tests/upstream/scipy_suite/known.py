"""SciPy's tests that konvolve does not pass, by library: the test, and why.

A test listed here that passes is an error too. `Class::test` stands for all parameters of a test.
"""

from __future__ import annotations

KNOWN: dict[str, dict[str, str]] = {
    "numpy": {},
    "tensorflow": {},
    "jax": {},
    "jax-x64": {},
    "torch": {},
}


def reason_for(library: str, test_id: str) -> str | None:
    """Say why a test is known to fail on a library, or None."""
    listed = KNOWN[library]
    return listed.get(test_id) or listed.get(test_id.partition("[")[0])
