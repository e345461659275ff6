"""The examples run, at tiny sizes, and learn what they are about."""

import importlib.util
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "examples"

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def run(name, *arguments):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(argument) for argument in arguments])


def test_a_long_memory_is_learned(tmp_path):
    sizes = ("--taps", 48, "--delay", 32, "--steps", 256, "--sequences", 32, "--epochs", 12)
    losses = run("long_memory", *sizes, "--output", tmp_path / "loss.png")
    assert losses[-1] < 0.7 * losses[0]  # silence, to begin with
    assert (tmp_path / "loss.png").stat().st_size > 5000


def test_a_blur_is_learned(tmp_path):
    sizes = ("--size", 9, "--pixels", 64, "--steps", 120)
    difference = run("learnable_blur", *sizes, "--output", tmp_path / "blur.png")
    assert difference < 0.5  # a flat kernel is off by more than 1
    assert (tmp_path / "blur.png").stat().st_size > 5000


def test_a_network_goes_on_by_itself(tmp_path):
    difference, _ = run("step_by_step", "--taps", 16, "--epochs", 1, "--steps", 30, "--output", tmp_path / "tone.png")
    assert difference < 1e-5  # sample by sample as the whole model
    assert (tmp_path / "tone.png").stat().st_size > 5000
