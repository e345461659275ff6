"""Run by ``test_nn_keras.py``: direct layers compile to the operations of Keras's layers, one for one."""

import keras
import numpy as np

from konvolve import layers

#: A layer's class and arguments, and the rank of its input.
CASES = [
    ("Conv1D", (6, 5), {"padding": "same"}, 1),
    ("Conv1D", (6, 5), {"strides": 3, "use_bias": False}, 1),
    ("Conv2D", (6, 3), {"padding": "same", "activation": "relu"}, 2),
    ("Conv2D", (6, (3, 2)), {"padding": "same", "strides": 2}, 2),
    ("Conv2D", (6, 3), {"padding": "same", "dilation_rate": 2}, 2),
    ("Conv3D", (6, 3), {"padding": "same", "strides": 2}, 3),
    ("DepthwiseConv1D", (5,), {"padding": "same"}, 1),
    ("DepthwiseConv2D", (3,), {"padding": "same", "depth_multiplier": 2}, 2),
    ("DepthwiseConv2D", (3,), {"strides": 2}, 2),
    ("DepthwiseConv2D", (3,), {"padding": "same", "dilation_rate": 2}, 2),
    ("SeparableConv2D", (6, 3), {"padding": "same"}, 2),
    ("Conv2DTranspose", (6, 4), {"padding": "same", "strides": 2}, 2),
]


def tensorflow_graphs(layer, shape):
    """Return the operations that a forward pass and its gradients run: types, settings and the shapes they meet."""
    import tensorflow as tf

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, tape.gradient(y, [x, *(v.value for v in layer.trainable_variables)])

    for function in (layer, gradients):
        graph = tf.function(lambda x, f=function: f(x)).get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
        waiting, seen = [each.op for each in graph.outputs], {}
        while waiting:  # what no output needs is never run
            op = waiting.pop()
            if op.name not in seen:
                seen[op.name] = op
                waiting += [each.op for each in op.inputs]
        told = ("strides", "padding", "dilations", "data_format")
        yield sorted(
            (
                op.type,
                [str(op.get_attr(name)) for name in told if name in op.node_def.attr],
                [str(x.shape) for x in op.inputs],
            )
            for op in seen.values()
            if op.type not in ("Const", "Identity")
        )


def jax_graphs(layer, shape):
    """Return the primitives, those of inner functions in the place of the calls, and what convolutions are told."""
    import jax

    weights = [v.value for v in layer.trainable_variables]

    def forward(weights, x):
        return layer.stateless_call(weights, [], x)[0]

    def gradients(weights, x):
        return jax.vjp(forward, weights, x)[1](forward(weights, x))

    def flat(jaxpr):
        for equation in jaxpr.eqns:
            inner = [each for each in equation.params.values() if hasattr(each, "jaxpr")]
            if equation.primitive.name in ("jit", "pjit") and inner:
                yield from flat(inner[0].jaxpr)
            else:
                told = {k: str(v) for k, v in equation.params.items() if equation.primitive.name.startswith("conv_gen")}
                yield equation.primitive.name, sorted(told.items()), [str(x.aval) for x in equation.invars]

    for function in (forward, gradients):
        yield list(flat(jax.make_jaxpr(function)(weights, np.zeros(shape, "float32")).jaxpr))


def main():
    """Compare."""
    backend = keras.backend.backend()
    graphs = {"tensorflow": tensorflow_graphs, "jax": jax_graphs}[backend]
    for name, positional, options, rank in CASES:
        sizes = [(2, *(11, 12, 13)[:rank], 4)]
        transposed = name.endswith("Transpose")
        if backend == "tensorflow" and not transposed:  # which adds its sizes up in other words
            sizes += [(None, *sizes[0][1:]), (None, *(None,) * rank, 4)]
        if backend == "jax" and transposed:  # jax.lax.conv_transpose flips its kernel in other words
            continue
        for shape in sizes:
            found = []
            for module, more in ((keras.layers, {}), (layers, {"method": "direct"})):
                layer = getattr(module, name)(*positional, **options, **more)
                layer.build((2, *(11, 12, 13)[:rank], 4))
                found.append(list(graphs(layer, shape)))
            theirs, ours = found
            for one, two in zip(theirs, ours, strict=True):
                assert any("onv" in each[0] for each in one)
                more, less = [x for x in two if x not in one], [x for x in one if x not in two]
                assert one == two, f"{name}{positional} {options} of {shape}: {more} instead of {less}"
    print(f"done on {backend}")


if __name__ == "__main__":
    main()
