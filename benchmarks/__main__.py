"""The command ``python -m benchmarks``: ``konvolve bench``, from a checkout."""

import sys

from konvolve.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
