"""Build the site: ``python -m docs``; every example of the gallery is run, and every warning is an error.

python -m docs            build into docs/_build/html, and check that no link inside the site is dead
python -m docs --fast     the same without running the gallery
python -m docs --clean    from nothing
python -m docs --blocks   run the examples of every page instead, each page in a fresh process
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

DOCS = Path(__file__).parent
SITE = DOCS / "_build" / "html"
MADE = (
    "_build", "api", "gallery", "results", "command.md", "changelog.md", "contributing.md", "sg_execution_times.rst",
)  # fmt: skip


def clean() -> None:
    """Remove everything a build writes."""
    for name in MADE:
        path = DOCS / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def main() -> int:
    """Build; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__.partition("\n")[0])
    parser.add_argument("--fast", action="store_true", help="do not run the gallery")
    parser.add_argument("--clean", action="store_true", help="start from nothing")
    parser.add_argument("--blocks", action="store_true", help="only run the examples of the pages")
    given = parser.parse_args()
    if given.blocks:
        from docs.building import blocks

        return blocks.main()
    if given.clean:
        clean()
    if given.fast:
        os.environ["KONVOLVE_GALLERY"] = "skip"

    from sphinx.cmd.build import main as build

    start = time.perf_counter()
    code = build(["-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(SITE)])
    if code:
        return code
    from docs.building import check

    faults = [f"{page}: a dead link to {target}" for page, target in check.dead_links(SITE)]
    faults += [f"{page}: no words for the picture {name}" for page, name in check.silent_pictures(SITE)]
    for fault in faults:
        print(fault, file=sys.stderr)
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    pages = sum(1 for _ in SITE.rglob("*.html"))
    print(f"{SITE}: {pages} pages, {size / 2**20:.0f} MiB, {time.perf_counter() - start:.0f} s")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
