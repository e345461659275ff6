"""What every result is compared with: the sum itself, term by term, and how near a result has to come to it."""

import itertools

import numpy as np

EPSILON = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2.0**-23,
    "float64": 2.0**-52,
    "complex64": 2.0**-23,
    "complex128": 2.0**-52,
}


def full(a, b, axes, there=None):
    """Return the full convolution over axes, one shifted copy of ``a`` for each sample of ``b``.

    In float64 or complex128; in Python's integers, which never overflow, for integer arrays. ``there`` says which
    samples of ``a`` there are: a tap that is not finite meets no others.
    """
    exact = a.dtype.kind in "iubO" and b.dtype.kind in "iubO"
    work = object if exact else np.result_type(a, b, np.float64)
    a, b = a.astype(work), b.astype(work)
    batch = [axis for axis in range(a.ndim) if axis not in axes]
    shape = [
        a.shape[i] + b.shape[i] - 1 if i in axes else np.broadcast_shapes((a.shape[i],), (b.shape[i],))[0]
        for i in range(a.ndim)
    ]
    y = np.zeros(shape, work)
    for taps in itertools.product(*(range(b.shape[axis]) for axis in axes)):
        place, pick = [slice(None)] * a.ndim, [slice(None)] * a.ndim
        for axis, tap in zip(axes, taps, strict=True):
            place[axis] = slice(tap, tap + a.shape[axis])
            pick[axis] = slice(tap, tap + 1)
        with np.errstate(all="ignore"):  # of numbers that are not finite
            product = a * b[tuple(pick)]
            y[tuple(place)] += product if there is None else np.where(there, product, 0)
    assert len(batch) + len(axes) == a.ndim
    return y


def convolve(a, b, mode="full", axes=None):
    """Return the convolution that SciPy's documentation defines for a mode."""
    axes = tuple(range(a.ndim)) if axes is None else tuple(axis % a.ndim for axis in axes)
    y = full(a, b, axes)
    if mode == "full":
        return y
    cut = []
    for axis, (n, n1, n2) in enumerate(zip(y.shape, a.shape, b.shape, strict=True)):
        if mode == "same":  # in1's size about the centre, on every axis
            cut.append(slice((n - n1) // 2, (n - n1) // 2 + n1))
        elif axis in axes:
            cut.append(slice(min(n1, n2) - 1, max(n1, n2)))
        else:
            cut.append(slice(None))
    return y[tuple(cut)]


def correlate(a, b, mode="full", axes=None):
    """Return the cross-correlation: the convolution with b reversed and conjugated."""
    axes = tuple(range(a.ndim)) if axes is None else tuple(axis % a.ndim for axis in axes)
    return convolve(a, np.flip(b.conj() if b.dtype.kind == "c" else b, axes), mode, axes)


def reaching(a, axis, first, count, kind):
    """Return so many samples of an axis from the index ``first`` on, what lies beyond its ends as a boundary says.

    One sample after the other, in numpy.pad's words; a number is the constant beyond both ends.
    """
    n = a.shape[axis]
    if not isinstance(kind, str) or kind == "zero":
        value = 0 if kind == "zero" else kind
        beyond = np.full([1 if each == axis else size for each, size in enumerate(a.shape)], value, a.dtype)
        parts = [np.take(a, [i], axis) if 0 <= i < n else beyond for i in range(first, first + count)]
        return np.concatenate(parts, axis) if parts else np.take(a, [], axis)
    picked = []
    for i in range(first, first + count):
        if kind in ("nearest", "edge"):
            i = min(max(i, 0), n - 1)
        elif kind in ("wrap", "circular"):
            i %= n
        while not 0 <= i < n:  # mirrored at one end after the other
            if kind == "reflect":
                i = 0 if n == 1 else -i if i < 0 else 2 * (n - 1) - i
            else:
                i = -1 - i if i < 0 else 2 * n - 1 - i
        picked.append(i)
    return np.take(a, picked, axis)


def family(a, b, *, correlating=False, mode="full", axes=None, boundary="zero", lags=None, late=False):
    """Return what ``convolve`` or ``correlate`` promises for any of their options, and in1 as far as it is needed.

    in1 is extended along the axes, the lowest first, and summed where the kernel lies on it wholly. ``boundary`` and
    ``lags`` have one entry for each axis, in their order. ``late`` is how correlate2d centres "same".
    """
    axes = tuple(range(a.ndim)) if axes is None else tuple(axis % a.ndim for axis in axes)
    kinds = dict(zip(axes, boundary if isinstance(boundary, (list, tuple)) else [boundary] * len(axes), strict=True))
    exact = a.dtype.kind in "iub" and b.dtype.kind in "iub"
    a = a.astype(object if exact else np.result_type(a, b, np.float64))
    if correlating:
        b = np.flip(b.conj() if b.dtype.kind == "c" else b, axes)
    wide = a
    there = None if exact or np.isfinite(b).all() else np.ones(a.shape, bool)
    for axis in sorted(axes):
        n2 = b.shape[axis]
        first, count = span(a.shape[axis], n2, mode, None if lags is None else lags[axes.index(axis)], late)
        kind = "zero" if mode == "valid" or kinds[axis] == 0 else kinds[axis]
        wide = reaching(wide, axis, first - (n2 - 1), count + n2 - 1, kind)
        if there is not None:
            there = reaching(there, axis, first - (n2 - 1), count + n2 - 1, kind if isinstance(kind, str) else 1)
    y = full(wide, b, axes, there)
    for axis in axes:
        y = np.take(y, range(b.shape[axis] - 1, wide.shape[axis]), axis)
    return y, wide


def span(n1, n2, mode, lags=None, late=False):
    """Return where on the full convolution of an axis a result begins, and how many samples it has."""
    if lags is not None:
        return lags[0] + n2 - 1, lags[1] - lags[0] + 1
    first = {"full": 0, "same": n2 // 2 if late else (n2 - 1) // 2, "valid": min(n1, n2) - 1}[mode]
    return first, {"full": n1 + n2 - 1, "same": n1, "valid": abs(n1 - n2) + 1}[mode]


def coefficient(a, b, mask1, mask2, *, mode="full", axes=None, lags=None, min_overlap=0, undefined=0.0):
    """Return the correlation coefficient of what overlaps at each lag, from its definition, in long doubles."""
    axes = range(a.ndim) if axes is None else [axis % a.ndim for axis in axes]
    spans = {
        axis: span(a.shape[axis], b.shape[axis], mode, None if lags is None else lags[place])
        for place, axis in enumerate(axes)
    }
    shape = [spans[i][1] if i in spans else max(n, k) for i, (n, k) in enumerate(zip(a.shape, b.shape, strict=True))]
    shape = [0 if 0 in (n, k) else m for m, n, k in zip(shape, a.shape, b.shape, strict=True)]
    wide = np.result_type(a, b, np.float64)
    # As konvolve takes them: 64-bit integers in double precision.
    a, b = (x.astype(wide).astype(np.result_type(wide, np.longdouble)) for x in (a, b))
    mask1, mask2 = (np.ones(x.shape, bool) if m is None else m != 0 for x, m in ((a, mask1), (b, mask2)))
    y = np.zeros(shape, wide)
    for place in np.ndindex(*shape):
        ones, twos, row = [], [], []
        for axis, (at, n, k) in enumerate(zip(place, a.shape, b.shape, strict=True)):
            if axis not in spans:
                ones.append(slice(min(at, n - 1), min(at, n - 1) + 1))
                twos.append(slice(min(at, k - 1), min(at, k - 1) + 1))
                row.append(twos[-1])
                continue
            low = at + spans[axis][0] - (k - 1)  # where b's first sample lies on a
            ones.append(slice(max(low, 0), max(min(low + k, n), 0)))
            twos.append(slice(max(-low, 0), max(min(n - low, k), 0)))
            row.append(slice(None))
        counted = (mask1[tuple(ones)] & mask2[tuple(twos)]).ravel()
        least = min_overlap * mask2[tuple(row)].sum() - 0.001 if 0 < min_overlap < 1 else min_overlap
        y[place] = _corrcoef(a[tuple(ones)].ravel()[counted], b[tuple(twos)].ravel()[counted], least, undefined)
    return y


def _corrcoef(u, v, least, undefined):
    if len(u) < max(least, 2):
        return undefined
    if not (np.isfinite(u).all() and np.isfinite(v).all()):
        return np.nan
    if (u == u[0]).all() or (v == v[0]).all():
        return undefined
    u, v = u - u.mean(), v - v.mean()
    return (u * v.conj()).sum() / np.sqrt((abs(u) ** 2).sum()) / np.sqrt((abs(v) ** 2).sum())


def wrapped(y, dtype):
    """Return Python integers as NumPy's integers of a dtype would have wrapped, truths where one is not zero."""
    if dtype == "bool":
        return (y != 0).astype(bool)
    info = np.iinfo(dtype)
    span = int(info.max) - int(info.min) + 1
    return np.array([(int(v) - info.min) % span + info.min for v in y.ravel()], dtype=dtype).reshape(y.shape)


def tolerance(a, b, dtype):
    """Return the largest error a result of this dtype may have.

    Summing n products in floating point, directly or by transforms, errs by about ``log2(n)`` roundings of
    numbers no larger than the product of the operands' Euclidean norms; eight times that is never reached by
    rounding and always by a misplaced sample of unit size. The result itself is rounded once more.
    """
    if dtype not in EPSILON:
        return 0.0
    inner = "float32" if dtype in ("float16", "bfloat16") else dtype
    norms = norm(a) * norm(b)
    return norms * (8 * EPSILON[inner] * np.log2(a.size + b.size + 2) + (EPSILON[dtype] if inner != dtype else 0))


def norm(x):
    """Return the Euclidean norm of what is finite, whose squares may be beyond the range of a dtype."""
    x = abs(x.astype(complex).ravel())
    x = x[np.isfinite(x)]
    largest = x.max(initial=0.0)
    return float(largest * np.linalg.norm(x / largest)) if largest else 0.0


def assert_close(result, expected, a, b, dtype=None):
    """Assert shape, dtype where one is given, and values."""
    result = np.asarray(result)
    if dtype is not None:
        assert result.dtype.name == dtype
    assert result.shape == expected.shape
    name = result.dtype.name
    if result.dtype.kind in "iub":
        np.testing.assert_array_equal(result, wrapped(expected, name))
        return
    bound = tolerance(a, b, name)
    wide = np.complex128 if result.dtype.kind == "c" or expected.dtype.kind == "c" else np.float64
    error = np.abs(result.astype(wide) - expected.astype(wide)).max(initial=0.0)
    assert error <= bound, f"largest error {error:.3g}, allowed {bound:.3g}"


def _each(value, rank):
    return tuple(np.broadcast_to(value, rank))


def channels(
    x, kernel, strides=1, padding="valid", data_format="channels_last", dilation_rate=1, depthwise=False,
    padding_mode="zeros",
):  # fmt: skip
    """Return the cross-correlation on channels, one tap after the other.

    y[b, p, o] = sum over taps t and channels c of o's group of x[b, p * stride - before + t * dilation, c] k[t, c, o]
    """
    if data_format == "channels_first":
        rest = (strides, padding, "channels_last", dilation_rate, depthwise, padding_mode)
        y = channels(np.moveaxis(x, 1, -1), kernel, *rest)
        return np.moveaxis(y, -1, 1)
    rank = x.ndim - 2
    if kernel.ndim == rank + 3:
        rest = (strides, padding, data_format, dilation_rate, depthwise, padding_mode)
        if not len(x):  # the shape of what one sample would give
            return channels(np.zeros((1, *x.shape[1:]), x.dtype), kernel.sum(0), *rest)[:0]
        return np.concatenate([channels(x[i : i + 1], kernel[i], *rest) for i in range(len(x))])
    if depthwise:  # a group for each channel
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    strides, dilations, taps = _each(strides, rank), _each(dilation_rate, rank), kernel.shape[:rank]
    sizes = []
    modes = [padding_mode] * rank if isinstance(padding_mode, str) else padding_mode
    for axis, (n, k, s, d, mode) in enumerate(zip(x.shape[1:-1], taps, strides, dilations, modes, strict=True), 1):
        span = (k - 1) * d + 1
        size = {"valid": (n - span) // s + 1}.get(padding, -(-n // s))
        needed = max((size - 1) * s + span - n, 0)
        before = {"valid": 0, "same": needed // 2, "causal": span - 1}[padding]
        behind = max(needed - before, 0)
        x = reaching(x, axis, -before, before + n + behind, {"zeros": "zero"}.get(mode, mode))
        sizes.append(max(size, 0))
    held, outputs = kernel.shape[-2:]
    groups = x.shape[-1] // held
    y = np.zeros((len(x), *sizes, outputs), np.result_type(x, kernel, np.float64))
    if y.size == 0:
        return y
    for tap in np.ndindex(*taps):
        cut = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, s, d in zip(tap, sizes, strides, dilations, strict=True)
        )
        seen = x[(slice(None), *cut)]
        for group in range(groups):
            into, out = slice(group * held, (group + 1) * held), outputs // groups
            own = slice(group * out, (group + 1) * out)
            y[..., own] += seen[..., into] @ kernel[tap][:, own]
    return y


def channels_transposed(
    x, kernel, strides=1, padding="valid", output_padding=None, data_format="channels_last", dilation_rate=1,
    depthwise=False,
):  # fmt: skip
    """Return the transposed convolution: every sample laid down, times the kernel, at its place, then Keras's part."""
    assert not depthwise
    if data_format == "channels_first":
        y = channels_transposed(
            np.moveaxis(x, 1, -1), kernel, strides, padding, output_padding, "channels_last", dilation_rate
        )
        return np.moveaxis(y, -1, 1)
    rank = x.ndim - 2
    if kernel.ndim == rank + 3 and not len(x):
        rest = (strides, padding, output_padding, data_format, dilation_rate)
        return channels_transposed(np.zeros((1, *x.shape[1:]), x.dtype), kernel.sum(0), *rest)[:0]
    if kernel.ndim == rank + 3:
        rest = (strides, padding, output_padding, data_format, dilation_rate)
        return np.concatenate([channels_transposed(x[i : i + 1], kernel[i], *rest) for i in range(len(x))])
    strides, dilations, taps = _each(strides, rank), _each(dilation_rate, rank), kernel.shape[:rank]
    extras = (None,) * rank if output_padding is None else _each(output_padding, rank)
    reach, kept = [], []
    for n, k, s, d, extra in zip(x.shape[1:-1], taps, strides, dilations, extras, strict=True):
        span = (k - 1) * d + 1
        reach.append((n - 1) * s + span)
        if padding == "valid":
            size, before = (n - 1) * s + (max(span, s) if extra is None else span + extra), 0
        else:
            size = n * s if extra is None else (n - 1) * s + span % 2 + extra
            before = max(reach[-1] - size, 0) // 2
        kept.append(slice(before, before + size))
    room = [max(n, cut.stop) for n, cut in zip(reach, kept, strict=True)]
    y = np.zeros((len(x), *room, kernel.shape[-2]), np.result_type(x, kernel, np.float64))
    for tap in np.ndindex(*taps):
        place = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, n, s, d in zip(tap, x.shape[1:-1], strides, dilations, strict=True)
        )
        y[(slice(None), *place)] += x @ kernel[tap].T
    return y[(slice(None), *kept)]
