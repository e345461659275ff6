"""Tests and examples plan with the shipped constants, whatever the user has measured."""

import os
import tempfile

os.environ["KONVOLVE_CACHE"] = os.path.join(tempfile.gettempdir(), "konvolve-tests-keep-no-cache")
