"""`konvolve doctor`: which libraries are installed, in which versions, and which devices they see."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import konvolve
from konvolve import calibration
from konvolve.backends import registry
from konvolve.terminal import progress

# The libraries it looks for: the module, and the extra of konvolve that brings it ("" for none).
LIBRARIES = {
    "numpy": "",
    "scipy": "",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "dask": "",
    "skimage": "cli",
    "PIL": "cli",
    "tifffile": "cli",
    "matplotlib": "cli",
    "typer": "cli",
    "rich": "cli",
}


def doctor() -> None:
    """Show konvolve's version, the cores, the libraries and their devices."""
    from rich.console import Console
    from rich.table import Table

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    table = Table("library", "version", "devices and notes")
    with progress(quiet=False) as step, ThreadPoolExecutor(cores) as threads:
        step("importing the libraries, each in a process of its own")
        for name, found in zip(LIBRARIES, threads.map(examined, LIBRARIES), strict=True):
            table.add_row(name, found["version"], found["note"], style=found.get("style"))
    # Not on a terminal, rich takes 80 columns and breaks the words; a file or a pipe can take more.
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    console.print(f"konvolve {konvolve.__version__}, {python}, {cores} cores")
    console.print(table)


def examined(name: str) -> dict[str, str]:
    """The version and devices of a library, found out by a child process: a broken one may crash."""
    if importlib.util.find_spec(name) is None:
        wanted = f'"konvolve[{LIBRARIES[name]}]"' if LIBRARIES[name] else name
        return {"version": "-", "note": f"not installed: pip install {wanted}", "style": "dim"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    script = f"import json, konvolve.doctor as doctor; print(json.dumps(doctor.probed({name!r})))"
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", script],
            env={**quiet, **os.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if child.returncode == 0:
            return json.loads(child.stdout.splitlines()[-1])
        lines = child.stderr.strip().splitlines()
        reason = f"signal {-child.returncode}" if child.returncode < 0 else lines[-1]
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    return {"version": "broken", "note": reason, "style": "red"}


def probed(name: str) -> dict[str, str]:
    """The version and devices of a library, in this process."""
    library = importlib.import_module(name)
    note = ""
    if name == "tensorflow":
        note = ", ".join(device.name for device in library.config.list_physical_devices())
    elif name == "jax":
        note = ", ".join(str(device) for device in library.devices())
    elif name == "torch":
        gpus = [library.cuda.get_device_name(index) for index in range(library.cuda.device_count())]
        note = ", ".join(["cpu", *gpus, *(["mps"] if library.backends.mps.is_available() else [])])
    elif name == "keras":
        note = f"backend {library.backend.backend()}"
    if name == "numpy" or name in registry.LIBRARIES:
        note = ", ".join(part for part in (note, constants(name)) if part)
    version = getattr(library, "__version__", None) or importlib.metadata.version(name)
    return {"version": version, "note": note}


def constants(library: str) -> str:
    """Which planning constants konvolve uses on a library, in this process."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        entry = calibration.in_use(registry.backend(library).profile())[1]
    if complaints:
        return f"planning constants: shipped, as {calibration.path()} is not usable"
    return f"planning constants: measured here, {entry.get('date')}" if entry else "planning constants: shipped"
