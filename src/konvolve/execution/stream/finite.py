"""What is not finite in a stream: where the output is NaN for it, and for how long.

A NaN in a block would spread over the whole block and all that its spectrum reaches. So such samples are taken to be 0
in transforms, and the outputs that a tap of the kernel connects with one are made NaN.
"""

from __future__ import annotations

import numpy as np

NEVER = np.int64(-(2**62))
"""The time of a sample that is not finite where there was none."""


def outputs(finite: np.ndarray, last: np.ndarray, start: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which outputs are NaN, and when the last sample came that was not finite.

    ``finite`` are samples along the last axis, the first at the time ``start``; ``last`` are the times before. An
    output is NaN from that sample on for ``reach`` samples.
    """
    times = np.arange(start, start + finite.shape[-1])
    latest = np.maximum.accumulate(np.where(finite, NEVER, times), axis=-1)
    latest = np.maximum(latest, last[..., None])
    return times - latest < reach, latest[..., -1] if latest.shape[-1] else last
