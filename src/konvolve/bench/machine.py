"""Where a measurement was taken: without this a number of milliseconds means nothing."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from importlib import metadata

from konvolve.profiles import measured

DISTRIBUTIONS = (
    "konvolve", "numpy", "scipy", "tensorflow", "keras", "jax", "jaxlib", "torch",
    "opencv-python-headless", "opencv-python", "torch-fftconv", "fft-conv-pytorch", "cupy-cuda12x", "cupy-cuda13x",
)  # fmt: skip
# Settings of the environment that change how many threads, or which kernels, a library uses.
SETTINGS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS",
)  # fmt: skip


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def devices() -> dict[str, str]:
    """The default device of each library that has been imported."""
    found = {}
    if jax := sys.modules.get("jax"):
        found["jax"] = str(getattr(jax.devices()[0], "device_kind", jax.devices()[0]))
    if torch := sys.modules.get("torch"):
        found["torch"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
    if tensorflow := sys.modules.get("tensorflow"):
        gpus = tensorflow.config.list_physical_devices("GPU")
        found["tensorflow"] = (
            tensorflow.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "cpu"
        )
    return found


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
        "processor": measured.processor(),
        "cores": measured.cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
        # Other work on the machine at the start; well above zero, the times are not to be quoted.
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def line(machine: dict) -> str:
    """A machine as `describe` has it in one line."""
    versions = {"Python": machine["python"], **machine["versions"]}
    parts = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        machine["date"],
    ]
    if machine.get("revision") is not None:
        parts.append(f"konvolve's commit {machine['revision']}")
    if machine["load"] is not None:
        parts.append(f"load at the start {machine['load']:.2f}")
    return "; ".join(parts)
