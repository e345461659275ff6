"""How a drawn question is asked of a library: eagerly, compiled, before sizes are known, and for derivatives."""

import numpy as np

import konvolve

# What a method, a ceiling of memory, or a graph whose sizes are not known cannot answer, and says so.
REFUSED = (
    "method='matrix' is for",
    "method='separable' is for",
    "method='separable' needs",
    "method='direct' has to know",
    "max_memory needs sizes",
    "bytes are not enough",
)


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
    return eval(f"lambda a, b: nn.{question.function}(a, b, {more}{options})", names)


def answer(library, way, question, ask, rng, hide=None):
    """Return what the library gives, as a NumPy array; ``hide`` says which sizes a graph is not told."""
    a, b = library.array(question.a), library.array(question.b)
    if question.kernel:
        kernel = konvolve.Kernel(b)
        if way in ("eager", "first call"):
            ask(a, kernel)  # the second call takes what the first one kept
            return library.numpy(ask(a, kernel))
        return library.numpy(_asked(way, lambda a, _: ask(a, kernel), a, b, rng, hide))
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
    if way == "vmap":
        import jax

        return jax.vmap(ask)(a[None], b[None])[0]
    if way.startswith("compiled"):
        import torch

        torch.compiler.reset()
        dynamic = True if way == "compiled, any size" else None
        return torch.compile(ask, fullgraph=True, dynamic=dynamic, backend="aot_eager")(a, b)
    return ask(a, b)


def derivatives(library, ask, question, weights):
    """Return the gradients of the sum of the result times weights, by both operands, as NumPy arrays."""
    a, b, weights = (library.array(x) for x in (question.a, question.b, weights))
    if library.name == "tensorflow":
        import tensorflow as tf

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
    peaks = [np.abs(x).max(initial=0.0) for x in (question.a, question.b)]
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
