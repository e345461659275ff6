"""The house as its source tells it: which file imports which.

``python tests/support/house.py`` draws the picture in docs/architecture.md anew.
"""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
SOURCE = ROOT / "src" / "konvolve"
PAGE = ROOT / "docs" / "architecture.md"
FILES = sorted(SOURCE.rglob("*.py"))

#: From above; what stands on one line is on one floor.
FLOORS = {
    "what users run": ("command", "bench", "files"),
    "what users import": ("compat", "layers", "ndimage", "nn", "signal", "stream"),
    "from a call to a result": ("execution",),
    "on arrays, and what is known of each library": ("methods", "profiles"),
    "pure arithmetic, and one library each": ("planning", "backends"),
}


def imports(path, top_level=False):
    """Return the modules a file imports, anywhere in it or at its top level, by their full names."""
    found = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(path):
    """Return the folder at the package's root that a file lies in, or its own name."""
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.name


def _module(path):
    parts = ("konvolve", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph():
    """Return the modules that each module of the package imports, inside functions too."""
    modules = {_module(path): path for path in FILES}
    found = {}
    for name, path in modules.items():
        targets = imports(path)
        # "from package import module" names the package as well, of which nothing is wanted.
        packages = {target.rpartition(".")[0] for target in targets if target in modules}
        found[name] = {target for target in targets if target in modules and target not in packages} - {name}
    return found


def circles():
    """Return the groups of modules that import each other, directly or by way of others."""
    reached = {name: set(targets) for name, targets in graph().items()}
    for middle in reached:
        for targets in reached.values():
            if middle in targets:
                targets |= reached[middle]
    in_circles = [name for name in reached if name in reached[name]]
    return {frozenset(each for each in reached[name] if name in reached[each]) for name in in_circles}


def drawing():
    """Return the rooms on their floors and the arrows between them, as Mermaid draws them."""
    home = {f"{name}.py".removesuffix(".py"): name for names in FLOORS.values() for name in names}
    arrows = set()
    for path in FILES:
        start = room(path).removesuffix(".py")
        ends = {target.split(".")[1] for target in imports(path) if target.startswith("konvolve.")}
        arrows |= {(start, end) for end in ends if start in home and end in home and start != end}
    lines = ["```mermaid", "flowchart TD"]
    for number, (floor, names) in enumerate(FLOORS.items()):
        lines += [f'  subgraph floor{number}["{floor}"]', *(f"    {name}" for name in names), "  end"]
    order = [name for names in FLOORS.values() for name in names]
    lines += [f"  {start} --> {end}" for start, end in sorted(arrows, key=lambda arrow: tuple(map(order.index, arrow)))]
    return "\n".join([*lines, "```"])


_PLACE = re.compile(r"```mermaid\n.*?```", re.DOTALL)


def drawn():
    """Return the drawing that stands on the page."""
    return _PLACE.search(PAGE.read_text()).group()


if __name__ == "__main__":
    PAGE.write_text(_PLACE.sub(lambda _: drawing(), PAGE.read_text()))
