"""Ceilings of memory: what a plan does to keep below them, and what it says when it cannot."""

import numpy as np
import pytest
from scipy import signal

import konvolve


def test_no_ceiling_changes_nothing():
    plan = konvolve.plan((5000, 300), (1, 40), axes=1)
    assert konvolve.plan((5000, 300), (1, 40), axes=1, max_memory=10 * plan.bytes).method == plan.method


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax32", "torch"])
def test_a_ceiling_is_kept(library):
    options = {"mode": "same", "axes": (1, 2), "library": library}
    free = konvolve.plan((64, 256, 256), (1, 60, 60), **options)
    result = 64 * 256 * 256 * 4
    for limit in (free.bytes - 1, max(free.bytes // 2, int(1.2 * result)), 4 * result, int(2.5 * result)):
        plan = konvolve.plan((64, 256, 256), (1, 60, 60), **options, max_memory=limit)
        assert plan.bytes <= limit
        assert plan.output_shape == (64, 256, 256)
        assert "MiB" in plan.reason or limit >= free.bytes


@pytest.mark.parametrize(("shape", "taps"), [((40, 48, 36), (9, 9, 9)), ((300, 200), (60, 31)), ((150, 100), (21, 90))])
@pytest.mark.parametrize("mode", ["full", "same"])
def test_an_axis_is_cut_for_the_sake_of_memory(shape, taps, mode):
    """Where for speed it would be one transform: no direct sum is taken, which is slower by orders of magnitude."""
    rng = np.random.default_rng(len(shape))
    a, b = rng.standard_normal(shape), rng.standard_normal(taps)
    free = konvolve.plan(shape, taps, mode=mode, method="fft", dtype="float64", library="numpy")
    limit = int(0.75 * free.bytes)
    plan = konvolve.plan(shape, taps, mode=mode, dtype="float64", library="numpy", max_memory=limit)
    assert plan.method == "overlap"
    assert plan.bytes <= limit
    y = konvolve.convolve(a, b, mode, max_memory=limit)
    np.testing.assert_allclose(y, signal.convolve(a, b, mode, "direct"), atol=1e-9)


def test_the_least_is_said():
    with pytest.raises(
        ValueError, match=r"max_memory=1000 bytes are not enough: the least would be (\d+) bytes"
    ) as told:
        konvolve.plan((3000, 1000), (1, 500), axes=1, max_memory=1000)
    least = int(str(told.value).split("least would be ")[1].split()[0])
    assert konvolve.plan((3000, 1000), (1, 500), axes=1, max_memory=least).bytes <= least
    assert "convolve: 3000x1000" in str(told.value)


@pytest.mark.parametrize("bad", [0, -5, "1 GB", True, float("inf"), float("nan")])
def test_a_ceiling_is_a_number_of_bytes(bad):
    with pytest.raises(ValueError, match="max_memory must be a positive number of bytes"):
        konvolve.convolve(np.ones(5), np.ones(3), max_memory=bad)


def test_a_ceiling_needs_known_sizes():
    with pytest.raises(ValueError, match="max_memory needs sizes that are known"):
        konvolve.plan((None,), (300,), max_memory=1e9)


def test_chunks_may_take_another_method_than_all_rows_at_once_would():
    sizes = {"axes": 1, "library": "tensorflow"}
    assert konvolve.plan((300, 4000), (1, 60), **sizes).method == "matrix"
    chunked = konvolve.plan((300, 4000), (1, 60), max_memory=1e7, **sizes)
    assert chunked.way.part.method == chunked.method
    assert "in chunks of" in str(chunked)
    with pytest.raises(ValueError, match="the least would be"):
        konvolve.plan((300, 4000), (1, 60), max_memory=1e4, **sizes)
