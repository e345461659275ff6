"""Processes of their own, what they see of their memory, and which commit all of them measure."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import konvolve

ROOT = Path(__file__).parents[1]
# What a fresh process needs to find this folder, wherever it is started.
HERE = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a fresh process, with these variables in its environment."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | HERE | environment,
    )


def highest_bytes() -> int:
    """The peak of this process's resident memory so far."""
    import resource

    # Linux starts ru_maxrss of a new process at the parent's peak; VmHWM is this process's own.
    try:
        with open("/proc/self/status") as status:
            found = re.search(r"VmHWM:\s+(\d+)", status.read())
        return 1024 * int(found[1])  # type: ignore[index]
    except (OSError, TypeError):
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_peak() -> bool:
    """Start the peak anew from what is resident now; False where the system can't."""
    with contextlib.suppress(OSError, AttributeError):
        # Memory that is freed but kept by the C library could be used again without being counted.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
    except OSError:
        return False
    return True


def revision() -> str | None:
    """The commit measured, with a + where the working tree differs from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", konvolve.__file__)  # what is measured may be installed elsewhere
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
