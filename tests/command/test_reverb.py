"""`konvolve reverb`: the file it writes against the sums themselves, and what it says of what cannot be."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")
soundfile = pytest.importorskip("soundfile", reason="the [sound] extra is not installed")

from konvolve.command import reverb, sound_figure
from konvolve.command.main import main

RATE = 8000
rng = np.random.default_rng(0)
SOUND, ROOM = 0.1 * rng.standard_normal((40_000, 2)), rng.standard_normal((900, 4)) * 0.05


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for channels in (1, 2):
        soundfile.write(f"dry{channels}.wav", SOUND[:, :channels], RATE, subtype="FLOAT")
    for channels in (1, 2, 3, 4):
        soundfile.write(f"room{channels}.wav", ROOM[:, :channels], RATE, subtype="FLOAT")
    return tmp_path


def run(*arguments):
    return main(["reverb", "--no-figure", *arguments])


def through(sound, room, channels, wet, gain):
    """Return the mix by direct sums."""
    h = room.T
    if len(h) == 1:
        made = [np.convolve(x, h[0]) for x in sound.T]
    elif len(h) == 2:
        made = [np.convolve(sound.T[i % sound.shape[1]], h[i]) for i in range(2)]
    else:
        left, right = sound.T if sound.shape[1] == 2 else (sound[:, 0] / 2, sound[:, 0] / 2)
        made = [np.convolve(left, h[i]) + np.convolve(right, h[2 + i]) for i in range(2)]
    y = wet * gain * np.stack(made, 1)
    y[: len(sound)] += (1 - wet) * np.broadcast_to(sound, (len(sound), channels))
    return y


@pytest.mark.parametrize("dry", [1, 2])
@pytest.mark.parametrize("room", [1, 2, 4])
def test_the_wet_sound_is_the_mix(here, capsys, dry, room):
    assert run(f"dry{dry}.wav", f"room{room}.wav", "-o", "wet.wav", "--wet", "0.4", "--gain", "-6", "--tail") == 0
    found, rate = soundfile.read("wet.wav", always_2d=True)
    channels = max(dry, min(room, 2))
    wanted = through(SOUND[:, :dry], ROOM[:, :room], channels, 0.4, 10 ** (-6 / 20))
    assert (rate, found.shape) == (RATE, wanted.shape) == (RATE, (40_899, channels))
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    said = capsys.readouterr()
    assert "written in" in said.out
    assert "times real time" in said.out
    assert said.err == ""


def test_without_the_tail_it_is_as_long_and_noise_as_loud(here):
    assert run("dry1.wav", "room1.wav", "--wet", "1") == 0
    found, _ = soundfile.read("dry1-reverb.wav")
    assert found.shape == (40_000,)
    assert found.std() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(("subtype", "suffix", "kept"), [
    ("PCM_16", ".wav", "PCM_16"), ("PCM_24", ".flac", "PCM_24"), ("PCM_32", ".wav", "PCM_32"),
    ("DOUBLE", ".wav", "DOUBLE"),
    ("FLOAT", ".flac", "PCM_24"), ("PCM_16", ".aiff", "PCM_16"), ("PCM_16", ".ogg", "VORBIS"),
])  # fmt: skip
def test_the_kind_of_samples_is_kept(here, subtype, suffix, kept):
    soundfile.write("dry.wav", SOUND[:4000], RATE, subtype=subtype)
    assert run("dry.wav", "room1.wav", "-o", f"wet{suffix}") == 0
    info = soundfile.info(f"wet{suffix}")
    assert (info.subtype, info.channels, info.samplerate) == (kept, 2, RATE)


def test_clipping_is_said(here, capsys):
    soundfile.write("loud.wav", 0.9 * np.ones((2000, 1)), RATE, subtype="PCM_16")
    assert run("loud.wav", "room1.wav", "-o", "wet.wav", "--gain", "30", "--wet", "1") == 0
    assert "samples were clipped, the loudest" in capsys.readouterr().err
    found, _ = soundfile.read("wet.wav")
    assert np.abs(found).max() <= 1
    soundfile.write("loud.wav", 0.9 * np.ones((2000, 1)), RATE, subtype="FLOAT")
    assert run("loud.wav", "room1.wav", "-o", "wet.wav", "--gain", "30", "--wet", "1") == 0
    assert capsys.readouterr().err == ""
    assert np.abs(soundfile.read("wet.wav")[0]).max() > 1


def test_rates_that_differ(here, capsys):
    soundfile.write("slow.wav", ROOM[:, :1], RATE // 2, subtype="FLOAT")
    assert run("dry1.wav", "slow.wav") == 2
    said = capsys.readouterr().err
    assert "4000 Hz, and the sound has 8000 Hz" in said
    assert "--resample" in said
    assert said.count("\n") == 1
    assert not os.path.exists("dry1-reverb.wav")
    pytest.importorskip("soxr", reason="the [sound] extra is not installed")
    assert run("dry1.wav", "slow.wav", "--resample", "--tail") == 0
    assert soundfile.info("dry1-reverb.wav").frames == 40_000 + 2 * 900 - 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["none.wav", "room1.wav"], "none.wav: no such file"),
        (["text.wav", "room1.wav"], "text.wav: not a sound that can be read"),
        (["dry1.wav", "room3.wav"], "a room of 3 channels"),
        (["dry1.wav", "room1.wav", "-o", "wet.mp4"], "unknown output format '.mp4'"),
        (["dry1.wav", "room1.wav", "-o", "dry1.wav"], "the output is the input dry1.wav"),
        (["dry1.wav", "room1.wav", "-o", "nowhere/wet.wav"], "can't write in nowhere"),
        (["dry1.wav", "room1.wav", "--wet", "2"], "--wet 2: allowed"),
        (["dry1.wav", "room1.wav", "--gain", "loud"], "--gain loud: allowed: auto"),
        (["dry1.wav", "empty.wav"], "a room has at least one sample"),
    ],
)
def test_what_cannot_be_is_one_line(here, capsys, arguments, text):
    (here / "text.wav").write_text("no sound")
    soundfile.write("empty.wav", np.zeros((0, 1)), RATE)
    before = sorted(os.listdir())
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_it_works_without_files_and_draws(here, capsys):
    assert main(["reverb", "--tail"]) == 0
    said = capsys.readouterr()
    assert "try next: konvolve reverb" in said.out
    info = soundfile.info("sample-reverb.wav")
    assert (info.channels, info.frames) == (2, 5 * 44100 - 1)
    assert os.path.getsize("sample-reverb-wav-figure.png") > 20_000


def test_a_figure_that_cannot_be_written_leaves_the_sound(here, capsys, monkeypatch):
    monkeypatch.setattr(reverb, "write_figure", lambda *given: 1 / 0)
    assert main(["reverb", "dry1.wav", "room1.wav"]) == 1
    assert "was not written: division by zero" in capsys.readouterr().err
    assert soundfile.info("dry1-reverb.wav").frames == 40_000


def test_a_sketch_has_the_extremes_and_the_spectrum():
    at = np.arange(30_000) / RATE
    wave = np.sin(2 * np.pi * 1000 * at)[:, None] * (at < 2)[:, None]
    sketch = sound_figure.Sketch(30_000, RATE)
    for start in range(0, 30_000, 7777):
        sketch.add(wave[start : start + 7777])
    assert sketch.high.max() == pytest.approx(1, abs=0.01)
    assert sketch.high[-50:].max() == 0
    column = sketch.power[len(sketch.power) // 4]
    assert abs(column.argmax() * RATE / 2048 - 1000) < RATE / 2048
    assert sketch.power[-50:].max() == 0


def test_a_full_disk_and_ctrl_c_leave_nothing(here, monkeypatch, capsys):
    def full(self, x):
        raise soundfile.LibsndfileError(2, "No space left on device: ")

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    before = sorted(os.listdir())
    assert run("dry1.wav", "room1.wav") == 2
    assert "can't be written" in capsys.readouterr().err
    assert sorted(os.listdir()) == before


def test_ctrl_c_leaves_nothing(here):
    soundfile.write("long.wav", np.zeros((40_000_000, 1), "float32"), RATE, subtype="PCM_16")
    before = sorted(os.listdir())
    # Where the tests run in the background, a shell has told them, and so their children, to ignore Ctrl-C.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from konvolve.command.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "reverb", "long.wav", "room1.wav", "--no-figure"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.05)
        if set(os.listdir()) - set(before) or process.poll() is not None:
            break
    time.sleep(0.3)  # blocks are being written
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert sorted(os.listdir()) == before


def test_memory_does_not_grow_with_the_sound(here):
    """Half an hour of stereo in a process of its own: the peak is that of half a minute."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("the peak of a process's memory is read from /proc")
    # Not by getrusage, whose peak has that of the process in it from which this one was forked.
    code = (
        "import sys; from konvolve.command.main import main; main(sys.argv[1:]); "
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    peaks = []
    for seconds in (30, 1800):
        with soundfile.SoundFile("long.wav", "w", RATE, 2, "PCM_16") as file:
            for _ in range(seconds):
                file.write(np.zeros((RATE, 2), np.float32))
        done = subprocess.run(
            [sys.executable, "-c", code, "reverb", "long.wav", "room2.wav", "-q"],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 20_000  # KiB
    assert peaks[1] < 300_000
