"""A plan in words: what will run, and what the other methods would cost and do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from konvolve.planning.cost import Estimate

if TYPE_CHECKING:
    from konvolve.planning.signal.plan import Plan


LONG = 300.0
"""From so many seconds on a time is printed in minutes, hours, days or years."""


class Row(NamedTuple):
    """One method: what it is predicted to take, None where sizes are not known, and how it would go about it."""

    method: str
    estimate: Estimate | None
    how: str


def rows(plan: Plan) -> list[Row]:
    """Return the methods that the plan knows of, the fastest first, and how those that were planned go about it."""
    plans = {each.method: each for each in (plan.separable, *plan.others, plan) if each is not None}
    estimates = {found.method: found for each in plans.values() for found in each.estimates}
    names = {**plans, **estimates}
    found = [Row(name, estimates.get(name), how(plans[name]) if name in plans else "") for name in names]
    return sorted(found, key=lambda row: row.estimate.seconds if row.estimate else 0.0)


def how(plan: Plan) -> str:
    """Return what a method would do, in a few words."""
    if plan.rows is not None:
        return f"in chunks of {plan.rows[1]} along axis {plan.rows[0]}: {how(plan.passes[0])}"
    if plan.method == "separable":
        passes = ", ".join(f"axis {step.problem.axes[0]}: {step.method}" for step in plan.passes)
        return f"if the kernel is a product; {passes}"
    if plan.method == "matrix":
        way = "as channels" if plan.neighbours else "cut out"
        return f"blocks of {plan.block} outputs by a banded matrix, {way}"
    if plan.method not in ("fft", "overlap"):
        return "the sum itself" if plan.method == "direct" else ""
    lengths = " x ".join("?" if length is None else str(length) for length in plan.lengths)
    if not any(plan.steps):
        return f"transforms of {lengths}"
    steps = " x ".join(str(step) if step else "all" for step in plan.steps)
    return f"transforms of {lengths}, blocks of {steps} new samples"


def told(plan: Plan) -> str:
    """Return the plan as a person reads it."""
    problem = plan.problem
    lines = [
        f"{problem.function}: {shape_text(problem.shape1)} {problem.dtype1} with {shape_text(problem.shape2)} "
        f"{problem.dtype2}, mode {problem.mode!r}, axes {problem.axes}",
        f"  result   {shape_text(plan.output_shape)} {problem.result}",
        f"  method   {plan.method}: {plan.reason}",
    ]
    if plan.method in ("fft", "overlap"):
        none = (0,) * len(plan.lengths)
        named = zip(problem.axes, plan.lengths, plan.steps or none, plan.turns or (None,) * len(none), strict=True)
        lines.append("  lengths  " + ", ".join(_length(*each) for each in named))
    if plan.digits:
        lines.append(
            f"  integers in {plan.digits.count1} x {plan.digits.count2} digits of {plan.digits.width} bits, exact"
        )
    # What the others would do is said where it was asked for: one line says what this one does already.
    lines += [_line(row, plan.method, bool(plan.others)) for row in rows(plan) if row.estimate]
    if plan.rows is not None:
        return "\n".join([*lines, f"  {how(plan)}"])
    lines += [f"  pass along axis {each.problem.axes[0]}: {each.method}" for each in plan.passes]
    return "\n".join(lines)


def _line(row: Row, taken: str, explained: bool) -> str:
    assert row.estimate is not None
    words = row.how if explained else "if the kernel is a product" if row.method == "separable" != taken else ""
    return estimate_text(row.estimate, taken, words)


def estimate_text(estimate: Estimate, taken: str, words: str = "") -> str:
    """Return a line of what a method is predicted to cost, with an arrow to the one that is taken."""
    mark = "->" if estimate.method == taken else "  "
    time, size = seconds_text(estimate.seconds), bytes_text(estimate.bytes)
    return f"  {mark} {estimate.method:<9} {time:>8} {size:>13}   {words}".rstrip()


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Return a shape as plans print it."""
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def _length(axis: int, length: int | None, step: int, turn: int | None) -> str:
    if length is None:
        return f"axis {axis}: known at run time"
    if turn is not None:
        return f"axis {axis}: {length}, the period"
    return f"axis {axis}: {length}" + (f", blocks of {step} new samples" if step else "")


def seconds_text(seconds: float) -> str:
    """Return a time as plans print it.

    >>> seconds_text(0.0213), seconds_text(86400.0), seconds_text(1e15)
    ('21.3 ms', '24.0 h', '3.2e+07 years')
    """
    if seconds < LONG:
        return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
    for unit, length, most in (("min", 60, 300), ("h", 3600, 72), ("days", 86400, 1000)):
        if seconds < most * length:
            return f"{seconds / length:.1f} {unit}"
    years = seconds / (365.25 * 86400)
    return f"{years:.0f} years" if years < 1e5 else f"{years:.2g} years"


def bytes_text(count: int) -> str:
    """Return a size in memory as plans print it.

    >>> bytes_text(5 * 2**20), bytes_text(3 * 2**42), bytes_text(2**90)
    ('5.0 MiB', '12.0 TiB', '1073741824.0 EiB')
    """
    power, units = 0, ("MiB", "GiB", "TiB", "PiB", "EiB")
    while power < len(units) - 1 and count >= 10_000 * 2 ** (20 + 10 * power):
        power += 1
    return f"{count / 2 ** (20 + 10 * power):.1f} {units[power]}"
