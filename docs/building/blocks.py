"""Every example on the pages, each page in a process of its own, as a reader meets it who has run nothing before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_RUN = """
import doctest, sys
options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
failed, tried = doctest.testfile(sys.argv[1], module_relative=False, optionflags=options, encoding="utf-8")
print(tried)
sys.exit(bool(failed))
"""


def pages() -> list[Path]:
    """Return the README and the pages of the site that have examples."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in found if ">>> " in page.read_text()]


def run(page: Path) -> tuple[int, str]:
    """Return a page's exit code and what it printed: the number of examples, or what failed."""
    done = subprocess.run([sys.executable, "-c", _RUN, page], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr


def main() -> int:
    """Run all of them; the exit code."""
    codes = []
    for page in pages():
        code, said = run(page)
        codes.append(code)
        print(f"{page.relative_to(ROOT)}: {'failed' if code else said.strip() + ' examples'}", flush=True)
        if code:
            print(said)
    return max(codes)
