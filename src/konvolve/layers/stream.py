"""A causal layer run block by block: what it has seen of the past is its state."""

from __future__ import annotations

from typing import Any

from keras import ops


class LayerStream:
    """A causal layer that gets its sequences block by block, with the layer's own weights as they are at each call.

    Call it with a block, (batch, steps, channels) or the layer's other data format, of any number of steps: it gives
    the layer's outputs for these steps, as many as the layer's on the whole sequence. ``state`` are the last inputs
    that the kernel reaches, None before the first block; ``reset()`` forgets them. ``step`` is the pure form.

    Each block is convolved with what the kernel reaches before it, by whichever method is planned for that; a
    ``konvolve.Stream`` takes less for kernels that are much longer than the blocks.
    """

    def __init__(self, layer: Any) -> None:
        if not layer.built:
            raise ValueError(f"layer {layer.name} has no weights yet: call it once, or build it, before stream()")
        self.layer = layer
        self.state: Any = None

    def reset(self) -> None:
        """Forget all blocks."""
        self.state = None

    def __call__(self, inputs: Any) -> Any:
        """Return the outputs for the steps of a block."""
        state = self.initial_state(inputs.shape) if self.state is None else self.state
        outputs, self.state = self.step(inputs, state)
        return outputs

    def initial_state(self, shape: Any) -> Any:
        """Return the state before the first block, whose number of steps does not matter: zeros."""
        axis = self._axis
        sizes = [*shape[:axis], self.layer.reach, *shape[axis + 1 :]]
        return ops.zeros(sizes, self.layer.compute_dtype)

    def step(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """Return the outputs for a block and the state after it; for compiled functions, and differentiable."""
        axis, reach = self._axis, self.layer.reach
        inputs = ops.cast(ops.convert_to_tensor(inputs), self.layer.compute_dtype)
        fits = len(inputs.shape) == len(state.shape) and all(
            a in (b, None) or b is None or place == axis
            for place, (a, b) in enumerate(zip(inputs.shape, state.shape, strict=True))
        )
        if not fits:
            raise ValueError(
                f"inputs must be as the blocks before, whose state is of shape {tuple(state.shape)}, but for their "
                f"number of steps, not of shape {tuple(inputs.shape)}: reset() starts anew"
            )
        joined = ops.concatenate([state, inputs], axis)
        steps = joined.shape[axis] - reach
        kept = [slice(None)] * len(joined.shape)
        kept[axis] = slice(steps, None)
        if steps == 0:
            return self._nothing(inputs), state
        outputs = self.layer.valid(joined, inputs)
        return ops.cast(outputs, self.layer.compute_dtype), joined[tuple(kept)]

    @property
    def _axis(self) -> int:
        return 1 if self.layer.data_format == "channels_last" else 2

    def _nothing(self, inputs: Any) -> Any:
        shape = list(self.layer.compute_output_shape((*inputs.shape[: self._axis], 1, *inputs.shape[self._axis + 1 :])))
        shape[self._axis] = 0
        return ops.zeros(shape, self.layer.compute_dtype)


class Causal:
    """What a layer of sequences needs to be run block by block: ``reach`` past steps, and its outputs from them on."""

    def stream(self: Any) -> LayerStream:
        """Return the layer as a stream: the same weights, run block by block, for ``padding="causal"`` and stride 1.

        Raises ValueError for another layer, and for one without weights.
        """
        strides, mode = getattr(self, "strides", (1,)), getattr(self, "padding_mode", "zeros")
        if self.padding != "causal" or tuple(strides) != (1,) or mode not in ("zeros", "zero", "constant"):
            raise ValueError(
                "only a causal layer runs block by block: padding='causal', strides=1, padding_mode='zeros', not "
                f"padding={self.padding!r}, strides={strides}, padding_mode={mode!r}"
            )
        return LayerStream(self)
