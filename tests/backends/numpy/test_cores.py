"""How many cores NumPy takes, before, inside and after blocks of scipy.fft.set_workers."""

import threading

import pytest
import scipy.fft

from konvolve.backends.numpy import cores


def in_a_new_thread(look):
    """What ``look`` returns in a thread in which nobody has told SciPy anything."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(look()))
    thread.start()
    thread.join()
    return seen[0]


@pytest.fixture(autouse=True)
def seven(monkeypatch):
    monkeypatch.setattr(cores, "_ALL", 7)


def test_all_cores_where_nothing_was_said():
    assert in_a_new_thread(cores.cores) == 7


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_as_scipy_was_told(workers):
    def look():
        with scipy.fft.set_workers(workers):
            return cores.cores(), cores.cores()

    assert in_a_new_thread(look) == (workers, workers)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("looked_before", [False, True])
@pytest.mark.parametrize("looked_inside", [False, True])
def test_all_cores_again_after_a_block(workers, looked_before, looked_inside):
    def look():
        if looked_before:
            cores.cores()
        with scipy.fft.set_workers(workers):
            if looked_inside:
                assert cores.cores() == workers
        return cores.cores()

    assert in_a_new_thread(look) == 7


def test_blocks_inside_blocks():
    def look():
        seen = []
        with scipy.fft.set_workers(1):
            seen.append(cores.cores())
            with scipy.fft.set_workers(2):
                seen.append(cores.cores())
            seen.append(cores.cores())
        with scipy.fft.set_workers(1):
            seen.append(cores.cores())
        return [*seen, cores.cores()]

    assert in_a_new_thread(look) == [1, 2, 1, 1, 7]


def test_objects_are_not_looked_through_for_later_blocks(monkeypatch):
    scans = []
    found = cores.gc.get_objects
    monkeypatch.setattr(cores.gc, "get_objects", lambda: scans.append(1) or found())

    def look():
        with scipy.fft.set_workers(1):
            first = cores.cores(), cores.cores()
        assert cores.cores() == 7
        before = len(scans)
        for _ in range(5):
            with scipy.fft.set_workers(1):
                assert cores.cores() == 1
            assert cores.cores() == 7
        return first, before, len(scans) - before

    assert in_a_new_thread(look) == ((1, 1), 2, 0)


def test_scipy_still_says_one():
    def look():
        cores.cores()
        return scipy.fft.get_workers(), float(scipy.fft.rfft([1.0, 2.0])[0].real)

    assert in_a_new_thread(look) == (1, 3.0)
