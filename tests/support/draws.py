"""Questions to the family at random, every option drawn together, and what the direct sum answers.

One number of a draw, with the seed, gives one question on every machine. ``pytest tests/test_draws.py --seed 7`` asks
others; ``--draw 123`` asks that one alone, which is how a failure is looked at.
"""

from dataclasses import dataclass, field

import numpy as np

import oracle
import samples
from konvolve.planning import dtypes
from samples import FLOATS, INTEGERS

FUNCTIONS = ("convolve", "correlate", "convolve", "correlate", "fftconvolve", "oaconvolve", "convolve2d", "correlate2d")
DTYPES = (*INTEGERS, "int64", "int64", "uint64", *FLOATS, *FLOATS)
METHODS = ("auto", "auto", "auto", "direct", "fft", "overlap", "matrix", "separable")
BOUNDARIES = ("zero", "zero", "wrap", "circular", "symmetric", "symm", "reflect", "nearest", "edge")
# The longest axes by the number of axes: the sum is taken tap by tap.
SMALL = {1: 40, 2: 12, 3: 6, 4: 4}


@dataclass
class Question:
    """One call: a function, its operands and its keyword arguments; ``kernel`` wraps in2 in a ``konvolve.Kernel``.

    ``masks`` are those of a correlation coefficient. ``product``: in2 is the product of one factor for each axis.
    ``steered``: the method that "auto" is made to take.
    """

    number: tuple[int, int]
    function: str
    a: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)
    options: dict
    kernel: bool = False
    masks: dict = field(default_factory=dict, repr=False)
    product: bool = False
    steered: str | None = None
    weight = False  # which are for channels

    def __str__(self):
        given = (self.a, self.b, *self.masks.values())
        operands = ", ".join(f"{x.dtype.name}{list(x.shape)}" for x in given)
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        wrapped = " with a Kernel" if self.kernel else ""
        wrapped += f" by {self.steered}" if self.steered else ""
        return f"{self.function}({operands}, {options}){wrapped}   --seed {self.number[0]} --draw {self.number[1]}"

    @property
    def axes(self):
        """The axes that are convolved, in the order they were named."""
        axes = self.options.get("axes")
        ndim = self.a.ndim
        return tuple(range(ndim)) if axes is None else tuple(axis % ndim for axis in np.atleast_1d(axes).tolist())

    @property
    def normalized(self):
        """Whether the correlation coefficient is asked for."""
        return self.options.get("normalize", False)

    @property
    def finite(self):
        """Whether all that is asked about is finite."""
        edges = self.options.get("boundary", 0), self.options.get("fillvalue", 0)
        edges = [one for each in edges for one in (each if isinstance(each, list) else [each])]
        operands = [x for x in (self.a, self.b) if x.dtype.kind in "fc"]
        return all(np.isfinite(one) for one in edges if not isinstance(one, str)) and all(
            np.isfinite(x).all() for x in operands
        )

    @property
    def taps_finite(self):
        """Whether the operand over whose samples a direct sum goes, the shorter one, is finite."""
        sizes = [np.prod([x.shape[axis] for axis in self.axes]) for x in (self.a, self.b)]
        both = [self.a, self.b] if sizes[0] < sizes[1] else [self.b]
        return all(x.dtype.kind not in "fc" or bool(np.isfinite(x).all()) for x in both)

    @property
    def result(self):
        """The dtype of the result."""
        if self.function not in ("fftconvolve", "oaconvolve"):
            return np.result_type(self.a, self.b).name
        if 0 in self.a.shape or 0 in self.b.shape:
            return "float64"
        if all(1 in (self.a.shape[axis], self.b.shape[axis]) for axis in self.axes):  # a plain product
            return np.result_type(self.a, self.b).name
        return dtypes.result_type(dtypes.as_float(self.a.dtype.name), dtypes.as_float(self.b.dtype.name))

    @np.errstate(all="ignore")
    def coefficient(self):
        """Return the correlation coefficient at each lag."""
        options = {
            name: self.options[name] for name in ("mode", "lags", "min_overlap", "undefined") if name in self.options
        }
        if "lags" in options and not isinstance(options["lags"][0], tuple):
            options["lags"] = [options["lags"]]
        masks = self.masks.get("mask1"), self.masks.get("mask2")
        return oracle.coefficient(self.a, self.b, *masks, axes=self.axes, **options)

    @np.errstate(all="ignore")
    def answer(self, a=None, b=None, *, linear=False):
        """Return the direct sum of the operands, or of others of their shapes, and in1 as far as it is needed.

        ``linear`` leaves out the constants beyond the edges: what remains is linear in both operands.
        """
        a, b = self.a if a is None else a, self.b if b is None else b
        options = self.options
        mode = options.get("mode", "full")
        if self.function in ("fftconvolve", "oaconvolve"):
            if 0 in a.shape or 0 in b.shape:
                return np.zeros(0), a
            return oracle.convolve(a, b, mode, self.axes), a
        correlating = self.function.startswith("correlate")
        boundary = options.get("boundary", "zero")
        if self.function.endswith("2d"):
            boundary = options.get("fillvalue", 0) if boundary in ("fill", "pad") else boundary
        each = boundary if isinstance(boundary, (list, tuple)) else [boundary] * len(self.axes)
        integral = np.dtype(self.result).kind in "iub"
        constants = {False: lambda value: int(value) if integral else value, True: lambda value: "zero"}[linear]
        each = [one if isinstance(one, str) else constants(one) for one in each]
        lags = options.get("lags")
        if lags is not None and not isinstance(lags[0], (tuple, list)):
            lags = [lags]
        late = self.function == "correlate2d" and mode == "same"
        return oracle.family(
            a, b, correlating=correlating, mode=mode, axes=self.axes, boundary=each, lags=lags, late=late
        )


def question(seed, number, allowed=DTYPES):
    """Draw a question; ``allowed`` are the dtypes to draw from."""
    rng = np.random.default_rng((seed, number))
    function = str(rng.choice(FUNCTIONS))
    planar = function.endswith("2d")
    if planar:
        allowed = [name for name in allowed if name != "bool"]
    shape1, shape2 = _sizes(rng, 2 if planar else int(rng.choice([1, 1, 2, 2, 2, 3, 3, 4])))
    options = {"mode": str(rng.choice(["full", "same", "valid"]))}
    if function not in ("fftconvolve", "oaconvolve"):
        options["method"] = str(rng.choice(METHODS))
    steered = _steered(rng, options)
    factors = "separable" in (options.get("method"), steered)
    if factors:  # what has factors has several axes
        shape1, shape2 = ([int(n) for n in rng.integers(2, most, 2 if planar else 3)] for most in (9, 5))
    ndim = len(shape1)
    axes = tuple(range(ndim))
    if not planar and rng.random() < 0.6 and not (factors and rng.random() < 0.5):
        axes = tuple(int(axis) for axis in rng.permutation(ndim)[: rng.integers(1, ndim + 1)])
        named = [axis - ndim if rng.random() < 0.3 else axis for axis in axes]
        options["axes"] = named[0] if len(named) == 1 and rng.random() < 0.5 else named
    matrix = "matrix" in (options.get("method"), steered)
    single = (factors or matrix) and rng.random() < 0.8
    if single:  # which are not for everything: "matrix" often along a single one of the axes
        allowed = [name for name in allowed if name in FLOATS]
        taken = axes if factors or rng.random() < 0.4 else axes[:1]
        shape2 = [n if axis in taken else 1 for axis, n in enumerate(shape2)]
    _fit(rng, shape1, shape2, axes, options["mode"], single)
    dtype1 = str(rng.choice(allowed))
    dtype2 = str(rng.choice(allowed)) if rng.random() < 0.4 else dtype1
    if function == "correlate" and rng.random() < 0.35:
        return _coefficient(rng, (seed, number), axes, (shape1, shape2), (dtype1, dtype2), options, steered)
    powers = samples.exponents(rng, dtype1, dtype2)
    a, b = samples.values(rng, shape1, dtype1, powers[0]), samples.values(rng, shape2, dtype2, powers[1])
    result = np.result_type(a, b).name
    if function not in ("fftconvolve", "oaconvolve"):
        _more(rng, function, axes, shape1, shape2, result, powers[1], options)
    of_factors = factors or rng.random() < 0.1
    if of_factors:
        b = samples.product(rng, shape2, dtype2)
    if options.get("method") in ("auto", "direct") and rng.random() < 0.4:  # the others spread what is not finite
        a = samples.spoilt(rng, a) if a.dtype.kind in "fc" and rng.random() < 0.8 else a
        b = samples.spoilt(rng, b) if b.dtype.kind in "fc" and rng.random() < 0.3 and not _mixed(options) else b
    if rng.random() < 0.1:  # as views, whose samples do not lie side by side
        a, b = np.flip(np.flip(a).copy()), np.asfortranarray(b)
    wrapped = bool(b.size and rng.random() < 0.15)
    return Question((seed, number), function, a, b, options, kernel=wrapped, product=of_factors, steered=steered)


def _steered(rng, options):
    """Draw what "auto" is made to take: it would sum nearly all that is drawn here directly."""
    steered = options.get("method") == "auto" and rng.random() < 0.6
    return str(rng.choice(["fft", "overlap", "matrix", "separable"])) if steered else None


def _coefficient(rng, number, axes, shapes, names, options, steered):
    """Draw a question for the correlation coefficient: scales that have no bounds, masks, templates, offsets."""
    if options["method"] in ("matrix", "separable"):
        options["method"] = "auto"
    # The oracle looks at one lag after the other, so there are not too many of them.
    shapes = [[min(n, 300 if len(axes) == 1 else 12) for n in shape] for shape in shapes]
    if rng.random() < 0.4:
        options["mode"] = "full"
        options["lags"] = [_lags(rng, shapes[0][axis], shapes[1][axis]) for axis in axes]
    powers = [samples.exponents(rng, name, "float64")[0] for name in names]
    a, b = (samples.values(rng, shape, name, power) for shape, name, power in zip(shapes, names, powers, strict=True))
    if rng.random() < 0.3 and a.dtype.kind in "fc":  # far from zero
        a = a + a.dtype.type(10.0 ** (powers[0] + int(rng.integers(0, 3))))
    if rng.random() < 0.3:  # what is looked for is there
        b = a[tuple(slice(0, n) for n in b.shape)].copy()
    options["normalize"] = True
    if rng.random() < 0.4:
        options["min_overlap"] = 0.3 if rng.random() < 0.5 else int(rng.integers(0, max(b.size, 1) + 1))
    if rng.random() < 0.4:
        options["undefined"] = float("nan")
    if rng.random() < 0.3 and a.dtype.kind in "fc":
        a = samples.spoilt(rng, a)
    masks = {}
    if rng.random() < 0.4:
        masks["mask1"] = samples.mask(rng, a.shape)
        a = samples.covered(rng, a, masks["mask1"])
    if rng.random() < 0.4:
        masks["mask2"] = samples.mask(rng, b.shape)
        b = samples.covered(rng, b, masks["mask2"])
    return Question(number, "correlate", a, b, options, masks=masks, steered=steered)


def _sizes(rng, ndim):
    """Draw two shapes: small ones of any rank, or one long axis; one sample is as likely as many."""
    if ndim < 3 and rng.random() < 0.3:
        long = 2000 if ndim == 1 else 400
        shape1 = [int(rng.integers(1, 7)) for _ in range(ndim)]
        shape2 = [int(rng.integers(1, 4)) for _ in range(ndim)]
        axis = int(rng.integers(ndim))
        shape1[axis] = int(rng.integers(long // 8, long))
        shape2[axis] = int(rng.integers(1, max(2, int(shape1[axis] ** rng.uniform(0.2, 0.75)))))
        if rng.random() < 0.2:
            shape1, shape2 = shape2, shape1
    else:
        shape1, shape2 = ([int(rng.integers(1, SMALL[ndim] + 1)) for _ in range(ndim)] for _ in range(2))
    for shape in (shape1, shape2):
        for axis in range(ndim):
            if rng.random() < 0.25:
                shape[axis] = 1
    return shape1, shape2


def _fit(rng, shape1, shape2, axes, mode, single):
    """Make the shapes such that the function takes them: batches that broadcast, and for "valid" one that fits in.

    ``single`` asks for a single kernel for all rows, the shorter operand.
    """
    larger = single or rng.random() < 0.7
    for axis in range(len(shape1)):
        n1, n2 = shape1[axis], shape2[axis]
        if axis not in axes:
            which = 3 if single else rng.choice(4)
            n = int(rng.integers(1, 5))
            shape1[axis], shape2[axis] = [(n, n), (1, n), (n, 1), (n, 1)][which]
            if rng.random() < 0.06:  # no rows at all
                shape1[axis], shape2[axis] = (0, 0) if which == 0 else (0, 1) if which > 1 else (1, 0)
        elif mode == "valid":
            shape1[axis], shape2[axis] = (max(n1, n2), min(n1, n2)) if larger else (min(n1, n2), max(n1, n2))


def _more(rng, function, axes, shape1, shape2, result, power, options):
    """Draw what the functions have beyond ``fftconvolve``; ``power`` of ten is that of the kernel."""
    if function.endswith("2d"):
        options["boundary"] = str(rng.choice(["fill", "fill", "pad", "wrap", "circular", "symm", "symmetric"]))
        if rng.random() < 0.7:
            options["fillvalue"] = _fill(rng, result, power)
        return
    matrix = options["method"] == "matrix"  # which once ignored lags where in2 has one sample
    if rng.random() < (0.3 if matrix else 0.6):
        words = BOUNDARIES if rng.random() < 0.65 else ("zero",)
        each = [_fill(rng, result, power) if rng.random() < 0.4 else str(rng.choice(words)) for _ in axes]
        options["boundary"] = each[0] if rng.random() < 0.3 else each
    if function == "correlate" and rng.random() < (0.9 if matrix else 0.5):
        options["mode"] = "full"
        options["lags"] = [_lags(rng, shape1[axis], shape2[axis]) for axis in axes]
        if len(axes) == 1 and rng.random() < 0.5:
            options["lags"] = options["lags"][0]
    if rng.random() < 0.1:
        result = np.prod([n1 + n2 for n1, n2 in zip(shape1, shape2, strict=True)]) * np.dtype(result).itemsize
        options["max_memory"] = int(result * rng.uniform(0.5, 20)) + 1


def _mixed(options):
    """Whether there are zeros beyond one axis and samples beyond another: are those zeros samples that a NaN meets?"""
    edges = options.get("boundary", "zero")
    return isinstance(edges, list) and len({one in ("zero", 0) for one in edges}) == 2


def _lags(rng, n1, n2):
    """Draw the lowest and the highest lag: among those at which the two meet, across their ends, or beyond."""
    reach = max(n1, n2) // 2 + 3
    low = int(rng.integers(-(n2 - 1) - reach, n1 + reach))
    return low, low + int(rng.integers(0, rng.choice([2, 6, n1 + n2 + 4])))


def _fill(rng, result, power):
    """Draw a constant beyond the edges: small, or at the ends of what the result's dtype holds."""
    kind = np.dtype(result).kind
    if kind == "b":
        return int(rng.integers(0, 2))
    if kind in "iu":
        info = np.iinfo(result)
        near = [
            int(info.min),
            int(info.max),
            int(info.max) // 3 * 2,
            int(rng.integers(0, 5)),
            min(10**12, int(info.max)),
        ]
        return near[rng.integers(len(near))] if rng.random() < 0.9 else 2.7  # whose fraction is cut off
    if rng.random() < 0.06:
        return float(rng.choice(samples.NOT_FINITE))
    low, high = samples.PRODUCTS[samples.bits(result)]
    if samples.bits(result) == 16:
        low, high = -2, 1
    else:  # such that a product with the kernel is one
        low, high = low - min(power, 0), high - max(power, samples.INTEGER_DIGITS)
    value = float(np.float32(rng.standard_normal())) * 10.0 ** int(rng.integers(low, high + 1))
    value = value if rng.random() < 0.3 else int(rng.integers(-3, 4))
    return complex(value, int(rng.integers(-2, 3))) if kind == "c" and rng.random() < 0.5 else value
