"""Each cell of the table in the documentation, run."""

import io
import pathlib

import numpy as np
import pytest

import capabilities

SPEC = "float64"


def in_tensorflow(way, ask, a, b, batch, folder):
    import tensorflow as tf

    def signature(unknown):
        return [
            tf.TensorSpec([None if unknown(x, axis) else n for axis, n in enumerate(x.shape)], SPEC) for x in (a, b)
        ]

    if way == "eager":
        return ask(tf.constant(a), tf.constant(b)).numpy()
    if way == "compiled":
        plain, xla = (tf.function(ask, jit_compile=jit)(a, b).numpy() for jit in (False, True))
        np.testing.assert_allclose(plain, xla, atol=1e-12)
        return plain
    if way == "gradient":
        one, two = tf.constant(a), tf.constant(b)
        with tf.GradientTape() as tape:
            tape.watch([one, two])
            loss = tf.reduce_sum(ask(one, two) ** 2)
        return [g.numpy() for g in tape.gradient(loss, [one, two])]
    unknown = (lambda x, axis: x is a and axis == batch) if way == "unknown batch" else (lambda x, axis: True)
    compiled = tf.function(ask, input_signature=signature(unknown))
    if way == "saved":
        module = tf.Module()
        module.ask = compiled
        tf.saved_model.save(module, folder / "saved")
        compiled = tf.saved_model.load(folder / "saved").ask
    return compiled(a, b).numpy()


def in_jax(way, ask, a, b, batch, folder):
    import jax

    jax.config.update("jax_enable_x64", True)
    a, b = jax.numpy.asarray(a), jax.numpy.asarray(b)
    if way == "eager":
        return np.asarray(ask(a, b))
    if way == "compiled":
        return np.asarray(jax.jit(ask)(a, b))
    if way == "gradient":
        return [np.asarray(g) for g in jax.grad(lambda a, b: (ask(a, b) ** 2).sum(), (0, 1))(a, b)]
    shape = list(map(str, a.shape))
    if way == "unknown batch":
        shape[batch] = "n"
    if way == "unknown sizes":
        shape = [f"n{axis}" for axis in range(a.ndim)]
    spec = jax.ShapeDtypeStruct(jax.export.symbolic_shape(", ".join(shape)), a.dtype)
    exported = jax.export.export(jax.jit(ask))(spec, jax.ShapeDtypeStruct(b.shape, b.dtype))
    return np.asarray(jax.export.deserialize(exported.serialize()).call(a, b))


def in_torch(way, ask, a, b, batch, folder):
    import torch

    a, b = torch.from_numpy(a.copy()), torch.from_numpy(b.copy())
    if way == "eager":
        return ask(a, b).numpy()
    if way == "compiled":
        torch.compiler.reset()
        return torch.compile(ask, fullgraph=True, backend="eager")(a, b).numpy()
    if way == "gradient":
        a.requires_grad_(), b.requires_grad_()
        return [g.numpy() for g in torch.autograd.grad((ask(a, b) ** 2).sum(), (a, b))]

    class Module(torch.nn.Module):
        def forward(self, a, b):
            return ask(a, b)

    dimension = torch.export.Dim
    dynamic = {
        "saved": {},
        "unknown batch": {batch: dimension("n", min=2, max=9)},
        "unknown sizes": {axis: dimension(f"n{axis}", min=10, max=999) for axis in range(a.ndim)},
    }[way]
    exported = torch.export.export(Module(), (a, b), dynamic_shapes={"a": dynamic, "b": {}})
    memory = io.BytesIO()
    torch.export.save(exported, memory)
    memory.seek(0)
    return torch.export.load(memory).module()(a, b).numpy()


def in_numpy(way, ask, a, b, batch, folder):
    if way != "eager":
        raise NotImplementedError(way)
    return ask(a, b)


RUN = {"numpy": in_numpy, "tensorflow": in_tensorflow, "jax": in_jax, "torch": in_torch}


def slopes(ask, a, b):
    """Return the gradients of the sum of squares: a unit step at each sample in turn, which is exact for a parabola."""
    found = []
    for which in (0, 1):
        gradient = np.zeros_like((a, b)[which])
        for place in np.ndindex(*gradient.shape):
            sides = []
            for step in (1.0, -1.0):
                pair = [a.copy(), b.copy()]
                pair[which][place] += step
                sides.append((ask(*pair) ** 2).sum())
            gradient[place] = (sides[0] - sides[1]) / 2
        found.append(gradient)
    return found


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch", "ignore::UserWarning:torch"
)
@pytest.mark.parametrize(("function", "library", "way", "reason"), capabilities.cells())
def test_what_works_where(function, library, way, reason, tmp_path):
    ask, a, b, batch = capabilities.FUNCTIONS[function]
    if reason is not None:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each library refuses in its own way
            RUN[library](way, ask, a, b, batch, tmp_path)
        return
    if way == "gradient" and a.size > 500:
        a = a[:, :60]  # the oracle takes two convolutions per sample
    found = RUN[library](way, ask, a, b, batch, tmp_path)
    if way != "gradient":
        np.testing.assert_allclose(found, ask(a, b), rtol=0, atol=1e-11)
        return
    if function == "sepfir2d":  # the kernel enters twice: no longer a parabola, so only the image's slope is exact
        found = found[:1]
    for gradient, expected in zip(found, slopes(ask, a, b), strict=False):
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-9)


def test_the_documentation_shows_this_table():
    page = pathlib.Path(__file__).parents[1] / "docs" / "what-works-where.md"
    assert capabilities.table() in page.read_text()
