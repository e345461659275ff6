"""Runs cells of the table in docs/what-works-where.md, each in a process that has called nothing before.

``python run_cells.py LIBRARY`` imports the library and konvolve, and calls neither. For each line that comes in - a
function, a way, the kind of kernel and a folder, in JSON - it forks, and the child runs that cell: it leaves its
results in the folder, or what it raised. The child has the modules, but nobody has made an array, a plan or a program,
and none of konvolve's backends has been imported. Forking is safe as long as no library has been called, which starts
threads.
"""

import importlib
import io
import json
import os
import pathlib
import sys
import traceback
import warnings

import numpy as np

import capabilities

# The parts that a library imports when something is compiled or saved: once, and not in every child.
PARTS = {
    "numpy": (),
    "tensorflow": ("tensorflow",),
    "jax": ("jax", "jax.export"),
    "torch": ("torch", "torch._dynamo", "torch.export", "torch._functorch.aot_autograd"),
}
SPEC = "float64"


def in_tensorflow(way, ask, a, b, batch, sizes, kernel, folder):
    import tensorflow as tf

    def signature(unknown):
        return [
            tf.TensorSpec([None if unknown(x, axis) else n for axis, n in enumerate(x.shape)], SPEC) for x in (a, b)
        ]

    if way == "eager":
        return [ask(tf.constant(a), tf.constant(b)).numpy()]
    if way == "compiled":
        return [tf.function(ask, jit_compile=jit)(a, b).numpy() for jit in (False, True)]
    if way == "gradient":
        one, two = tf.constant(a), tf.constant(b)
        with tf.GradientTape() as tape:
            tape.watch([one, two])
            loss = tf.reduce_sum(ask(one, two) ** 2)
        return [g.numpy() for g in tape.gradient(loss, [one, two])]
    unknown = (lambda x, axis: x is a and axis == batch) if way == "unknown batch" else (lambda x, axis: True)
    if kernel == capabilities.SHAPED and way != "unknown batch":
        unknown = lambda x, axis: x is a and axis in sizes  # noqa: E731
    compiled = tf.function(ask, input_signature=signature(unknown))
    if way == "saved":
        module = tf.Module()
        module.ask = compiled
        tf.saved_model.save(module, folder / "saved")
        compiled = tf.saved_model.load(folder / "saved").ask
    return [compiled(a, b).numpy()]


def in_jax(way, ask, a, b, batch, sizes, kernel, folder):
    import jax

    jax.config.update("jax_enable_x64", True)
    a, b = jax.numpy.asarray(a), jax.numpy.asarray(b)
    if way == "eager":
        return [np.asarray(ask(a, b))]
    if way == "compiled":
        return [np.asarray(jax.jit(ask)(a, b))]
    if way == "gradient":
        return [np.asarray(g) for g in jax.grad(lambda a, b: (ask(a, b) ** 2).sum(), (0, 1))(a, b)]
    shape = list(map(str, a.shape))
    if way == "unknown batch":
        shape[batch] = "n"
    if way == "unknown sizes":
        shape = [f"n{axis}" if axis in sizes else str(n) for axis, n in enumerate(a.shape)]
    spec = jax.ShapeDtypeStruct(jax.export.symbolic_shape(", ".join(shape)), a.dtype)
    exported = jax.export.export(jax.jit(ask))(spec, jax.ShapeDtypeStruct(b.shape, b.dtype))
    return [np.asarray(jax.export.deserialize(exported.serialize()).call(a, b))]


def in_torch(way, ask, a, b, batch, sizes, kernel, folder):
    import torch

    a, b = torch.from_numpy(a.copy()), torch.from_numpy(b.copy())
    if kernel == "parameter":
        b = torch.nn.Parameter(b)
    if way == "eager":
        return [ask(a, b).detach().numpy()]
    if way == "compiled":
        return [torch.compile(ask, fullgraph=True, backend="eager")(a, b).detach().numpy()]
    if way == "gradient":
        a.requires_grad_(), b.requires_grad_()
        return [g.numpy() for g in torch.autograd.grad((ask(a, b) ** 2).sum(), (a, b))]

    class Given(torch.nn.Module):
        def forward(self, a, b):
            return ask(a, b)

    class Owned(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.b = b

        def forward(self, a):
            return ask(a, self.b)

    dimension = torch.export.Dim
    dynamic = {
        "saved": {},
        "unknown batch": {batch: dimension("n", min=2, max=9)},
        "unknown sizes": {axis: dimension(f"n{axis}", min=2 if axis == batch else 10, max=999) for axis in sizes},
    }[way]
    module, arrays, shapes = Given(), (a, b), {"a": dynamic, "b": {}}
    if kernel == "parameter":
        module, arrays, shapes = Owned(), (a,), {"a": dynamic}
    memory = io.BytesIO()
    torch.export.save(torch.export.export(module, arrays, dynamic_shapes=shapes), memory)
    memory.seek(0)
    return [torch.export.load(memory).module()(*arrays).detach().numpy()]


def in_numpy(way, ask, a, b, batch, sizes, kernel, folder):
    if way != "eager":
        raise NotImplementedError(way)
    return [ask(a, b)]


RUN = {"numpy": in_numpy, "tensorflow": in_tensorflow, "jax": in_jax, "torch": in_torch}


def run(library, function, way, kernel, folder):
    """Run a cell, and leave in the folder what came of it."""
    ask, a, b, batch = capabilities.question(function, way)
    try:
        sizes = capabilities.unknown_axes(function)
        results = RUN[library](way, ask, a, b, batch, sizes, kernel, folder)
        np.savez(folder / "results.npz", *results)
    except Exception:
        (folder / "raised.txt").write_text(traceback.format_exc())


def serve(library):
    """Run the cells that standard input names, one after the other, and say after each that its process has ended."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no reply
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of imports
        for part in PARTS[library]:
            importlib.import_module(part)
    for line in sys.stdin:
        function, way, kernel, folder = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                run(library, function, way, kernel, pathlib.Path(folder))
            finally:
                sys.stderr.flush()
                os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=replies, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
