"""Links: pages of the checkout that lie outside of ``docs/`` become pages of the site, and links lead to them.

The Markdown pages are read on the site and in a checkout alike. A link in one of them is relative to its file; here it
is made relative to the page of the site that its target has become. A target without a page, such as a module, stays
as text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

# Files of the checkout that are pages of the site: where they lie below docs/, without the suffix.
OUTSIDE = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "benchmarks/README.md": "results/measuring",
    "benchmarks/record.md": "results/record",
    "tests/upstream/README.md": "results/upstream",
    "benchmarks/results/cpu.md": "results/cpu",
    "benchmarks/results/cpu-choice.md": "results/cpu-choice",
    "benchmarks/results/cpu-channels.md": "results/cpu-channels",
    "benchmarks/results/cpu-chunks.md": "results/cpu-chunks",
    "benchmarks/results/cpu-kernels.md": "results/cpu-kernels",
    "benchmarks/results/cpu-kernels-busy.md": "results/cpu-kernels-busy",
    "benchmarks/results/cpu-memory.md": "results/cpu-memory",
    "benchmarks/results/cpu-methods.md": "results/cpu-methods",
    "benchmarks/results/cpu-streams.md": "results/cpu-streams",
    "benchmarks/results/cpu-sweep.md": "results/cpu-sweep",
    "README.md": "index",
    "examples": "gallery/index",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$|^    \S.*?$)", re.MULTILINE | re.DOTALL)


def relinked(text: str, origin: Path, page: Path) -> str:
    """Return Markdown whose links, relative to the file origin, are relative to the page; code is left alone."""
    parts = _FENCE.split(text)
    for index in range(0, len(parts), 2):
        parts[index] = _LINK.sub(lambda found: _one(found, origin, page), parts[index])
    return "".join(parts)


def _one(found: re.Match[str], origin: Path, page: Path) -> str:
    """One link, or its text alone where the site has no page for its target."""
    picture, words, target = found.groups()
    name, mark, anchor = target.partition("#")
    if "://" in target or target.startswith("mailto:") or not name:
        return found[0]
    path = Path(os.path.normpath(origin.parent / name))
    if not path.exists() and not (DOCS in path.parents and path.suffix in (".md", ".rst")):
        raise ValueError(f"{origin.relative_to(ROOT)} links to {name}, which is not there")
    if picture:
        return f"![{words}]({os.path.relpath(path, page.parent)})"
    outside = OUTSIDE.get(path.relative_to(ROOT).as_posix())
    if outside is not None:
        path = (DOCS / outside).with_suffix(".rst" if outside.startswith("gallery") else ".md")
    elif DOCS not in path.parents:
        return words if "`" in words else f"`{words}`"
    return f"[{words}]({os.path.relpath(path, page.parent)}{mark}{anchor})"


def write_pages(docs: Path) -> None:
    """Write the pages that lie outside of docs/ into it."""
    for origin, name in OUTSIDE.items():
        if name.startswith("gallery") or name == "index":
            continue
        page = (docs / name).with_suffix(".md")
        page.parent.mkdir(exist_ok=True)
        write(page, relinked((ROOT / origin).read_text(), ROOT / origin, page))


def write(path: Path, text: str) -> None:
    """Write a page if it is another one than what is there, so that Sphinx reads only what has changed."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def on_source_read(app: object, name: str, source: list[str]) -> None:
    """Sphinx's event: the links of a Markdown page."""
    page = DOCS / f"{name}.md"
    if (page.exists() and name not in OUTSIDE.values()) or name == "index":
        source[0] = relinked(source[0], page, page)
