"""Where a warning points: at the line that called konvolve."""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.join(os.path.abspath(__file__).rpartition(os.path.join("", "planning", ""))[0], "")


def stacklevel() -> int:
    """Return the stacklevel, for ``warnings.warn`` in the function that asks, of the line that called konvolve."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level
