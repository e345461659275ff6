"""What `konvolve reverb` takes for a sound and a room where none are given, and how a room goes with a sound."""

from __future__ import annotations

import numpy as np

from konvolve.command.mistake import Mistake

RATE = 44100


def sample_dry() -> np.ndarray:
    """Return three seconds of plucked notes, (frames, 1): decaying harmonics, an arpeggio of A minor."""
    frames = np.zeros(3 * RATE, np.float32)
    for place, pitch in enumerate((220.0, 261.63, 329.63, 440.0)):
        at = np.arange(int(0.9 * RATE)) / RATE
        note = sum(np.sin(2 * np.pi * pitch * k * at) * np.exp(-at * (3 + 2 * k)) / k for k in range(1, 9))
        start = int(place * 0.35 * RATE)
        frames[start : start + at.size] += (0.25 * note * np.minimum(1, at / 0.003)).astype(np.float32)
    return frames[:, None]


def sample_room() -> np.ndarray:
    """Return a stereo room of two seconds, (frames, 2): the direct sound, and noise that decays by 60 dB."""
    rng = np.random.default_rng(0)
    at = np.arange(2 * RATE) / RATE
    tail = rng.standard_normal((at.size, 2)) * (10 ** (-3 * at / 2))[:, None]
    tail[: int(0.012 * RATE)] = 0
    tail[0] = 8.0
    return tail.astype(np.float32)


def kernel_of(room: np.ndarray, channels: int, name: str) -> tuple[np.ndarray, int]:
    """Return the kernel of a stream for a room, (frames, channels), and a dry sound; and the channels of the wet one.

    One channel is the room of every channel. Two are those of the left and of the right, of a stereo sound or made from
    a mono one. Four are a true-stereo room: left to left, left to right, right to left, right to right, to which a
    mono sound goes in on both sides at half its level.
    """
    taps = np.ascontiguousarray(room.T)
    if len(taps) == 1:
        return taps[0], channels
    if channels > 2:
        raise Mistake(f"{name}: a room of {len(taps)} channels is for mono and stereo sounds; allowed: a mono room")
    if len(taps) == 2:
        return (taps[None], 2) if channels == 1 else (taps, 2)
    if len(taps) == 4:
        both = taps.reshape(2, 2, -1)
        return (both.mean(0, keepdims=True), 2) if channels == 1 else (both, 2)
    raise Mistake(f"{name}: a room of {len(taps)} channels; allowed: mono, stereo, or 4 channels for true stereo")


def gain_of(kernel: np.ndarray, asked: str) -> float:
    """Return what the wet sound is multiplied by: the room's own loudness undone, or a number of decibels.

    Noise through a kernel h is louder by sqrt(sum(h^2)), which "auto" divides by, for the loudest of its outputs.
    """
    if asked == "auto":
        energy = np.square(kernel, dtype=np.float64).sum(-1)
        loudest = float((energy.sum(0) if kernel.ndim == 3 else energy).max())
        return 1 / loudest**0.5 if loudest else 1.0
    try:
        decibels = float(asked)
    except ValueError:
        decibels = float("nan")
    if not -200 <= decibels <= 200:
        raise Mistake(f"--gain {asked}: allowed: auto, or decibels from -200 to 200")
    return 10 ** (decibels / 20)
