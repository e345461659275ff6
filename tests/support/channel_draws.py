"""Questions to ``konvolve.nn`` at random, every option drawn together, and what the sums of their definition answer."""

from dataclasses import dataclass, field

import numpy as np

import oracle
from samples import exponents, spoilt, values

FUNCTIONS = ("conv", "conv", "depthwise_conv", "conv_transpose", "separable_conv")
METHODS = ("auto", "auto", "direct", "fft", "overlap")
DTYPES = ("float16", "float32", "float64", "float32", "float64", "complex64", "complex128")
MODES = ("zeros", "reflect", "symmetric", "nearest", "circular")


@dataclass
class Question:
    """One call: a function, its inputs, kernel and options; ``second`` is the pointwise or the looking-ahead kernel.

    ``steered``: the method that "auto" is made to take. ``weight``: the kernel is an owner's ``nn.Weight``, for whom
    the spectra of another kernel are kept already.
    """

    number: tuple[int, int]
    function: str
    a: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)
    second: np.ndarray | None = field(repr=False)
    options: dict
    kernel: bool = False
    steered: str | None = None
    weight: bool = False

    def __str__(self):
        given = [self.a, self.b] if self.second is None else [self.a, self.b, self.second]
        operands = ", ".join(f"{x.dtype.name}{list(x.shape)}" for x in given)
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        wrapped = " with a Kernel" if self.kernel else " with a Weight" if self.weight else ""
        wrapped += f" by {self.steered}" if self.steered else ""
        return f"nn.{self.function}({operands}, {options}){wrapped}   --seed {self.number[0]} --draw {self.number[1]}"

    @property
    def result(self):
        """The dtype of the result: integers take that of the other operand."""
        names = [x.dtype for x in (self.a, self.b) if x.dtype.kind in "fc"]
        return np.result_type(*names).name

    @np.errstate(all="ignore")
    def answer(self, a=None, b=None):
        """Return the sum, and an array of what it was taken of, for the tolerance."""
        a, b = self.a if a is None else a, self.b if b is None else b
        wide = np.result_type(a, b, np.float64)
        options = {name: value for name, value in self.options.items() if name != "method"}
        x, kernel = a.astype(wide), b.astype(wide)
        if self.function == "conv_transpose":
            return oracle.channels_transposed(x, kernel, **options), x
        depthwise = self.function != "conv"
        y = oracle.channels(x, kernel, depthwise=depthwise, **options)
        if self.function == "separable_conv":
            scale = np.linalg.norm(self.second.astype(wide).ravel())
            return oracle.channels(y, self.second.astype(wide), 1, "valid", options["data_format"]), x * scale
        if self.second is not None:
            # The last tap of either meets the sample itself, whatever the stride.
            axis = 1 if options["data_format"] == "channels_last" else 2
            stride = np.atleast_1d(options["strides"])[0]
            every = {**options, "strides": 1, "depthwise": depthwise}
            ahead = np.flip(oracle.channels(np.flip(x, axis), self.second.astype(wide), **every), axis)
            y = y + np.take(ahead, range(0, ahead.shape[axis], stride), axis)
        return y, x

    @property
    def normalized(self):
        """Whether the correlation coefficient is asked for: of channels there is none."""
        return False

    @property
    def finite(self):
        """Whether all that is asked about is finite."""
        return bool(np.isfinite(self.a).all())

    @property
    def kernels(self):
        """The samples of the kernels that are added up, for the tolerance."""
        bidirectional = self.second is not None and self.function != "separable_conv"
        return np.concatenate([self.b.ravel(), self.second.ravel()]) if bidirectional else self.b

    @property
    @np.errstate(all="ignore")
    def slack(self):
        """What half precision loses between the two steps of ``separable_conv``."""
        if self.function != "separable_conv" or self.result != "float16":
            return 0.0
        options = {name: value for name, value in self.options.items() if name != "method"}
        between = oracle.channels(self.a.astype(float), self.b.astype(float), depthwise=True, **options)
        second = np.abs(self.second.astype(float))
        lost = oracle.channels(np.abs(between), second, 1, "valid", options["data_format"])
        return oracle.EPSILON["float16"] * np.where(np.isfinite(lost), lost, 0.0)


def question(seed, number, allowed=DTYPES, functions=FUNCTIONS):
    """Draw a question; ``allowed`` are the dtypes to draw from, ``functions`` what may be asked."""
    rng = np.random.default_rng((seed, number, 1))
    function = str(rng.choice(functions))
    rank = int(rng.choice([1, 1, 2, 2, 3]))
    most, longest = {1: (60, 20), 2: (12, 5), 3: (7, 4)}[rank]
    spatial = [int(n) for n in rng.integers(1, most, rank)]
    taps = [int(n) for n in rng.integers(1, longest, rank)]
    if rank == 1 and rng.random() < 0.2:  # so long that blocks are worth cutting
        spatial, taps = [int(rng.integers(200, 1500))], [int(rng.integers(1, 150))]
    for axis in range(rank):
        if rng.random() < 0.1:
            spatial[axis] = 1
        if rng.random() < 0.2:
            taps[axis] = 1
    groups, held, outputs = (int(n) for n in rng.integers(1, 4, 3))
    batch = int(rng.integers(1, 4)) if rng.random() < 0.95 else 0
    options = _options(rng, function, rank)
    channels = groups * held if function == "conv" else held
    shape = {
        "conv": (*taps, held, groups * outputs),
        "conv_transpose": (*taps, outputs, held),
    }.get(function, (*taps, held, outputs))
    if rng.random() < 0.2:
        shape = (batch, *shape)
    last = options["data_format"] == "channels_last"
    dtype1 = str(rng.choice(allowed))
    dtype2 = str(rng.choice([*allowed, "int8", "uint16", "int32"])) if rng.random() < 0.3 else dtype1
    powers = exponents(rng, dtype1, dtype2, dtype1 if np.dtype(dtype2).kind in "iu" else None)  # integers widen nothing
    a = values(rng, (batch, *spatial, channels) if last else (batch, channels, *spatial), dtype1, powers[0])
    b = values(rng, shape, dtype2, powers[1], dtype1)
    if options["method"] in ("auto", "direct") and a.dtype.kind in "fc" and rng.random() < 0.3:
        a = spoilt(rng, a)  # the others spread what is not finite
    second = None
    if function == "separable_conv":
        second = rng.standard_normal((*[1] * rank, held * outputs, int(rng.integers(1, 4)))).astype(b.dtype)
    elif options["padding"] == "causal" and rng.random() < 0.3:
        extent = list(b.shape)
        extent[-3] = int(rng.integers(1, longest))
        second = values(rng, extent, dtype2, powers[1], dtype1)
    wrapped = bool(second is None and b.size and rng.random() < 0.15)
    steered = options["method"] == "auto" and rng.random() < 0.6
    steered = str(rng.choice(["fft", "overlap"])) if steered else None
    weight = bool(not wrapped and b.size and rng.random() < 0.25)
    return Question((seed, number), function, a, b, second, options, wrapped, steered, weight)


def _options(rng, function, rank):
    """Draw the options that every mixture is allowed of."""
    options = {
        "strides": [int(s) for s in rng.integers(1, 4, rank)] if rng.random() < 0.5 else int(rng.integers(1, 3)),
        "padding": str(
            rng.choice(["valid", "same", "causal"][: 3 if rank == 1 and function != "conv_transpose" else 2])
        ),
        "data_format": str(rng.choice(["channels_last", "channels_first"])),
        "dilation_rate": [int(d) for d in rng.integers(1, 3, rank)] if rng.random() < 0.5 else 1,
        "method": str(rng.choice(METHODS)),
    }
    if function == "conv_transpose":
        if rng.random() < 0.5:
            strides = np.broadcast_to(options["strides"], rank)
            options["output_padding"] = [int(rng.integers(0, s)) for s in strides]
    elif options["padding"] != "valid" and rng.random() < 0.5:
        each = [str(rng.choice(MODES)) for _ in range(rank)]
        options["padding_mode"] = each if rng.random() < 0.5 else each[0]
    return options
