"""The error of what a user asked the command for."""

from __future__ import annotations


class Mistake(ValueError):
    """Something that was asked for and can't be; the message, of one line, says what is allowed."""
