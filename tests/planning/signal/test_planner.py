"""Planning by its properties: windows without wrapped samples, cheapest lengths, exact digits, plans that tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import konvolve
from konvolve.execution import signal as execution
from konvolve.planning import blocks, dtypes, lengths
from konvolve.planning.geometry import sufficient_length, trailing, window
from konvolve.planning.signal import integers
from konvolve.profiles.shipped import CONSTANTS

sizes = st.integers(1, 40)
modes = st.sampled_from(["full", "same", "valid"])


def cyclic(a, b, period):
    full = np.convolve(a, b)
    y = np.zeros(period, full.dtype)
    for i, value in enumerate(full):
        y[i % period] += value
    return y


@given(n1=sizes, n2=sizes, mode=modes)
def test_a_sufficient_length_wraps_nothing_into_the_window_and_one_less_does(n1, n2, mode):
    """With powers of two as samples every sum of a subset is different, so a wrapped sample cannot hide."""
    rng = np.random.default_rng(n1 * 41 + n2)
    a, b = rng.integers(1, 2**20, n1), rng.integers(1, 2**20, n2)
    kept = window(mode, n1, n2)
    wanted = np.convolve(a, b)[kept.start : kept.start + kept.size]
    length = sufficient_length(n1, n2, kept)
    np.testing.assert_array_equal(cyclic(a, b, length)[kept.start : kept.start + kept.size], wanted)
    if length > max(n1, n2):
        shorter = cyclic(a, b, length - 1)
        assert kept.start + kept.size > length - 1 or (shorter[kept.start : kept.start + kept.size] != wanted).any()


@given(n1=sizes, n2=sizes, mode=modes)
def test_windows_lie_inside_the_full_convolution(n1, n2, mode):
    start, size = window(mode, n1, n2)
    assert start >= 0
    assert size >= 1
    assert start + size <= n1 + n2 - 1


@given(ndim=st.integers(1, 6), data=st.data())
def test_trailing_brings_axes_last_and_back(ndim, data):
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, ndim - 1), min_size=1))))
    shape = tuple(range(2, ndim + 2))
    layout = trailing(ndim, axes)
    if layout is None:
        assert axes == tuple(range(ndim - len(axes), ndim))
        return
    there = np.transpose(np.empty(shape), layout[0])
    assert there.shape[-len(axes) :] == tuple(shape[axis] for axis in axes)
    assert np.transpose(there, layout[1]).shape == shape


@given(least=st.one_of(st.integers(1, 5000), st.integers(1, 2**31 - 10**8)))
def test_fast_lengths_suffice_and_none_longer_is_cheaper(least):
    length = lengths.fast_length(least)
    assert length >= least
    rest = length
    for radix in (2, 3, 5):
        while rest % radix == 0:
            rest //= radix
    assert rest == 1
    if length > 16:
        cost = lengths.transform_cost(length)
        assert all(lengths.transform_cost(other) >= cost for other in lengths.table() if length < other < 2 * length)


def test_lengths_beyond_the_table_are_an_error():
    with pytest.raises(ValueError, match="longer than the longest supported"):
        lengths.fast_length(2**31)


@given(
    taps=st.integers(2, 3000),
    outputs=st.integers(1, 10**7),
    rows=st.integers(1, 20),
    few=st.sampled_from([blocks.MANY, blocks.FewRows(3.0, 8), blocks.FewRows(4.0, 1)]),
)
def test_blocks_are_the_cheapest_of_the_table(taps, outputs, rows, few):
    whole = outputs + taps - 1
    chosen = blocks.choose(taps, outputs, whole, rows, few)

    def cost(length, step):
        if step or rows > 1:
            return blocks.block_cost(length) * few.rows(rows * (-(-outputs // step) if step else 1))
        return lengths.transform_cost(length) * blocks.outgrown(length, True) * few.rows(1)

    candidates = [(n, n - taps + 1) for n in lengths.table() if 1.3 * taps < n < min(50 * taps, whole)]
    candidates.append((lengths.fast_length(whole), 0))
    assert cost(*chosen) <= min(cost(*candidate) for candidate in candidates)
    assert chosen.step in (0, chosen.length - taps + 1)


@given(rows=st.integers(1, 100), single=st.floats(1.0, 8.0), at_once=st.sampled_from([1, 4, 8]))
def test_few_rows_cost_no_less_than_they_are_nor_much_more(rows, single, at_once):
    paid = blocks.FewRows(single, at_once).rows(rows)
    assert rows <= paid <= max(single, 1.5 * at_once) + rows
    assert paid == rows or rows % at_once or rows == 1


NAMES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", "float64", "complex64", "complex128")


@pytest.mark.parametrize("one", [*NAMES, *FLOATS])
def test_promotion_is_numpys(one):
    for two in (*NAMES, *FLOATS):
        assert dtypes.result_type(one, two) == np.result_type(one, two).name
        assert dtypes.result_type(one, "object") == "object"


@given(
    bits=st.sampled_from([(9, 9, "uint8"), (32, 32, "int32"), (33, 64, "int64"), (64, 64, "uint64")]),
    n1=st.integers(1, 20_000),
    n2=st.integers(1, 2000),
    fourier=st.booleans(),
)
def test_digits_are_exact_in_the_worst_case(bits, n1, n2, fourier):
    """All digits as large as they get, all of one sign: the largest sums there are."""
    found = integers.digits(*bits, n1, n2, lengths.fast_length(n1 + n2), fourier=fourier)
    assert found.width * found.count1 >= bits[0]
    assert found.width * found.count2 >= bits[1]
    digit = 2.0 ** (found.width - 1)
    assert min(n1, n2) * digit**2 <= 2**53
    if fourier:
        rng = np.random.default_rng(n1)
        signs = rng.choice([-1.0, 1.0], n1), rng.choice([-1.0, 1.0], n2)
        length = lengths.fast_length(n1 + n2 - 1)
        spectra = [np.fft.rfft(digit * sign, length) for sign in signs]
        sums = np.fft.irfft(spectra[0] * spectra[1], length)[: n1 + n2 - 1]
        assert np.abs(sums - digit**2 * np.rint(sums / digit**2)).max() < 0.5


@given(
    shape1=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    data=st.data(),
    mode=modes,
    function=st.sampled_from(["convolve", "correlate", "fftconvolve", "oaconvolve"]),
)
def test_a_plan_knows_the_shape_and_dtype_of_the_result(shape1, data, mode, function):
    shape2 = [data.draw(st.integers(1, n)) for n in shape1]
    plan = konvolve.plan(shape1, shape2, function=function, mode=mode, dtype="float32", library="numpy")
    result = getattr(konvolve, function)(np.ones(shape1, "float32"), np.ones(shape2, "float32"), mode)
    assert plan.output_shape == result.shape
    assert plan.problem.result == result.dtype.name


@pytest.mark.parametrize("library", CONSTANTS)
def test_plans_tell_their_story(library):
    text = str(konvolve.plan((10**7,), (1001,), library=library))
    assert "convolve: 10000000 float32 with 1001 float32, mode 'full', axes (0,)" in text
    assert "result   10001000 float32" in text
    assert "blocks of" in text
    assert all(method in text for method in ("direct", "fft", "-> overlap"))
    unknown = str(konvolve.plan((None, None), (None, 5), library=library))
    assert "?x?" in unknown
    assert "known at run time" in unknown


@pytest.mark.parametrize("library", CONSTANTS)
def test_a_plan_explains_the_methods_it_does_not_take(library):
    asked = {"mode": "same", "axes": (0, 1), "library": library}
    plan = konvolve.plan((300, 400, 3), (31, 31, 1), **asked)
    explained = konvolve.plan((300, 400, 3), (31, 31, 1), explain=True, **asked)
    assert explained == plan  # the same work is done
    lines = str(explained).splitlines()
    for other in explained.others:
        alone = konvolve.plan((300, 400, 3), (31, 31, 1), method=other.method, **asked)
        (line,) = [line for line in lines if line.split()[0] == other.method]
        assert (f"{alone.seconds * 1e3:.3g} ms" if alone.seconds < 1 else f"{alone.seconds:.3g} s") in line
        assert f"{alone.bytes / 2**20:.1f} MiB" in line
        assert {"direct": "the sum itself", "matrix": "banded matrix", "separable": "if the kernel is a product"}.get(
            other.method, "transforms of"
        ) in line
    assert {"direct", "fft", "separable"} <= {plan.method, *(each.method for each in explained.others)}
    # Where nothing is asked, nothing is planned that isn't needed.
    assert plan.others == ()


def test_a_plan_is_refused_in_words():
    with pytest.raises(ValueError, match="library must be one of numpy, tensorflow"):
        konvolve.plan((9,), (3,), library="cupy")
    with pytest.raises(ValueError, match="function must be convolve"):
        konvolve.plan((9,), (3,), function="blur")


def seconds(signal, kernel, library="numpy", dtype="float32", **options):
    """What each method is predicted to take, and the plan."""
    options = {"mode": "same", "axes": None, "method": "auto"} | options
    found = execution.make("convolve", (signal, dtype), (kernel, dtype), library, (None, None), **options)
    return {each.method: each.seconds for each in found.estimates}, found


@pytest.mark.parametrize("library", ["numpy", "tensorflow", "jax32", "torch"])
@pytest.mark.parametrize(
    ("signal", "kernel"), [((100_000,), (2001,)), ((900, 800), (61, 61)), ((90, 80, 70), (31,) * 3)]
)
def test_what_is_done_of_a_kernel_alone_costs_nothing_where_it_is_a_prepared_one(library, signal, kernel):
    each_time, _ = seconds(signal, kernel, library)
    once, _ = seconds(signal, kernel, library, prepared=True)
    assert set(once) == set(each_time)
    for method in once:
        assert once[method] < each_time[method] if method in ("fft", "overlap") else once[method] <= each_time[method]
    if "fft" in once:  # of three transforms, two
        assert 0.6 < once["fft"] / each_time["fft"] < 0.75


def test_the_factors_of_a_prepared_kernel_are_used_for_few_samples_too():
    _, plain = seconds((66, 87), (14, 24), "jax32", mode="valid")
    _, prepared = seconds((66, 87), (14, 24), "jax32", mode="valid", prepared=True)
    assert plain.separable is None
    assert prepared.separable is not None
    assert not any(each.problem.prepared for each in prepared.separable.way.passes)


def test_numpys_own_sum_costs_a_call_for_each_output_of_more_than_eleven_taps():
    per_output = {taps: seconds((20_000,), (taps,), method="direct")[0]["direct"] / 20_000 for taps in (3, 11, 12, 64)}
    assert per_output[12] > 1.7 * per_output[11]
    assert per_output[64] < 2 * per_output[12]
    assert seconds((200, 1000), (1, 12), axes=(1,), method="direct")[1].way.loop
    assert not seconds((20_000,), (12,), method="direct")[1].way.loop


def test_complex_numbers_cost_what_their_bytes_do_in_numpys_sums():
    taken = {
        dtype: seconds((300, 340), (5, 5), dtype=dtype, method="direct")[0]["direct"]
        for dtype in ("float64", "complex64", "complex128")
    }
    assert taken["complex64"] == pytest.approx(taken["float64"])
    assert taken["complex128"] > 1.5 * taken["complex64"]


def test_small_sums_on_pytorch_are_direct_but_of_complex_numbers():
    assert seconds((1000,), (9,), "torch")[1].method == "direct"
    assert seconds((1000,), (9,), "torch", "complex64")[1].method == "fft"


def test_the_memory_of_rows_that_are_moved_apart_is_counted():
    def held(columns):
        _, found = seconds((2048, columns), (33, 1), "jax", mode="valid", axes=(0,), method="direct")
        return found.bytes / (2048 * columns * 4)

    assert held(2040) < 1.1
    assert held(2048) == pytest.approx(held(2040) + 1, abs=0.05)


def test_of_a_prepared_kernel_any_gain_by_its_factors_is_taken():
    for sides in (17, 31):
        _, found = seconds((2048, 2048), (sides, sides), "tensorflow", prepared=True)
        assert found.separable is not None
        assert found.separable.seconds < found.seconds
