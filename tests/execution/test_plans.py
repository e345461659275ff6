"""Sixteen threads that take turns every ten microseconds: what they share is remembered, and never pulled away."""

import sys
import threading

import numpy as np
import pytest

import konvolve
from konvolve import nn
from konvolve.execution import plans, weight
from konvolve.execution import signal as execute
from konvolve.planning import memoize
from libraries import LIBRARIES

THREADS = 16


@pytest.fixture(autouse=True)
def quick_turns():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)
    plans.forget()


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def library(request):
    return request.param


def in_threads(work):
    """Call ``work(rng)`` in all threads at once, and raise what the first of them to fail has raised."""
    failures = []
    start = threading.Barrier(THREADS)

    def run(seed):
        start.wait()
        try:
            work(np.random.default_rng(seed))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-4 * max(1.0, np.abs(expected).max()))


RNG = np.random.default_rng(0)
SIGNALS = [RNG.standard_normal(n) for n in range(100, 120)]
KERNEL = RNG.standard_normal(9)
EXPECTED = [np.convolve(signal, KERNEL) for signal in SIGNALS]


def test_plans_that_are_dropped_while_they_are_used(library, monkeypatch):
    monkeypatch.setattr(plans, "_MOST_PLANS", 3)
    signals, kernel = [library.array(signal) for signal in SIGNALS], library.array(KERNEL)
    for signal in signals:  # what compiles has compiled
        konvolve.fftconvolve(signal, kernel)

    def work(rng):
        for i in rng.integers(0, len(signals), 60):
            close(library.numpy(konvolve.fftconvolve(signals[i], kernel)), EXPECTED[i])

    in_threads(work)
    assert len(plans._PLANS) <= 3 + THREADS


def test_plans_that_are_forgotten_while_they_are_used():
    """By ``forget``, with the constants they were made with: as a calibration does."""

    def work(rng):
        for i in rng.integers(0, len(SIGNALS), 60):
            close(konvolve.convolve(SIGNALS[i], KERNEL), EXPECTED[i])
            plans.forget()

    in_threads(work)


class Number(int):
    """A number with a hash of its own, so that another thread may have its turn at every look into a dictionary."""

    def __hash__(self):
        return int(self)


def test_results_that_are_dropped_while_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(memoize, "_MOST_RESULTS", 3)
    double = memoize.remembered(lambda n: 2 * n)

    def work(rng):
        for n in map(Number, rng.integers(0, 8, 1000)):
            assert double(n) == 2 * n

    in_threads(work)


def test_nothing_is_a_result_too():
    calls = []
    nothing = memoize.remembered(calls.append)
    assert [nothing(3), nothing(3), calls] == [None, None, [3]]


def test_one_kernel_and_more_lengths_than_it_keeps_spectra(library):
    signals, kernel = [library.array(signal) for signal in SIGNALS], konvolve.Kernel(library.array(KERNEL))
    for signal in signals:
        konvolve.fftconvolve(signal, kernel)

    def work(rng):
        for i in rng.integers(0, len(signals), 60):
            close(library.numpy(konvolve.fftconvolve(signals[i], kernel)), EXPECTED[i])

    in_threads(work)


class Owner:
    """An object for which spectra are kept."""


def test_weights_of_many_owners_and_lengths(library, monkeypatch):
    """Owners that come and go, kernels that change, more lengths than spectra are kept of."""
    signals = [library.array(signal[None, :, None]) for signal in SIGNALS]
    kernels = [RNG.standard_normal((9, 1, 1)) for _ in range(3)]
    expected = [[np.convolve(signal, kernel[::-1, 0, 0], "valid") for signal in SIGNALS] for kernel in kernels]
    arrays = [library.array(kernel) for kernel in kernels]
    monkeypatch.setattr(weight, "MOST_BYTES", 12 * 16 * 70)
    owners = [Owner() for _ in range(6)]

    def ask(owner, i, k):
        given = kernels[k] if i % 2 else arrays[k]  # a constant, and one that may change
        return nn.conv(signals[i], weight.Weight(given, owner), data_format="channels_last", method="fft")

    for i in range(len(signals)):
        ask(Owner(), i, 0)

    def work(rng):
        for turn in range(100):
            i, k, who = int(rng.integers(len(signals))), int(rng.integers(3)), int(rng.integers(len(owners)))
            if turn % 20 == 0:
                owners[who] = Owner()
            close(library.numpy(ask(owners[who], i, k))[0, :, 0], expected[k][i])

    in_threads(work)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # PyTorch 2.13, of itself
def test_planning_is_a_constant_to_a_compiler_that_reads_code(monkeypatch):
    """It is called and not followed; compiled programs outlive plans that are dropped or forgotten."""
    import torch

    monkeypatch.setattr(plans, "_MOST_PLANS", 1)
    make, calls, compilations = execute.make, [], []

    def not_to_be_followed(*facts, **options):
        calls.append(sys._getframe().f_code.co_name)  # of which torch.compile can make nothing
        return make(*facts, **options)

    def backend(module, _):
        compilations.append(module)
        return module.forward

    monkeypatch.setattr(execute, "make", not_to_be_followed)
    plans.forget()
    run = torch.compile(lambda a, b: konvolve.fftconvolve(a, b), fullgraph=True, backend=backend, dynamic=False)
    kernel = torch.from_numpy(KERNEL)
    for _ in range(2):
        for i in (0, 1):
            close(run(torch.from_numpy(SIGNALS[i]), kernel), EXPECTED[i])
        plans.forget()
    assert (len(calls), len(compilations)) == (2, 2)
