"""Random convolutions with the kernels and options people have: products, sums of products, edges, ``Kernel``, lags."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from konvolve.bench import problems
from konvolve.bench.libraries import compiled, to_library
from konvolve.bench.workloads import SEED
from konvolve.planning.cost import Estimate
from konvolve.planning.signal.plan import Plan

BOUNDARIES = ("zero", "wrap", "symmetric", "reflect", "nearest", 0.5)


@dataclass(frozen=True)
class Question(problems.Question):
    """A convolution with a kernel of so many ``terms``, each a product of one factor per axis; 0 for one of noise.

    ``wrapped`` says whether the kernel is given as a ``Kernel``, ``lags`` that a correlation keeps so many of them
    about the middle of each axis, or None for a convolution.
    """

    boundary: Any
    terms: int
    wrapped: bool
    lags: int | None

    @property
    def options(self) -> dict[str, Any]:
        """The arguments beside the arrays and the method."""
        options: dict[str, Any] = {"axes": self.axes, "boundary": self.boundary}
        if self.lags is None:
            return options | {"mode": self.mode}
        return options | {"lags": [(-self.lags, self.lags)] * len(self.axes)}

    def plan(self, library: str, method: str = "auto") -> Plan:
        """The plan for it; `library` is the key of the planning constants."""
        from konvolve.execution import signal

        function = "convolve" if self.lags is None else "correlate"
        one, two = ((shape, self.dtype) for shape in (self.signal, self.kernel))
        prepared = self.is_wrapped(library)
        return signal.make(
            function,
            one,
            two,
            library,
            (None, None),
            prepared=prepared,
            method=method,
            **{"mode": "full"} | self.options,
        )

    def weighed(self, library: str) -> tuple[str, tuple[Estimate, ...]]:
        """The method that is taken, and what each is predicted to take; axis by axis where the kernel is seen."""
        plan = self.plan(library)
        found = {each.method: each for each in plan.estimates}
        seen = self.terms == 1 or (self.terms > 1 and self.is_wrapped(library))
        if not seen or len(self.axes) < 2:
            return plan.method, plan.estimates
        try:
            apart = plan.separable or self.plan(library, "separable")
        except ValueError:  # a constant beyond the edges, for one
            return plan.method, plan.estimates
        (one,) = apart.estimates
        found["separable"] = one._replace(seconds=self.terms * one.seconds)
        taken = plan.separable is not None and found["separable"].seconds < (plan.seconds or 0)
        return "separable" if taken else plan.method, tuple(found.values())

    def is_wrapped(self, library: str) -> bool:
        """Whether the kernel is a ``Kernel``: in a compiled function nothing else has values to be looked at."""
        return self.wrapped or (self.terms > 0 and library in ("tensorflow", "jax", "jax32"))

    def arrays(self, library: str) -> tuple[Any, Any]:
        """The inputs: the kernel is one of noise or made of its terms."""
        x, noise = super().arrays(library)
        if not self.terms:
            return x, noise
        rng = np.random.default_rng(SEED)
        kernel = np.zeros(self.kernel)
        for _ in range(self.terms):
            term = np.ones(())
            for taps in self.kernel:
                term = np.multiply.outer(term, rng.uniform(0.5, 1.0, taps))
            kernel += term
        return x, to_library(library, kernel.astype(self.dtype))

    def compiled(self, library: str, method: str, x: Any, k: Any) -> Callable[[], Any]:
        """A function without arguments that answers it by one method, compiled as the library's users do."""
        import konvolve

        function = konvolve.convolve if self.lags is None else konvolve.correlate
        options = self.options | {"method": method}
        if self.is_wrapped(library):
            kernel = konvolve.Kernel(k)
            return compiled(library, lambda x: function(x, kernel, **options), x)
        return compiled(library, lambda x, k: function(x, k, **options), x, k)

    def told(self) -> dict:
        """What a record says of it."""
        kind = {0: "noise", 1: "a product"}.get(self.terms, f"{self.terms} products")
        more = f"boundary {self.boundary}, {kind}{', Kernel' if self.wrapped else ''}"
        mode = self.mode if self.lags is None else f"lags to {self.lags}"
        return dataclasses.asdict(self) | {"mode": f"{mode}, {more}"}


def draw(seed: int, double: bool = True) -> Iterator[Question]:
    """Questions without end: those of `konvolve.bench.problems`, with another kernel, edges, lags or ``Kernel``."""
    rng = random.Random(seed)
    for plain in problems.draw(seed, double):
        terms = rng.choices((0, 1, 2, 3), (25, 50, 15, 10))[0]
        rows = plain.kernel[0] if plain.axes[0] else plain.kernel[-1] if len(plain.kernel) > len(plain.axes) else 1
        if len(plain.axes) < 2 or rows > 1:  # rows with a kernel each have as many factors
            terms = 0
        if terms > 1 and len(plain.axes) > 2:
            terms = 1
        boundary = rng.choice(BOUNDARIES) if plain.mode != "valid" else "zero"
        wrapped = rng.random() < 0.4 or terms > 1
        lags = rng.randrange(1, 40) if rng.random() < 0.15 else None
        shortest = min(plain.signal[axis] for axis in plain.axes)
        if lags is not None:
            lags = min(lags, shortest - 1)
        yield Question(**plain.told(), boundary=boundary, terms=terms, wrapped=wrapped, lags=lags)


if __name__ == "__main__":
    problems.serve(draw)
