"""How a drawn question is asked of a library: eagerly, compiled, before sizes are known, and for derivatives."""

import contextlib
import warnings
from unittest import mock

import numpy as np

import konvolve
from konvolve.execution import plans
from konvolve.planning.chunked import planner as chunked
from konvolve.planning.nn import planner as channel_planner
from konvolve.planning.signal import planner

# What a method, a ceiling of memory, or a graph whose sizes are not known cannot answer, and says so.
REFUSED = (
    "method='matrix' is for",
    "method='separable' is for",
    "method='separable' needs",
    "method='direct' has to know",
    "max_memory needs sizes",
    "bytes are not enough",
)


# Where a transform spreads what is not finite, as docs/differences.md says.
SPREADING = ("compiled, any size", "recorded")


def spreads(library, way, question):
    """Whether a NaN may be in more places than a tap meets it: where values are not at hand, those that taps make."""
    if way in SPREADING:
        return not question.finite
    at_hand = library.name != "jax" and way in ("eager", "autocast")
    return not (at_hand or question.normalized or question.taps_finite)


def refused(error):
    """Whether an error says that this cannot be answered; torch.compile raises it as an error of its own."""
    return any(words in str(error) for words in REFUSED)


def call(question, library):
    """Return the question as a function of its two operands, whose options are written out.

    torch.compile, asked for dynamic shapes, takes every number it finds in a closure for a size that may change.
    """
    options = ", ".join(f"{name}={value!r}" for name, value in question.options.items())
    masks = {name: library.array(x) for name, x in question.masks.items()}
    options = ", ".join([options, *(f"{name}={name}" for name in masks)])
    names = {"konvolve": konvolve, "nan": np.nan, "inf": np.inf, **masks}
    return eval(f"lambda a, b: konvolve.{question.function}(a, b, {options})", names)


def call_channels(question, library):
    """Return a question to ``konvolve.nn`` as a function of inputs and kernel."""
    from konvolve import nn

    options = ", ".join(f"{name}={value!r}" for name, value in question.options.items())
    more = {"separable_conv": "second, "}.get(question.function, "")
    if question.second is not None and not more:
        options += ", bidirectional=second"
    names = {"nn": nn, "second": None if question.second is None else library.array(question.second)}
    if question.weight:
        names["owner"] = Owner()
    kernel = "nn.Weight(b, owner)" if question.weight else "b"
    return eval(f"lambda a, b: nn.{question.function}(a, {kernel}, {more}{options})", names)


class Owner:
    """Whose a weight is."""


@contextlib.contextmanager
def steered(method):
    """Have "auto" take a method where it may, whatever it would cost; with None it chooses itself."""
    if method is None:
        yield
        return
    choose, allowed = planner._choose, channel_planner._is_allowed

    def chosen(problem, estimates, few):
        free = len(problem.methods) > 1 and method in estimates
        return (method, "drawn") if free else choose(problem, estimates, few)

    def alone(problem, profile, name):
        return allowed(problem, profile, name) and (name == method or problem.method != "auto")

    plans.forget()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(planner, "_choose", chosen))
        stack.enter_context(mock.patch.object(channel_planner, "_is_allowed", alone))
        if method == "separable":
            stack.enter_context(mock.patch.object(planner, "_WORTH", 0))
            stack.enter_context(mock.patch.object(planner, "_clearly_quicker", return_value=True))
        yield
    plans.forget()


def answer(library, way, question, ask, rng, hide=None):
    """Return what the library gives, as a NumPy array; ``hide`` says which sizes a graph is not told."""
    a, b = library.array(question.a), library.array(question.b)
    if question.kernel:
        kernel = konvolve.Kernel(b)
        if way in ("eager", "first call"):
            ask(a, kernel)  # the second call takes what the first one kept
            return library.numpy(ask(a, kernel))
        return library.numpy(_asked(way, lambda a, _: ask(a, kernel), a, b, rng, hide))
    if question.weight:  # another kernel's spectra are kept, and in eager calls then this one's
        ask(a, library.array(np.flip(question.b) * question.b.dtype.type(2)))
        if way == "eager":
            ask(a, b)
    if way == "eager" and rng.random() < 0.1:
        b = question.b  # NumPy arrays give way to the other operand's library
    return library.numpy(_asked(way, ask, a, b, rng, hide))


def _asked(way, ask, a, b, rng, hide):
    """Ask in one of the ways of a library."""
    if way in ("graph", "xla", "unknown sizes"):
        import tensorflow as tf

        specs = None
        if way == "unknown sizes":
            often = 1.0 if rng.random() < 0.5 else 0.5  # all of them, or some
            hidden = hide or (lambda which, axis: True)
            specs = [
                tf.TensorSpec(
                    [None if hidden(which, axis) and rng.random() < often else n for axis, n in enumerate(x.shape)],
                    x.dtype,
                )
                for which, x in enumerate((a, b))
            ]
        return tf.function(ask, input_signature=specs, jit_compile=way == "xla" or None)(a, b)
    if way == "constants":
        import tensorflow as tf

        return tf.function(lambda: ask(a, b))()
    if way == "chunks":
        return _in_chunks(ask, a, b, rng)
    if way == "vmap":
        import jax

        return jax.vmap(ask)(a[None], b[None])[0]
    if way.startswith("compiled"):
        import torch

        torch.compiler.reset()
        dynamic = True if way == "compiled, any size" else None
        return torch.compile(ask, fullgraph=True, dynamic=dynamic, backend="aot_eager")(a, b)
    if way == "autocast":
        import torch

        with torch.autocast("cpu", torch.bfloat16):
            return ask(a, b)
    if way == "recorded":
        return _recorded(ask, a, b, rng)
    return ask(a, b)


def _recorded(ask, a, b, rng):
    """Ask what was recorded with other operands: all of them one, of which a kernel is a product."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    def named(a, b):  # torch.jit wants to know where a function was written
        return ask(a, b)

    others = torch.ones_like(a), torch.ones_like(b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are settled while it is recorded, and PyTorch's tools are deprecated
        if rng.random() < 0.5:
            return torch.jit.trace(named, others, check_trace=False)(a, b)
        return make_fx(ask)(*others)(a, b)


def in_chunks(x, rng):
    """Return an array as a dask array in chunks at random: of one size, single samples, uneven, or all in one."""
    import dask.array as da

    chunks = []
    for n in x.shape:
        cuts = np.sort(rng.integers(0, n + 1, rng.integers(0, 5)))
        uneven = tuple(int(m) for m in np.diff([0, *cuts, n]) if m or not n)
        chunks.append(
            [1, max(1, n // 3), max(1, n // 2), max(1, n), uneven or (0,)][rng.integers(5)] if n < 60 else uneven
        )
    return da.from_array(x, chunks=tuple(chunks))


def _in_chunks(ask, a, b, rng):
    """Ask about dask arrays; the kernel is one too, now and then, and is often cut into parts."""
    import dask

    b = in_chunks(b, rng) if isinstance(b, np.ndarray) and rng.random() < 0.3 else b
    choose = (lambda halo, parts: parts) if rng.random() < 0.6 else chunked._chosen
    with mock.patch.object(chunked, "_chosen", choose):
        y = ask(in_chunks(a, rng), b)
    assert isinstance(y, dask.array.Array)
    found = y.compute(scheduler="sync")
    assert (found.shape, found.dtype, type(found)) == (y.shape, y.dtype, type(y._meta)), (found.shape, y)
    for place in np.ndindex(y.numblocks):  # chunks are as large as they were said to be
        sizes = tuple(each[at] for each, at in zip(y.chunks, place, strict=True))
        if rng.random() < 0.1:
            assert y.blocks[place].compute(scheduler="sync").shape == sizes
    return found


def derivatives(library, way, ask, question, weights):
    """Return the gradients of the sum of the result times weights, by both operands, as NumPy arrays."""
    a, b, weights = (library.array(x) for x in (question.a, question.b, weights))
    if library.name == "tensorflow":
        import tensorflow as tf

        if way == "constants":
            gradients = tf.function(lambda: tf.gradients(tf.reduce_sum(ask(a, b) * weights), [a, b]))
            return [library.numpy(x) for x in gradients()]
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            loss = tf.reduce_sum(ask(a, b) * weights)
        return [library.numpy(x) for x in tape.gradient(loss, [a, b])]
    if library.name == "torch":
        a.requires_grad_()
        b.requires_grad_()
        (ask(a, b) * weights).sum().backward()
        return [library.numpy(x.grad) for x in (a, b)]
    import jax

    return [library.numpy(x) for x in jax.grad(lambda a, b: (ask(a, b) * weights).sum(), (0, 1))(a, b)]


def differentiable(question):
    """Whether the gradients are looked at: of real numbers that are not halves."""
    names = {x.dtype.name for x in (question.a, question.b)}
    if question.normalized or not question.finite or not names <= {"float32", "float64"}:
        return False  # those of the coefficient and beside a NaN are tested where they are described
    edges = question.options.get("boundary", 0), question.options.get("fillvalue", 0)
    edges = [one for each in edges for one in (each if isinstance(each, list) else [each]) if not isinstance(one, str)]
    peaks = [*(np.abs(x).max(initial=0.0) for x in (question.a, question.b)), *np.abs(edges)]
    # Of two dtypes each gradient is of its operand's, and of the other's scale.
    return len(names) == 1 or all(not peak or 1e-20 < peak < 1e20 for peak in peaks)


def narrower(question):
    """Return the dtype of the operands that is less precise: their gradients are of their own dtypes."""
    return min(question.a.dtype.name, question.b.dtype.name)


def direction(question, name, rng):
    """Return an operand's direction at random, as large as the operand is."""
    operand = getattr(question, name)
    scale = np.abs(operand).max(initial=0.0) or 1.0
    return (rng.standard_normal(operand.shape) * scale).astype(operand.dtype)
