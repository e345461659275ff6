"""The planning constants in use: measured on this machine, where that has been done, or shipped."""

from __future__ import annotations

from konvolve.planning.memoize import remembered
from konvolve.planning.operands import shown
from konvolve.planning.profile import Profile
from konvolve.profiles.shipped import CONSTANTS


@remembered
def profile(library: str) -> Profile:
    """Return the planning constants of a library: measured on this machine, where that has been done, or shipped."""
    if not isinstance(library, str) or library not in CONSTANTS:
        raise ValueError(f"library must be one of {', '.join(CONSTANTS)}, not library={shown(library)}")
    from konvolve.profiles import measured  # late, and so is the look into the user's cache

    return measured.in_use(library)[0]
