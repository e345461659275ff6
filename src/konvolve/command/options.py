"""The options that several commands have, as typer reads them from annotations."""

from __future__ import annotations

from typing import Annotated

import typer

Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE|FOLDER", help="[default: ./<picture>-<command>.<its format>]"),
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend",
        "--library",
        help="numpy or tensorflow; for arrays in files also jax or torch  [default: numpy]",
        show_default=False,
    ),
]
Boundary = Annotated[str, typer.Option(help="What lies beyond the edges: reflect, symmetric, nearest, wrap or zero.")]
Check = Annotated[
    bool | None,
    typer.Option("--check/--no-check", help="Compare with SciPy  [default: below 10 megapixels]", show_default=False),
]
Figure = Annotated[
    bool | None,
    typer.Option(
        "--figure/--no-figure",
        help="Draw before, after, kernel  [default: below 10 megapixels]",
        show_default=False,
    ),
]
MaxPixels = Annotated[int | None, typer.Option(metavar="N", help="Read larger pictures  [default: 89478485]")]
Axes = Annotated[str | None, typer.Option(metavar="0,1,...", help="Arrays: the axes to convolve  [default: all]")]
Memory = Annotated[str | None, typer.Option(metavar="BYTES", help="Arrays: the memory to keep to  [default: 2G]")]
Chunks = Annotated[
    str | None, typer.Option(metavar="N,...", help="Arrays: the samples of a block  [default: what fits]")
]
Workers = Annotated[int | None, typer.Option(metavar="N", help="Arrays: so many processes  [default: threads]")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Arrays: a dask scheduler to work for us")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Arrays: print what would be done, and stop.")]
Resume = Annotated[bool, typer.Option("--resume", help="Arrays: take up a run that was stopped.")]
Sparse = Annotated[bool, typer.Option("--sparse", help="Arrays: a chunk that a zarr lacks is its fill value.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Arrays: replace an output that is there.")]
Explain = Annotated[bool, typer.Option("--explain", help="Print konvolve's plan as well.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
