"""Each method's settings for a problem, and what it would cost: the candidates a plan is chosen from."""

from __future__ import annotations

import math
from typing import Any

from konvolve.planning import blocks, dtypes
from konvolve.planning.cost import Estimate, Traits, crew, fourier_seconds
from konvolve.planning.geometry import sufficient_length
from konvolve.planning.lengths import fast_length, table
from konvolve.planning.signal import footprint, integers
from konvolve.planning.signal.problem import Problem

# The samples an operand of integers may have where its sizes are not known: digits are safe for up to these, which
# are 2 GiB of float64.
_UNKNOWN_SAMPLES = 2**28


# Of what a band of digits takes: a single one is not joined with others.
_ONE_BAND = 0.6

# A loop over more taps than that is to be avoided.
_LONG_LOOP = 256

# TensorFlow cuts and pads arrays of up to eight axes.
_MOST_AXES = 8

# A kernel of so few taps is summed directly also where the signal's size is not known.
_SHORT = 9


def _samples(problem: Problem) -> tuple[int, int]:
    """Return how many samples of each operand enter one sum at most."""
    held = ([shape[axis] for axis in problem.axes] for shape in (problem.shape1, problem.shape2))
    one, two = (_UNKNOWN_SAMPLES if None in sizes else math.prod([n for n in sizes if n]) for sizes in held)
    return one, two


def _digits(
    problem: Problem, bits: tuple[int | None, int | None], points: int, *, fourier: bool
) -> integers.Digits | None:
    if not dtypes.parse(problem.compute).integral:
        return None
    one, two = (
        given or integers.magnitude_bits(name)
        for given, name in zip(bits, (problem.dtype1, problem.dtype2), strict=True)
    )
    return integers.digits(one, two, problem.compute, *_samples(problem), points, fourier=fourier)


def _working(problem: Problem, digits: integers.Digits | None) -> tuple[str, tuple[int, int, int]]:
    """Return the dtype of the floating-point work, and how many digits of in1, of in2 and places there are."""
    if digits is None:
        return problem.compute, (1, 1, 1)
    return "float64", (digits.count1, digits.count2, len(digits.shifts))


def fft(
    problem: Problem, traits: Traits, windows: tuple, bits: tuple, turns: tuple = ()
) -> tuple[dict, Estimate | None] | None:
    """Transform everything at once, at the cheapest sufficient lengths; None where no transform is so long.

    Where ``turns`` has a number the axis is periodic, and its transform exactly as long as the signal.
    """
    least = [
        None if kept is None else sufficient_length(problem.shape1[axis], problem.shape2[axis], kept)
        for axis, kept in zip(problem.axes, windows, strict=True)
    ]
    if any(n is not None and n > table()[-1] for n in least):
        return None
    lengths = tuple(None if n is None else fast_length(n) for n in least)
    if turns:
        periods = (problem.shape1[axis] for axis in problem.axes)
        lengths = tuple(
            length if turn is None else period for turn, length, period in zip(turns, lengths, periods, strict=True)
        )
    points = 2 * _UNKNOWN_SAMPLES if None in lengths else math.prod([length for length in lengths if length])
    digits = _digits(problem, bits, points, fourier=True)
    settings = {"lengths": lengths, "digits": digits}
    if not problem.known:
        return settings, None
    dtype, times = _working(problem, digits)
    rows = footprint.Rows(*(each * parts for each, parts in zip(problem.rows, times, strict=True)))
    known = [length for length in lengths if length is not None]
    seconds = sum(fourier_seconds(traits, each, known, dtype) for each in rows) + 10 * traits.call
    held = footprint.fft(traits.held, rows, points, len(lengths), dtypes.is_complex(dtype))
    outputs = problem.rows[2] * math.prod([kept.size for kept in windows])
    if digits is not None:
        held = footprint.digits_fft(traits.held, digits, problem.rows, points, len(lengths))
    held = footprint.in_digits(problem, digits, outputs, held)
    return settings, Estimate("fft", seconds, int(held * footprint.item_size(dtype, traits.has_float64)))


def overlap(problem: Problem, traits: Traits, windows: tuple, bits: tuple) -> tuple[dict, Estimate | None] | None:
    """Tile every axis where blocks are cheaper than one transform; None where no axis gains."""
    sizes = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.axes]
    # Convolution commutes: the longer operand is the one that is cut into blocks.
    swap = problem.known and math.prod([n or 0 for n, _ in sizes]) < math.prod([n or 0 for _, n in sizes])
    sharing, many = blocks.MANY, 2
    if len(sizes) == 1 and problem.known:
        sharing, many = crew(traits, problem.compute), problem.rows[2]
    tiles = []
    # Blocks are counted along an axis of their own, and digits stand along one.
    room = _MOST_AXES - len(problem.shape1) - dtypes.parse(problem.compute).integral
    for kept, (n1, n2) in zip(windows, sizes, strict=True):
        signal, taps = (n2, n1) if swap else (n1, n2)
        if taps is None or (signal is not None and taps > signal):
            return None
        if kept is None:
            if len(problem.axes) > 1:
                return None
            tiles.append(blocks.choose(taps, None, None))
        else:
            least = sufficient_length(signal, taps, kept)
            tile = blocks.choose(taps, kept.size, least, many, sharing)
            tiles.append(tile if room > 0 else blocks.Blocks(fast_length(least), 0))
            room -= tile.step > 0
    if not any(tile.step for tile in tiles):
        if not traits.parts or not problem.known or room < 1:
            return None
        tiles[0] = blocks.part(sizes[0][0 if swap else 1] or 1, windows[0].size, traits.parts)
    first = next(i for i, tile in enumerate(tiles) if tile.step)
    lengths, steps = tuple(tile.length for tile in tiles), tuple(tile.step for tile in tiles)
    points = math.prod(lengths)
    digits = _digits(problem, bits, points, fourier=True)
    counts = [
        1 if not t.step or kept is None else -(-kept.size // t.step) for t, kept in zip(tiles, windows, strict=True)
    ]
    dtype, times = _working(problem, digits)
    rows1, rows2, rows = (each * parts for each, parts in zip(problem.rows, times, strict=True))
    rows1, rows2 = (rows2, rows1) if swap else (rows1, rows2)
    others = rows * points * math.prod(counts) // counts[first]
    band = max(1, traits.band // others)
    if len(tiles) == 1 and traits.band > 1:  # bands of whole crews
        crews = traits.together // math.gcd(rows, traits.together)
        band = max(crews, band // crews * crews)
    settings = {"lengths": lengths, "steps": steps, "band": band, "digits": digits, "swap": swap}
    if not problem.known:
        return settings, None
    total = math.prod(counts)
    working = rows * points * min(total, band * total // counts[first])
    seconds = fourier_seconds(traits, (rows1 + rows) * total, lengths, dtype, working)
    seconds += fourier_seconds(traits, rows2, lengths, dtype)
    # Cutting the blocks out and laying them side by side again moves each sample, twice as often where both axes are.
    passes = 2 if len(tiles) == 1 else 3
    moved = passes * (rows1 + rows) * total * points * traits.fft * 8 * dtypes.item_size(dtype) / 4
    # Digits are joined to integers band by band.
    outputs = problem.rows[2] * math.prod([kept.size for kept in windows])
    # Along the other axes that are cut the signal is padded to whole blocks.
    pairs = [(n2 or 0, n1 or 0) if swap else (n1 or 0, n2 or 0) for n1, n2 in sizes]
    padded = problem.rows[1 if swap else 0] * footprint.padded_to_blocks(tiles, windows, pairs, counts)
    multiples = traits.held
    if digits is not None:
        one_band = max(multiples.one_band, _ONE_BAND * multiples.digit_blocks)
        multiples = multiples._replace(blocks=(multiples.digit_blocks, multiples.digit_blocks), one_band=one_band)
    held = footprint.overlap(multiples, outputs, working, padded, len(tiles), band >= counts[first])
    if digits is not None:  # as int64
        held += footprint.samples(problem) + math.prod(footprint.sizes(problem)[1])
    estimate = Estimate(
        "overlap", seconds + moved + 14 * traits.call, int(held * footprint.item_size(dtype, traits.has_float64))
    )
    return settings, estimate


def direct(problem: Problem, traits: Traits, windows: tuple, bits: tuple) -> tuple[dict, Estimate | None] | None:
    """Loop over the kernel's taps, or use the library's own convolution where it has one and it is cheaper."""
    sizes: list[tuple[Any, Any]] = [(problem.shape1[axis], problem.shape2[axis]) for axis in problem.axes]
    taps = None if any(n2 is None for _, n2 in sizes) else math.prod([n2 for _, n2 in sizes])
    swap = False
    if problem.known:
        assert taps is not None
        swap = math.prod([n1 for n1, _ in sizes]) < taps
        taps = min(math.prod([n1 for n1, _ in sizes]), taps)
    kind = dtypes.parse(problem.compute)
    native = len(sizes) in traits.direct and (kind.kind != "other" or traits.native_exact)
    if len(sizes) > 2:  # no library has a kernel per row in three dimensions, and digits are rows
        kernels = problem.shape1 if swap else problem.shape2
        native = native and all(kernels[axis] == 1 for axis in problem.batch) and not kind.integral
    if not native and taps is None:
        return None
    digits = None if traits.native_exact or not native else _digits(problem, bits, 1, fourier=False)
    if not problem.known:
        loop = not native or (kind.integral and not traits.native_exact and taps is not None and taps <= _SHORT)
        # Blocks are for a single axis. Where no transform may have a length that is not known, a long sum is left.
        left = not traits.late_lengths and None in windows and len(windows) > 1
        if problem.methods != ("direct",) and (taps is None or (taps > _SHORT and not left)):
            return None
    else:
        loop_seconds, native_seconds = _direct_seconds(problem, traits, windows, taps, digits, native)
        loop = loop_seconds < native_seconds
    digits = None if loop else digits
    in_parts = kind.kind == "complex" and not traits.native_complex
    settings: dict = {"digits": digits, "swap": swap, "loop": loop, "in_parts": in_parts}
    if not problem.known:
        return settings, None
    rows1, rows2, rows = problem.rows
    outputs = rows * math.prod([kept.size for kept in windows])
    dtype = _working(problem, digits)[0]
    if loop and kind.integral:
        dtype = "int64"
    padded = (rows2 if swap else rows1) * footprint.padded_by_taps(windows, sizes)
    held = footprint.direct(traits.held, rows, outputs, padded, len(sizes), loop)
    if traits.held.unfolded and not loop and dtype in ("float64", "complex128"):
        held = footprint.unfolded(traits.held, outputs, padded, taps or 1, in_parts or dtypes.is_complex(dtype))
    if digits is not None:
        sums = traits.held.digit_sums * (held + outputs * len(digits.shifts))
        held = footprint.in_digits(problem, digits, outputs, sums)
    if loop and kind.integral:
        held += (traits.held.integer_loop - traits.held.loop) * outputs
        held += rows1 * math.prod(footprint.sizes(problem)[0])  # as int64
    memory = int(held * footprint.item_size(dtype, traits.has_float64))
    return settings, Estimate("direct", min(loop_seconds, native_seconds), memory)


def _direct_seconds(
    problem: Problem, traits: Traits, windows: tuple, taps: int | None, digits: integers.Digits | None, native: bool
) -> tuple[float, float]:
    """Predict the loop over taps and the native convolution, infinite where there is none."""
    assert taps is not None
    rows = problem.rows[2]
    sums = rows * math.prod([kept.size for kept in windows]) * taps
    kind = dtypes.parse(problem.compute)
    # Integers are looped over as int64, and complex numbers take four products where real ones take one.
    width = 2 if kind.integral else dtypes.item_size(problem.compute) / 4 * (2 if kind.kind == "complex" else 1)
    # A long loop is an unwieldy program: 864 taps took fifteen times as long for each as 28 did.
    many = 10 if taps > _LONG_LOOP else 1
    loop = sums * traits.tap * width * many + (8 if traits.fused else 2 * taps) * traits.call
    if not native:
        return loop, float("inf")
    times = sum(map(len, digits.shifts)) if digits else 1
    if digits:
        width = 2
    elif kind.integral:
        width = 4  # without vector instructions
    each = traits.direct[len(problem.axes)]
    copied = 2 * sums / taps * traits.move
    return loop, times * ((sums * each + copied) * width + rows * traits.row) + (
        16 if digits else 8
    ) * traits.call + traits.start


def products(problem: Problem, windows: tuple) -> int:
    """Return the products of samples that the sum itself takes, where all sizes are known."""
    taps = min(_samples(problem))
    return problem.rows[2] * math.prod([kept.size for kept in windows]) * taps


def moved(problem: Problem, traits: Traits, windows: tuple) -> float:
    """Predict the time of bringing the convolved axes last and back, where they are not."""
    rows1, rows2, rows = problem.rows
    taken = [
        math.prod([problem_shape[axis] or 0 for axis in problem.axes])
        for problem_shape in (problem.shape1, problem.shape2)
    ]
    samples = rows1 * taken[0] + rows2 * taken[1] + rows * math.prod([kept.size for kept in windows])
    return 3 * samples * traits.move * dtypes.item_size(problem.compute) / 4


def held_around(problem: Problem, traits: Traits) -> dict[str, int]:
    """Return the bytes that extending a signal beyond its edges takes besides its result, by method."""
    signal = footprint.samples(problem) * footprint.item_size(problem.compute, traits.has_float64)
    direct, transform = traits.held.extended
    # A compiler that takes a sum and the edges together holds what each axis was extended from, and to.
    direct *= 3 * len(problem.axes) - 2
    return {"direct": int(direct * signal), "fft": int(transform * signal)}


def held_before(problem: Problem, traits: Traits, extended: bool, laid_out: bool) -> int:
    """Return the bytes of what is made of the signal before a method begins, and held until it ends.

    It is extended beyond its edges, brought to the dtype of the work, or its axes to where they are wanted.
    """
    signal = problem.rows[0] * math.prod([problem.shape1[axis] or 0 for axis in problem.axes])
    cast = problem.dtype1 != problem.compute and not dtypes.parse(problem.compute).integral
    copies = extended + cast + traits.held.layout * laid_out
    return int(copies * signal * footprint.item_size(problem.compute, traits.has_float64))
