"""Random convolutions of networks, as layers ask for them: what the choice of method on channels is judged by."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.contest.gradients import jax_gradients, tf_gradients, torch_gradients
from konvolve.bench.libraries import compiled
from konvolve.bench.problems import Question, serve
from konvolve.planning.nn.plan import ChannelPlan

# Samples of the inputs, batch and channels included; multiply-adds of the direct sum.
FEWEST, MOST = 2e4, 4e6
MOST_SUMS = 4e9


@dataclass(frozen=True)
class Layer(Question):
    """What one of `konvolve.nn`'s functions is asked, but for the method; `mode` is its padding.

    `backward` says whether the gradients with respect to the inputs and the kernel are in the time. The plan's
    prediction is of the forward pass alone.
    """

    function: str
    strides: int
    backward: bool

    def plan(self, library: str, method: str = "auto") -> ChannelPlan:  # type: ignore[override]
        """The plan for it; `library` is the key of the planning constants."""
        from konvolve import nn

        options = {"function": self.function, "method": method, "dtype": self.dtype, "library": library}
        return nn.plan(self.signal, self.kernel, self.strides, self.mode, "channels_last", **options)

    def compiled(self, library: str, method: str, x: Any, k: Any) -> Callable[[], Any]:
        """A function without arguments that answers it by one method, compiled as the library's users do."""
        from konvolve import nn

        def convolve(x: Any, k: Any) -> Any:
            options = {"padding": self.mode, "data_format": "channels_last", "method": method}
            return getattr(nn, self.function)(x, k, self.strides, **options)

        if not self.backward or library == "numpy":
            return compiled(library, convolve, x, k)
        result: Any = self.plan("numpy").output_shape
        weight = dataclasses.replace(self, signal=result).arrays(library)[0]
        if library == "torch":
            return torch_gradients(convolve, x, k, weight)
        gradients = {"tensorflow": tf_gradients, "jax": jax_gradients}[library]
        return compiled(library, gradients(convolve), x, k, weight)

    def told(self) -> dict:
        """What a record says of it."""
        both = ", forward and back" if self.backward else ""
        return super().told() | {"mode": f"{self.function}, {self.mode}, strides {self.strides}{both}"}


def draw(seed: int) -> Iterator[Layer]:
    """Questions without end: signals and pictures, kernels of 1 to 1024 taps, 1 to 256 channels, groups, strides.

    Sizes are spread evenly on a logarithmic scale; half of them ask for the gradients too.
    """
    rng = random.Random(seed)

    def spread(least: float, most: float) -> int:
        return round(math.exp(rng.uniform(math.log(least), math.log(most))))

    while True:
        rank = rng.choice((1, 2))
        function = rng.choices(("conv", "depthwise_conv", "conv_transpose"), (50, 35, 15))[0]
        groups = rng.choice((2, 4)) if function == "conv" and rng.random() < 0.15 else 1
        channels, outputs = (spread(1, 256 / groups) * groups for _ in range(2))
        batch = spread(1, 32)
        side = round((spread(FEWEST, MOST) / batch / channels) ** (1 / rank))
        taps = round(spread(1, 1024) ** (1 / rank))
        strides = 2 if rng.random() < 0.2 else 1
        padding = rng.choice(("valid", "same", "causal") if rank == 1 and function == "conv" else ("valid", "same"))
        backward = rng.random() < 0.5
        each = 1 if function == "depthwise_conv" else channels * outputs / groups / channels
        if side < taps or batch * side**rank * channels * taps**rank * each > MOST_SUMS:
            continue
        last = {
            "conv": (channels // groups, outputs),
            "depthwise_conv": (channels, 1),
            "conv_transpose": (outputs, channels),
        }
        yield Layer(
            (batch, *(side,) * rank, channels), (*(taps,) * rank, *last[function]), padding,
            tuple(range(1, rank + 1)), "float32", function, strides, backward,
        )  # fmt: skip


if __name__ == "__main__":
    serve(lambda seed, double: draw(seed))
