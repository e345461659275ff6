"""The options of `konvolve blur` and `konvolve filter` that are for arrays in files."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """What may be asked about arrays in files beside what is asked about pictures."""

    axes: str | None = None
    mode: str = "same"
    memory: str = "2G"
    chunks: str | None = None
    workers: int | None = None
    scheduler: str | None = None
    plan: bool = False
    resume: bool = False
    overwrite: bool = False
    sparse: bool = False
    asked: tuple[str, ...] = field(default=())  # the names of those that were given
