"""What works where: one declaration, which the tests check cell by cell and the documentation's table is made of.

``python tests/support/capabilities.py`` prints the table.
"""

import numpy as np

import konvolve

WAYS = {
    "eager": "called on arrays",
    "compiled": "inside tf.function with and without XLA, jax.jit, torch.compile(fullgraph=True)",
    "gradient": "differentiated with respect to both arrays",
    "unknown sizes": "compiled before any size is known",
    "unknown batch": "compiled before the size of the batch is known",
    "saved": "saved, and run without konvolve: tf.saved_model, jax.export, torch.export",
}

NUMPY = "NumPy has no compiler, no gradients and no saved functions"
LENGTHS = "the length of a transform must be a number when this library exports"

# What does not work, and why: (library, way): the reason, and the functions it holds for (None for all).
EXCEPTIONS = {
    **{("numpy", way): (NUMPY, None) for way in WAYS if way != "eager"},
    # Where the kernel is known, it is summed directly or in blocks of a known length, unless transforms are asked for.
    ("jax", "unknown sizes"): (LENGTHS, {"fftconvolve", "correlate"}),
    ("torch", "unknown sizes"): (
        LENGTHS,
        {
            "fftconvolve", "oaconvolve", "correlate", "correlate(normalize=True)", "convolve2d", "correlate2d",
            "ndimage.correlate",
        },
    ),
}  # fmt: skip

rng = np.random.default_rng(11)


def normal(*shape):
    return rng.standard_normal(shape)


# function: what is asked of two arrays, their values, and the axis that is a batch (None where there is none)
FUNCTIONS = {
    "fftconvolve": (
        lambda a, b: konvolve.fftconvolve(a, b, "same", axes=(1, 2)),
        normal(3, 12, 11),
        normal(1, 4, 5),
        0,
    ),
    "oaconvolve": (lambda a, b: konvolve.oaconvolve(a, b, "valid", axes=1), normal(3, 900), normal(1, 9), 0),
    "convolve": (lambda a, b: konvolve.convolve(a, b, axes=1), normal(3, 30), normal(1, 8), 0),
    "correlate": (lambda a, b: konvolve.correlate(a, b, "same", "fft", axes=1), normal(3, 30), normal(1, 8), 0),
    "correlate(normalize=True)": (
        lambda a, b: konvolve.correlate(a, b, "same", axes=1, normalize=True, min_overlap=0.3),
        normal(3, 30),
        normal(1, 8),
        0,
    ),
    'convolve(nan="omit")': (
        lambda a, b: konvolve.convolve(a, b, "same", axes=1, nan="omit"),
        np.where(rng.random((3, 30)) < 0.2, np.nan, normal(3, 30)),
        1 + rng.random((1, 4)),
        0,
    ),
    "convolve2d": (lambda a, b: konvolve.convolve2d(a, b, "same", "wrap"), normal(12, 11), normal(4, 5), None),
    "correlate2d": (lambda a, b: konvolve.correlate2d(a, b, "full", "symm"), normal(12, 11), normal(4, 5), None),
    "sepfir2d": (lambda a, b: konvolve.sepfir2d(a, b, b), normal(12, 11), normal(5), None),
    "nn.conv": (
        lambda a, b: konvolve.nn.conv(a, b, padding="same", data_format="channels_last"),
        normal(3, 30, 2),
        normal(5, 2, 3),
        0,
    ),
    "nn.depthwise_conv": (
        lambda a, b: konvolve.nn.depthwise_conv(a, b, padding="same", data_format="channels_last"),
        normal(3, 30, 2),
        normal(5, 2, 1),
        0,
    ),
    "nn.conv_transpose": (
        lambda a, b: konvolve.nn.conv_transpose(a, b, strides=2, data_format="channels_last"),
        normal(3, 20, 2),
        normal(5, 3, 2),
        0,
    ),
    "ndimage.correlate": (
        lambda a, b: konvolve.ndimage.correlate(a, b, mode="mirror", axes=(1, 2)),
        normal(2, 12, 11),
        normal(3, 4),
        0,
    ),
    "ndimage.gaussian_filter": (
        lambda a, b: konvolve.ndimage.gaussian_filter(a, b, radius=4, axes=(1, 2)),
        normal(2, 12, 11),
        np.array([0.8, 1.3]),
        0,
    ),
}


def question(function, way):
    """Return a function's question as a way asks it: what is asked, of which arrays, and the axis that is a batch."""
    ask, a, b, batch = FUNCTIONS[function]
    if way == "gradient" and a.size > 500:
        a = a[:, :60]  # the oracle takes two convolutions per sample
    return ask, a, b, batch


LIBRARIES = {"numpy": "NumPy", "tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def reason(function, library, way):
    """Return why a cell does not work, None where it does."""
    why, functions = EXCEPTIONS.get((library, way), (None, ()))
    return why if functions is None or function in functions else None


KERNELS = {"torch": ("tensor", "parameter")}
"""What a kernel may be, where a library has kinds of arrays that its compiler tells apart."""

SHAPED = "of a known shape"
"""The kind of kernel whose sizes are known where no others are: an image filter's, a sigma, and a network's."""


def unknown_axes(function):
    """Return the axes of the first array whose sizes may be unknown: all, but for a network's number of channels."""
    return range(FUNCTIONS[function][1].ndim - function.startswith("nn."))


def cells():
    """Return every (function, library, way, kind of kernel) there is, with the reason where it does not work."""
    return [
        (function, library, way, kernel, reason(function, library, way))
        for function, (*_, batch) in FUNCTIONS.items()
        for library in LIBRARIES
        for way in WAYS
        if way != "unknown batch" or batch is not None
        for kernel in KERNELS.get(library, (SHAPED if function.startswith(("ndimage", "nn")) else "array",))
        if kernel != "tensor" or "normalize" not in function  # a large program: parameters alone, which ask for more
    ]


def takes_long(function, way):
    """Whether a cell is run with --slow alone."""
    return "normalize" in function and way not in ("eager", "compiled")


def table():
    """Return the table as Markdown."""
    lines = ["| | " + " | ".join(LIBRARIES.values()) + " |", "|---|" + "---|" * len(LIBRARIES)]
    for way, meaning in WAYS.items():
        marks = []
        for library in LIBRARIES:
            working = [function for function in FUNCTIONS if reason(function, library, way) is None]
            everything = len(working) == len(FUNCTIONS)
            marks.append("yes" if everything else ", ".join(f"`{name}`" for name in working) or "-")
        lines.append(f"| **{way}**: {meaning} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
