"""Former names of modules: values that were pickled with them, and models that were saved, load as before."""

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
        present = importlib.import_module("konvolve." + FORMER[module.__name__.partition(".")[2]])
        module.__getattr__ = lambda name: getattr(present, name)  # type: ignore[method-assign]


sys.meta_path.append(_Finder())  # asked after all others
