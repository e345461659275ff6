"""Which library Keras computes with: settled when this file is imported, which must be before Keras is.

Keras takes TensorFlow unless the environment variable KERAS_BACKEND or its file keras.json names another library. Where
the one it takes is not installed, importing Keras ends in "No module named 'tensorflow'". So the variable is set here
if nobody has set it and exactly one of the libraries is installed. Otherwise an error says what to do.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys

from konvolve.backends.registry import LIBRARIES

VARIABLE = "KERAS_BACKEND"

_INSTALL = "pip install " + ", ".join(f'"konvolve[{name}]"' for name in LIBRARIES[:-1])
_INSTALL += f' or "konvolve[{LIBRARIES[-1]}]"'


def installed(name: str) -> bool:
    """Whether a module can be imported, as far as can be said without importing it."""
    if name in sys.modules:
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None


def settle() -> None:
    """Set the environment variable where Keras needs it; ModuleNotFoundError where that would not help."""
    if "keras" in sys.modules:
        return
    if not installed("keras"):
        raise ModuleNotFoundError(f"konvolve's layers need Keras, which is not installed: {_INSTALL}", name="keras")
    wanted = os.environ.get(VARIABLE) or _from_file()
    if wanted not in LIBRARIES or installed(wanted):
        return
    there = [name for name in LIBRARIES if installed(name)]
    if not there:
        raise ModuleNotFoundError(
            f"Keras needs a library to compute with, and none is installed: {_INSTALL}", name=wanted
        )
    # Where an import of Keras has failed in this process, Keras remembers what it was told.
    begun = any(name.startswith("keras.") for name in sys.modules)
    if len(there) == 1 and not os.environ.get(VARIABLE) and not begun:
        os.environ[VARIABLE] = there[0]
        return
    raise ModuleNotFoundError(
        f"Keras is to compute with {wanted}, which is not installed: set the environment variable "
        f"{' or '.join(f'{VARIABLE}={name}' for name in there)} before Python starts",
        name=wanted,
    )


def _from_file() -> str:
    """Return the library that Keras's file of settings names; Keras writes it itself, with TensorFlow's name."""
    home = os.path.expanduser("~")
    folder = os.environ.get("KERAS_HOME") or os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    try:
        with open(os.path.join(os.path.expanduser(folder), "keras.json"), encoding="utf-8") as file:
            return str(json.load(file).get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError):
        return "tensorflow"


settle()
