"""`python -m konvolve` is the command `konvolve`."""

import sys

from konvolve.cli import main

if __name__ == "__main__":
    sys.exit(main())
