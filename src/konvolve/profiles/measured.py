"""Planning constants measured on the user's own machine, kept in the user's cache folder.

`konvolve bench --calibrate` writes them and `profiles.in_use` reads them, when a library's first plan is made.
They count only for the processor, the cores, the library's version and device, and the cost model they were fitted for.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from konvolve._version import __version__
from konvolve.planning.profile import Profile
from konvolve.profiles.shipped import CONSTANTS

FOLDER = "KONVOLVE_CACHE"
"""The environment variable that names another folder."""

# A file of constants for four libraries has 10 KiB.
_MOST_BYTES = 2**20

# Times of one operation on one sample or of one call, in seconds, and ratios near 1 are by far between these.
_LEAST, _MOST = 1e-15, 1e3

# The distributions whose versions decide how fast a library is.
_DISTRIBUTIONS = {
    "numpy": ("numpy", "scipy"),
    "tensorflow": ("tensorflow",),
    "jax": ("jax", "jaxlib"),
    "torch": ("torch",),
}


def folder() -> Path:
    """Return the folder for what can be worked out again: konvolve's, in the user's cache as the system has it."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        # A relative path is to be ignored, says the XDG Base Directory Specification.
        given = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return base / "konvolve"


def path() -> Path:
    """Return the file of the constants."""
    return folder() / "constants.json"


def measurable(constants: Profile) -> dict[str, Any]:
    """Return the constants of a library that are times or ratios of times, and not facts about it."""
    found = constants._asdict()
    return {name: value for name, value in found.items() if isinstance(value, (float, dict))}


def device(library: str) -> str | None:
    """Return the kind of the library's default device; None where the library has not been imported."""
    module = sys.modules.get(library)
    if library == "numpy":
        return "cpu"
    if module is None:
        return None
    if library == "jax":
        first = module.devices()[0]
        return "cpu" if first.platform == "cpu" else str(first.device_kind)
    if library == "torch":
        return str(module.cuda.get_device_name(0)) if module.cuda.is_available() else "cpu"
    gpus = module.config.list_physical_devices("GPU")
    return str(module.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if gpus else "cpu"


def circumstances(profile: str) -> dict[str, Any]:
    """Return what has to be the same for measured constants to count: machine, versions, and the model's constants."""
    import importlib.metadata  # late: where there is no file, nothing of this is needed

    versions = []
    for name in _DISTRIBUTIONS[library_of(profile)]:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} unknown")
    return {
        "konvolve": __version__,
        "profile": profile,
        "versions": versions,
        "processor": processor(),
        "cores": cores(),
        "shipped": _text(measurable(Profile(**CONSTANTS[profile]))),
    }


def library_of(profile: str) -> str:
    """Return the library whose constants these are: "jax32" are JAX's."""
    return "jax" if profile == "jax32" else profile


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name, as the system tells it."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        import platform

        return platform.processor() or platform.machine()


def _text(constants: dict[str, Any]) -> dict[str, Any]:
    """Return constants as JSON has them, where every key is text."""
    return json.loads(json.dumps(constants))


def _text_of(file: Path) -> str:
    """Return what stands in a file; ValueError for what is no file of ours, such as a pipe, which would never end."""
    about = file.stat()
    if not stat.S_ISREG(about.st_mode):
        raise ValueError("it is not a regular file")
    if about.st_size > _MOST_BYTES:
        raise ValueError(f"it has {about.st_size} bytes, and no more than {_MOST_BYTES} are read")
    return file.read_text(encoding="utf-8")


def stored() -> Sequence[dict[str, Any]]:
    """Return all entries of the file; none, with a warning, where it can't be read."""
    try:
        file = path()
    except RuntimeError:  # there is no home
        return []
    try:
        found = json.loads(_text_of(file))["constants"]
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise ValueError("no list of constants in it")
        return found
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:  # RecursionError: brackets in brackets
        warnings.warn(
            f"konvolve's measured constants in {file} cannot be read ({error}), and the shipped ones are used; delete "
            "the file, or run konvolve bench --calibrate again",
            stacklevel=2,
        )
        return []


def found(profile: str) -> dict[str, Any] | None:
    """Return the entry that counts for a library here and now, None where there is none."""
    entries = stored()
    if not entries:
        return None  # before anything is asked of the library, or of the machine
    here = circumstances(profile)
    fit = [entry for entry in entries if all(entry.get(name) == value for name, value in here.items())]
    now = device(library_of(profile))
    fit = [entry for entry in fit if now is None or entry.get("device") == now]
    return fit[-1] if fit else None


def in_use(profile: str) -> tuple[Profile, dict[str, Any] | None]:
    """Return a library's constants, and the entry they were measured with: None where they are the shipped ones."""
    shipped = Profile(**CONSTANTS[profile])
    entry = found(profile)
    if entry is None:
        return shipped, None
    try:
        return with_measured(shipped, entry["measured"]), entry
    except (KeyError, TypeError, ValueError) as error:
        warnings.warn(
            f"konvolve's measured constants for {profile} in {path()} are not usable ({error!r}), and the shipped ones "
            "are used; run konvolve bench --calibrate again",
            stacklevel=2,
        )
        return shipped, None


def with_measured(shipped: Profile, measured: dict[str, Any]) -> Profile:
    """Return the constants with measured values in the place of the shipped ones; ValueError for what is no time."""
    values: dict[str, Any] = {}
    for name, old in measurable(shipped).items():
        new = measured[name]
        if isinstance(old, dict):
            values[name] = {key: _time(new[str(key)], value) for key, value in old.items()}
        else:
            values[name] = _time(new, old)
    return shipped._replace(**values)


def _time(value: Any, shipped: float) -> float:
    """Return a time or a ratio of times; none is 0 that is not 0 as shipped."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (_LEAST <= value <= _MOST or (value == 0 and shipped == 0)):
        shown = repr(value)
        raise ValueError(f"{shown if len(shown) < 40 else shown[:40] + '...'} is not a time")
    return float(value)


def store(profile: str, measured: Profile, more: dict[str, Any]) -> Path:
    """Keep constants measured on this machine, in the place of older ones for the same library and device.

    The file is written beside the old one and renamed, so that a reader finds the one or the other whole.
    """
    here = circumstances(profile) | {"device": device(library_of(profile)) or "cpu"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a file that can't be read is replaced
        kept = [entry for entry in stored() if any(entry.get(name) != value for name, value in here.items())]
    entry = here | {"measured": _text(measurable(measured))} | more
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(json.dumps({"constants": [*kept, entry]}, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)
    return file
