"""The error of files."""

from __future__ import annotations


class PictureError(ValueError):
    """A picture or kernel that can't be read or written; the message, of one line, says what is allowed."""


class SoundError(ValueError):
    """A sound that can't be read or written; the message, of one line, says what is allowed."""


class VolumeError(ValueError):
    """An array in a file that can't be read or written; the message, of one line, says what is allowed."""
