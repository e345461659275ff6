"""The plan of a convolution of an array in chunks, which prints itself; ``planner.py`` makes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from konvolve.planning.chunked.along import Along, Chunks
from konvolve.planning.signal.plan import Plan
from konvolve.planning.words import bytes_text, seconds_text, shape_text


@dataclass(frozen=True)
class ChunkedPlan:
    """How a convolution of an array in chunks goes; printing it tells its story.

    ``way`` is "halo" or "parts", ``chunks`` are those of the result, ``along`` has one entry per axis, ``block`` is the
    plan of the largest block (with "halo"). ``tasks`` is their number for each chunk of the result, those that read
    chunks not counted; ``seconds`` what all blocks take on one core, ``bytes`` what one worker holds while it computes
    one, and ``advice`` a chunking that would be clearly quicker, if there is one.
    """

    whole: Plan
    way: str
    along: tuple[Along, ...]
    block: Plan | None = None
    tasks: float = field(default=0.0, compare=False)
    seconds: float = field(default=0.0, compare=False)
    bytes: int = field(default=0, compare=False)
    advice: str = field(default="", compare=False)

    @property
    def chunks(self) -> Chunks:
        """The chunks of the result."""
        return tuple(tuple(stop - start for start, stop in each.blocks) for each in self.along)

    def __str__(self) -> str:
        problem = self.whole.problem
        sizes = " x ".join(str(max(each, default=0)) for each in self.chunks)
        lines = [
            f"{problem.function}: {shape_text(problem.shape1)} {problem.dtype1} in chunks with "
            f"{shape_text(problem.shape2)} {problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
            f"  result   {shape_text(self.whole.output_shape)} {problem.result} in "
            f"{math.prod(map(len, self.chunks))} chunks of at most {sizes}",
            f"  way      {self._story()}",
            f"  tasks    {self.tasks:.3g} for each chunk of the result",
            f"  cost     {seconds_text(self.seconds)} on one core in all, {bytes_text(self.bytes)} for each thread",
        ]
        if self.block is not None:
            lines.append(f"  a block  {self.block.method}: {self.block.reason}")
        if self.advice:
            lines.append(f"  advice   {self.advice}")
        return "\n".join(lines)

    def _story(self) -> str:
        convolved = [each for each in self.along if each.taps]
        if self.way == "parts":
            counts = " x ".join(str(each.parts) for each in convolved)
            lengths = " x ".join(str(each.length) for each in convolved)
            return f"parts: the kernel in {counts} parts, frames transformed to {lengths} samples, products added up"
        halo = " x ".join(str(each.taps - 1) for each in convolved)
        return f"halo: each chunk with {halo or 'no'} samples of those about it"
