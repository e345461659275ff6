"""What earlier versions wrote: values that were pickled then, and models that were saved, load as before."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

FORMER = {
    "planning.arguments": "planning.signal.arguments",
    "planning.channel_plan": "planning.nn.plan",
    "planning.channels": "planning.nn.problem",
    "planning.exact": "planning.signal.integers",
    "planning.phases": "planning.nn.phases",
    "planning.plan": "planning.signal.plan",
    "planning.problem": "planning.signal.problem",
    "symbolic": "layers",
}
"""What version 0.1.0.dev0 wrote into pickled plans and saved models until 2026-11-25, and where it is now."""


class _Finder:
    """Finds a module by its former name: an empty one, which looks everything up in the present one."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        package, _, rest = name.partition(".")
        known = package == "konvolve" and rest in FORMER
        return importlib.util.spec_from_loader(name, self) if known else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        former = module.__name__.partition(".")[2]
        present = importlib.import_module("konvolve." + FORMER[former])
        changed = _CHANGED.get(former, {})
        module.__getattr__ = lambda name: changed.get(name) or getattr(present, name)  # type: ignore[method-assign]


sys.meta_path.append(_Finder())  # asked after all others


class _FlatPlan:
    """A plan as it was pickled until 2026-11-25: with the settings of all methods side by side. It becomes a plan."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        from konvolve.planning.geometry import Window
        from konvolve.planning.signal import planner
        from konvolve.planning.signal.chunks import Chunks
        from konvolve.planning.signal.plan import Plan
        from konvolve.planning.signal.separable import Separable

        old, core = dict(state), state["core"]
        axes, method = core.axes, old["method"]
        shape = core.shape1 if old["swap"] else core.shape2
        taps = tuple(shape[axis] or 0 for axis in axes)
        ways: dict[str, Any] = {
            "nothing": lambda: planner.Nothing(),
            "product": lambda: planner.Product(),
            "direct": lambda: planner.Direct(**{name: old[name] for name in ("digits", "swap", "loop", "in_parts")}),
            "fft": lambda: planner.Fft(lengths=old["lengths"], digits=old["digits"], wrap_offsets=old["turns"]),
            "overlap": lambda: planner.Overlap(
                taps=taps, **{name: old[name] for name in ("lengths", "steps", "band", "digits", "swap")}
            ),
            "matrix": lambda: planner.Matrix(
                block=old["block"],
                place=old["matrix_axis"],
                taps=taps[old["matrix_axis"]],
                neighbours=old["neighbours"],
            ),
            "separable": lambda: Separable(passes=old["passes"]),
        }
        if old["rows"] is not None:
            way = Chunks(axis=old["rows"][0], rows=old["rows"][1], part=old["passes"][0])
        else:
            way = ways[method]()
        if old["turns"]:  # where the signal is periodic it was left as it is, though an extension was named
            old["extension"] = tuple(
                kept if offset is None else Window(k - 1, (core.shape1[axis] or 0) - k + 1)
                for kept, offset, axis, k in zip(old["extension"], old["turns"], axes, taps, strict=True)
            )
        _become(self, Plan, old, way)


class _FlatChannelPlan:
    """The same of a plan on channels."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        from konvolve.planning.nn import planner
        from konvolve.planning.nn.plan import ChannelPlan

        settings = {
            "nothing": (planner.Nothing, ()),
            "direct": (planner.Direct, ("loop", "in_parts")),
            "fft": (planner.Fft, ("lengths",)),
            "overlap": (planner.Overlap, ("lengths", "steps", "band")),
        }
        record, names = settings[state["method"]]
        _become(self, ChannelPlan, state, record(**{name: state[name] for name in names}))


def _become(plan: Any, present: Any, state: dict[str, Any], way: Any) -> None:
    """Turn an object into a plan as it is now, with the fields that are still there."""
    plan.__dict__.update({name: state[name] for name in present.__dataclass_fields__ if name in state}, way=way)
    plan.__class__ = present
    if hasattr(plan, "__post_init__"):
        plan.__post_init__()


_CHANGED: dict[str, dict[str, Any]] = {
    "planning.plan": {"Plan": _FlatPlan},
    "planning.channel_plan": {"ChannelPlan": _FlatChannelPlan},
}
