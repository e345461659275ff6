"""Where a measurement was taken: without this a number of milliseconds means nothing."""

import datetime
import os
import platform
import subprocess
from importlib import metadata

DISTRIBUTIONS = (
    "konvolve", "numpy", "scipy", "tensorflow", "keras", "jax", "jaxlib", "torch",
    "opencv-python-headless", "opencv-python",
)  # fmt: skip
# Settings of the environment that change how many threads, or which kernels, a library uses.
SETTINGS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS",
)  # fmt: skip


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _revision() -> str | None:
    """The commit measured, with a + where the working tree differs from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def describe() -> dict:
    """Processor, cores, memory, system, versions and date."""
    versions = {}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": _cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
        "revision": _revision(),
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
        # Other work on the machine at the start; well above zero, the times are not to be quoted.
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
