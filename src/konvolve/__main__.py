"""`python -m konvolve` is the command `konvolve`."""

import sys

from konvolve.command.main import main

if __name__ == "__main__":
    sys.exit(main())
