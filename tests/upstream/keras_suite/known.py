"""Keras's tests that konvolve's layers do not pass: the test, and why. One listed here that passes is an error too."""

from __future__ import annotations

import keras

KNOWN: dict[str, dict[str, str]] = {"tensorflow": {}, "jax": {}, "torch": {}}


def reason_for(test_id: str) -> str | None:
    """Say why a test is known to fail on the Keras backend of this process, or None."""
    return KNOWN[keras.backend.backend()].get(test_id)
