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
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import konvolve
from konvolve.backends import registry
from konvolve.command.terminal import progress
from konvolve.profiles import measured

# The libraries it looks for: the module, and the extra of konvolve that brings it ("" for none).
LIBRARIES = {
    "numpy": "",
    "scipy": "",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "skimage": "cli",
    "PIL": "cli",
    "tifffile": "cli",
    "soundfile": "sound",
    "soxr": "sound",
    "matplotlib": "cli",
    "typer": "cli",
    "rich": "cli",
}
# These are imported in quick succession by one process, the others in a process each, the slowest last.
_QUICK = ("numpy", "scipy", "PIL", "tifffile", "soundfile", "soxr", "typer", "rich", "skimage", "matplotlib")
_SLOW = ("jax", "torch", "tensorflow", "keras")
# Seconds for all of them. TensorFlow takes 2 to 8 s to import.
DEADLINE = 2.0
# Seconds for the convolutions that --check times on one library, its import included: some 5 on a quiet machine.
_CHECKED_IN = 120


def doctor(full: bool = False, check: bool = False) -> None:
    """Show konvolve's version, the cores, the libraries and their devices; all imported to the end if `full`.

    With `check`, a few convolutions say whether the planning constants fit this machine.
    """
    from rich.console import Console
    from rich.table import Table

    with progress(quiet=False) as step:
        step("importing the libraries")
        found = examined(None if full else time.monotonic() + DEADLINE)
    table = Table("library", "version", "devices and notes")
    for name in LIBRARIES:
        table.add_row(name, found[name]["version"], found[name]["note"], style=found[name].get("style"))
    # Not on a terminal, rich takes 80 columns and breaks the words; a file or a pipe can take more.
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    console.print(f"konvolve {konvolve.__version__}, {python}, {measured.cores()} cores")
    console.print(table)
    if check:
        for name, said in checked([name for name in found if found[name]["version"] not in ("-", "broken")]).items():
            console.print(f"{name}: {said}")


def checked(names: list[str]) -> dict[str, str]:
    """Whether the constants of these libraries fit this machine, each asked in a process of its own, one by one."""
    script = "import sys; from konvolve.bench import check; name = sys.argv[1]\n"
    script += "__import__(name); print(check.sentence(name, check.measured(name)))"
    found = {}
    with progress(quiet=False) as step:
        for name in (name for name in ("numpy", *registry.LIBRARIES) if name in names):
            step(f"timing a few convolutions on {name}")
            quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
            command = [sys.executable, "-P", "-c", script, name]
            try:
                done = subprocess.run(
                    command, env={**quiet, **os.environ}, capture_output=True, text=True, timeout=_CHECKED_IN
                )
            except subprocess.TimeoutExpired:
                found[name] = f"no answer in {_CHECKED_IN} s"
                continue
            lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
            found[name] = lines[-1] if lines else f"exit status {done.returncode}"
    return found


def examined(until: float | None) -> dict[str, dict[str, str]]:
    """The version and devices of each library, found out by child processes: a broken one may crash.

    Of those that have not been imported when `until` comes, by time.monotonic, only the version is found.
    """
    found, there = {}, []
    for name, extra in LIBRARIES.items():
        if importlib.util.find_spec(name) is not None:
            there.append(name)
            continue
        wanted = f'"konvolve[{extra}]"' if extra else name
        found[name] = {"version": "-", "note": f"not installed: pip install {wanted}", "style": "dim"}
    alone = [name for name in (*_SLOW, *LIBRARIES) if name in there and name not in _QUICK]
    groups = [[name for name in _QUICK if name in there], *([name] for name in dict.fromkeys(alone))]
    with ThreadPoolExecutor(measured.cores()) as threads:  # more at once would all be late
        for answers in threads.map(lambda names: _asked(names, until), groups):
            found |= answers
    return found


def _asked(names: list[str], until: float | None) -> dict[str, dict[str, str]]:
    """What a child process says of some libraries; another is asked of those behind one that made it crash."""
    found: dict[str, dict[str, str]] = {}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    script = "import sys, konvolve.command.doctor as doctor; doctor.answer(sys.argv[1:])"
    while left := [name for name in names if name not in found]:
        if until is not None and time.monotonic() > until:
            return found | {name: _late(name, until) for name in left}
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", script, *left],
            env={**quiet, **os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            out, err = child.communicate(timeout=120 if until is None else max(until - time.monotonic(), 0.01))
            late = False
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            late = True
        for line in out.splitlines():
            if line.startswith(_MARK):
                name, answer = json.loads(line.removeprefix(_MARK))
                found[name] = answer
        unanswered = [name for name in left if name not in found]
        if late:
            found |= {name: _late(name, until) for name in unanswered}
        elif unanswered:
            lines = err.strip().splitlines()
            reason = f"signal {-child.returncode}" if child.returncode < 0 else (lines or ["no answer"])[-1]
            found[unanswered[0]] = {"version": "broken", "note": reason, "style": "red"}
    return found


def _late(name: str, until: float | None) -> dict[str, str]:
    """What is known of a library without importing it."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = "?"
    slow = "not imported in 120 s" if until is None else "slow to import: konvolve doctor --full waits for its devices"
    return {"version": version, "note": slow}


_MARK = "konvolve doctor: "


def answer(names: list[str]) -> None:
    """Print what there is to say of some libraries, a line each as soon as it is known; the child process runs this."""
    for name in names:
        try:
            said = probed(name)
        except Exception as error:  # whatever a broken library raises
            lines = f"{type(error).__name__}: {error}".splitlines()
            said = {"version": "broken", "note": lines[0], "style": "red"}
        print(_MARK + json.dumps((name, said)), flush=True)


def probed(name: str) -> dict[str, str]:
    """The version and devices of a library, in this process."""
    if name == "keras":
        try:
            importlib.import_module("konvolve.backends.keras_backend")
        except ModuleNotFoundError as error:  # nothing is broken: it says what Keras needs
            return {"version": importlib.metadata.version(name), "note": str(error)}
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
    elif name == "scipy":
        note = transforms()
    if name == "numpy" or name in registry.LIBRARIES:
        note = ", ".join(part for part in (note, constants(name)) if part)
    version = getattr(library, "__version__", None) or importlib.metadata.version(name)
    return {"version": version, "note": note}


# Backends of scipy.fft that are quicker: the distribution, and what scipy.fft.set_backend is given.
_TRANSFORMS = {"mkl_fft": "mkl_fft.interfaces.scipy_fft", "pyfftw": "pyfftw.interfaces.scipy_fft"}


def transforms() -> str:
    """Which transforms NumPy's arrays are given, and which others are installed."""
    others = [f"scipy.fft.set_backend({_TRANSFORMS[name]})" for name in _TRANSFORMS if importlib.util.find_spec(name)]
    return "; ".join(["transforms of NumPy's arrays", *(f"others by {other}" for other in others)])


def constants(library: str) -> str:
    """Which planning constants konvolve uses on a library, in this process."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        entry = measured.in_use(registry.backend(library).profile())[1]
    if complaints:
        return f"planning constants: shipped, as {measured.path()} is not usable"
    return f"planning constants: measured here, {entry.get('date')}" if entry else "planning constants: shipped"
