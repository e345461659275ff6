"""The command ``python -m benchmarks``: ``konvolve bench`` from a checkout, and ``--readme RESULTS``."""

import sys
from pathlib import Path

from benchmarks import readme
from konvolve.command.main import main

if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["--readme"] and len(given) == 2:
        readme.write(Path(given[1]))
    else:
        sys.exit(main(["bench", *given]))
