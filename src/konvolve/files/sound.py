"""Sound files, read and written in blocks by soundfile: WAV, FLAC, OGG and AIFF; written beside and renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from konvolve.files.encoding import replacing, writing
from konvolve.files.errors import SoundError

FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".aiff": "AIFF", ".aif": "AIFF"}
"""What is written, by the suffix of its name. What is read is told by its content."""

_LARGEST_WAV = 4_000_000_000  # bytes; beyond it a WAV's own counts overflow, and RF64 is written, which most read
_FULL = ("PCM", "VORBIS", "OPUS", "ULAW", "ALAW", "ALAC")  # kinds of samples that hold nothing beyond 1


class Kind(NamedTuple):
    """What a sound file holds: samples a second, channels, frames (samples of each channel), and their kind."""

    rate: int
    channels: int
    frames: int
    subtype: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.rate

    def __str__(self) -> str:
        channels = {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels")
        return f"{self.seconds:.1f} s {channels}, {self.rate} Hz, {self.subtype}"


@contextmanager
def opened(path: Path) -> Iterator[tuple[Kind, Any]]:
    """Open a sound file; its kind, and a function of a number of frames that returns the next, (frames, channels)."""
    import soundfile

    try:
        file = soundfile.SoundFile(os.fspath(path))
    except (RuntimeError, OSError, TypeError) as error:
        why = "no such file" if not path.exists() else f"not a sound that can be read: {error}"
        raise SoundError(f"{path}: {why}; allowed: WAV, FLAC, OGG, AIFF") from error
    with file:
        kind = Kind(file.samplerate, file.channels, file.frames, file.subtype)

        def read(frames: int) -> np.ndarray:
            try:
                return file.read(frames, dtype="float32", always_2d=True)
            except RuntimeError as error:
                raise SoundError(f"{path}: damaged: {error}; allowed: a whole file") from error

        yield kind, read


def read_sound(path: Path) -> tuple[np.ndarray, Kind]:
    """Read a whole sound as (frames, channels) in float32."""
    with opened(path) as (kind, read):
        return read(-1), kind


def check_format(path: Path) -> None:
    """Raise `SoundError` unless the name ends in the suffix of a format that is written."""
    if path.suffix.lower() not in FORMATS:
        raise SoundError(f"{path}: unknown output format {path.suffix!r}; allowed: {', '.join(FORMATS)}")


def subtype_of(path: Path, subtype: str) -> str:
    """Return the kind of samples that is written into a file of this name, the one given if its format has it."""
    import soundfile

    name = FORMATS[path.suffix.lower()]
    if soundfile.check_format(name, subtype):
        return subtype
    wide = "PCM_24" if soundfile.check_format(name, "PCM_24") else None
    return wide or soundfile.default_subtype(name)


def holds_beyond(subtype: str) -> bool:
    """Whether samples of this kind may lie beyond -1 and 1."""
    return not subtype.startswith(_FULL)


@contextmanager
def created(path: Path, kind: Kind) -> Iterator[Any]:
    """A function that appends (frames, channels) to a new sound file, which is there, whole, only at the end."""
    import soundfile

    name = FORMATS[path.suffix.lower()]
    if name == "WAV" and kind.frames * kind.channels * 8 > _LARGEST_WAV:
        name = "RF64"
    with writing(path), replacing(path) as temporary:
        try:
            with soundfile.SoundFile(
                os.fspath(temporary), "w", kind.rate, kind.channels, kind.subtype, format=name
            ) as file:
                yield file.write
        except (soundfile.SoundFileRuntimeError, soundfile.LibsndfileError) as error:
            raise SoundError(f"{path}: can't be written: {error}; allowed: a disk with room, another format") from error
