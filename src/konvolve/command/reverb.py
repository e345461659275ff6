"""What `konvolve reverb` does: stream a sound through a room, block by block, and say so."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import konvolve
from konvolve.command import sounds
from konvolve.command.mistake import Mistake
from konvolve.command.sound_figure import Sketch, write_figure
from konvolve.command.terminal import complain, duration, progress, shown
from konvolve.files import sound
from konvolve.files.encoding import check_writable
from konvolve.files.sound import Kind

_BLOCK = 2**14
"""Frames that are read, convolved and written at once."""


@dataclass(frozen=True)
class Job:
    """What was asked: the files, the mix, and what is written."""

    dry: str | None
    room: str | None
    output: str | None
    wet: float
    gain: str
    tail: bool
    resample: bool
    figure: bool
    quiet: bool

    def run(self) -> int:
        """Make the wet sound; the exit code."""
        started = time.perf_counter()
        if not 0 <= self.wet <= 1:
            raise Mistake(f"--wet {self.wet:g}: allowed: from 0, the dry sound alone, to 1")
        path = self._output()
        with self._dry() as (kind, read):
            kernel, channels, gain = self._room(kind)
            taps = kernel.shape[-1]
            frames = kind.frames + (taps - 1 if self.tail else 0)
            made = Kind(kind.rate, channels, frames, sound.subtype_of(path, kind.subtype))
            sketches = (Sketch(frames, kind.rate), Sketch(frames, kind.rate)) if self.figure else ()
            with progress(self.quiet) as step, sound.created(path, made) as write:
                stream = konvolve.Stream(kernel, axis=0, block=_BLOCK)
                mix = Mix(stream, self.wet, gain, sound.holds_beyond(made.subtype))
                done, begun = 0, time.perf_counter()
                for block, is_tail in self._blocks(read, kind, taps - 1):
                    wet, dry = mix.mixed(block, is_tail)
                    write(wet)
                    for sketch, signal in zip(sketches, (dry, wet), strict=False):
                        sketch.add(signal)
                    done += len(wet)
                    so_far = done / kind.rate / max(1e-9, time.perf_counter() - begun)
                    step(f"{done / max(1, frames):.0%}, {so_far:.0f} times real time")
            speed = made.seconds / max(1e-9, time.perf_counter() - begun)
        files, code = [path], 0
        if self.figure:
            drawing = path.with_name(f"{path.stem}-{path.suffix[1:].lower()}-figure.png")
            try:
                write_figure(drawing, sketches, f"{shown(path.name)[:60]}: {made}")
                files.append(drawing)
            except Exception as error:  # whatever Matplotlib or the disk has, the sound itself is written
                complain(f"the figure {drawing} was not written: {error}")
                code = 1
        self._say(kind, made, taps, mix, files, (speed, time.perf_counter() - started))
        return code

    def _output(self) -> Path:
        """Return the name of the wet sound, which can be written and is none of the inputs."""
        if self.output is None:
            stem = Path(self.dry) if self.dry else Path("sample.wav")
            suffix = stem.suffix if stem.suffix.lower() in sound.FORMATS else ".wav"
            path = Path(f"{stem.stem}-reverb{suffix}")
        else:
            path = Path(self.output)
        sound.check_format(path)
        for given in (self.dry, self.room):
            if given and path.exists() and Path(given).exists() and path.samefile(given):
                raise Mistake(f"{path}: the output is the input {given}; allowed: any other name")
        check_writable(path)
        return path

    @contextlib.contextmanager
    def _dry(self) -> Iterator[tuple[Kind, Callable[[int], np.ndarray]]]:
        """Open the dry sound, the sample's where none is given."""
        if self.dry is not None:
            with sound.opened(Path(self.dry)) as opened:
                yield opened
            return
        frames, at = sounds.sample_dry(), [0]

        def read(count: int) -> np.ndarray:
            at[0] += count
            return frames[at[0] - count : at[0]]

        yield Kind(sounds.RATE, 1, len(frames), "PCM_16"), read

    def _room(self, dry: Kind) -> tuple[np.ndarray, int, float]:
        """Return the kernel, the channels of the wet sound, and its gain."""
        if self.room is None:
            frames, kind = sounds.sample_room(), Kind(sounds.RATE, 2, 2 * sounds.RATE, "FLOAT")
        else:
            frames, kind = sound.read_sound(Path(self.room))
        name = self.room or "the sample's room"
        if kind.rate != dry.rate:
            if not self.resample:
                raise Mistake(
                    f"{name}: {kind.rate} Hz, and the sound has {dry.rate} Hz; allowed: equal rates, or "
                    "--resample, which brings the room to the sound's"
                )
            import soxr

            # A room is a density over time: of twice as many samples each counts half.
            frames = soxr.resample(frames, kind.rate, dry.rate, quality="VHQ") * np.float32(kind.rate / dry.rate)
        if not len(frames) or not np.isfinite(frames).all():
            raise Mistake(f"{name}: a room has at least one sample, and only finite ones; allowed: another file")
        kernel, channels = sounds.kernel_of(frames, dry.channels, name)
        return kernel, channels, sounds.gain_of(kernel, self.gain)

    def _blocks(self, read: Callable[[int], np.ndarray], kind: Kind, beyond: int) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield the dry sound in blocks, and then as much silence as the tail is long, if that is wanted."""
        left = kind.frames
        while left > 0:
            block = read(min(_BLOCK, left))
            if not len(block):
                raise sound.SoundError(f"{self.dry}: {left} frames of {kind.frames} are missing; allowed: a whole file")
            left -= len(block)
            yield block, False
        while self.tail and beyond > 0:
            size = min(_BLOCK, beyond)
            beyond -= size
            yield np.zeros((size, kind.channels), np.float32), True

    def _say(
        self, kind: Kind, made: Kind, taps: int, mix: Mix, files: list[Path], how_fast: tuple[float, float]
    ) -> None:
        """Say what was done and where it is, and what was lost."""
        speed, seconds = how_fast
        if mix.clipped and not made.subtype.startswith(("VORBIS", "OPUS")):
            complain(
                f"{files[0]}: {mix.clipped} samples were clipped, the loudest {20 * np.log10(mix.peak):.1f} dB above "
                "full scale; allowed: a lower --gain or --wet, or a dry sound in 32-bit float"
            )
        if self.quiet:
            return
        name, room = self.dry or "a sample", self.room or "a sample's room"
        print(shown(f"{name}: {kind}, through {room}, {taps / kind.rate:.1f} s, {speed:.0f} times real time"))
        print(shown(f"written in {duration(seconds)}: {', '.join(map(str, files))}, {made}"))
        if self.dry is None:
            print("try next: konvolve reverb voice.wav hall.wav --wet 0.5 --tail, or konvolve reverb --help")


class Mix:
    """The sum of the dry sound and of the wet one, and how much of it was beyond full scale."""

    def __init__(self, stream: Any, wet: float, gain: float, beyond: bool) -> None:
        self._stream, self._beyond = stream, beyond
        self._parts = np.float32(1 - wet), np.float32(wet * gain)
        self.clipped, self.peak = 0, 0.0

    def mixed(self, block: np.ndarray, silent: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the mix for a block, and its dry sound in as many channels."""
        wet = self._stream(block)
        dry = np.broadcast_to(block, wet.shape) if block.shape[1] == 1 else block
        y = self._parts[1] * wet if silent else self._parts[0] * dry + self._parts[1] * wet
        loudest = float(np.abs(y).max(initial=0.0))
        if loudest > 1 and not self._beyond:
            self.clipped += int((np.abs(y) > 1).sum())
            self.peak = max(self.peak, loudest)
            y = np.clip(y, -1, 1)
        return y, dry
