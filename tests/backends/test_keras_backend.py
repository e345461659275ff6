"""Keras without TensorFlow: what is installed is taken, or a sentence says what to do. Each in a process of its own."""

import os
import subprocess
import sys

import pytest

# The file sitecustomize.py, which Python runs when it starts, in child processes too: what is named here is not there.
HIDING = """
import importlib.machinery, sys
class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {names!r} else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
"""


def python(folder, absent, arguments, **variables):
    """Run Python as if the libraries in ``absent`` were not installed, and as if Keras had never been used before."""
    (folder / "sitecustomize.py").write_text(HIDING.format(names=absent))
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"PYTHONPATH": str(folder), "KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300)


LAYERS = """
import numpy as np, sys
from konvolve import layers
import keras, konvolve
assert konvolve.to_konvolve(keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])).layers[0].method
y = layers.Conv1D(2, 64, padding="causal", kernel_initializer="ones")(np.ones((1, 200, 1), "float32"))
np.testing.assert_allclose(keras.ops.convert_to_numpy(y)[0, :, 0], np.minimum(np.arange(1, 201), 64), rtol=1e-5)
print(keras.backend.backend(), "tensorflow" in sys.modules)
"""


DOCTOR = "from konvolve.command import doctor; doctor.answer(['keras'])\n"


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_the_one_library_that_is_installed_is_taken(library, tmp_path):
    """By the layers where JAX is it; where PyTorch is, by what doctor does, and the layers follow."""
    if library == "jax":  # Keras writes this file itself: nobody has chosen TensorFlow
        (tmp_path / "keras.json").write_text('{"backend": "tensorflow"}')
    code = LAYERS if library == "jax" else DOCTOR + LAYERS
    done = python(tmp_path, {"tensorflow", "jax", "torch"} - {library}, ["-c", code])
    *said, last = done.stdout.splitlines() or [""]
    assert last == f"{library} False", done.stderr[-2000:]
    assert library == "jax" or '"note": "backend torch"' in said[0]


WITHOUT = {
    "of two": ({"tensorflow"}, {}, "with tensorflow, .*: set .* KERAS_BACKEND=jax or KERAS_BACKEND=torch before "),
    "another is chosen": (
        {"tensorflow", "jax"}, {"KERAS_BACKEND": "jax"}, "with jax, which is not installed: set .* KERAS_BACKEND=torch "
    ),
    "no library": (
        {"tensorflow", "jax", "torch"}, {}, r"Keras needs a library .*: pip install .*konvolve\[tensorflow\].*torch"
    ),
    "no Keras": ({"keras"}, {}, r"need Keras, which is not installed: pip install .*konvolve\[tensorflow\].*torch"),
}  # fmt: skip


@pytest.mark.parametrize("case", WITHOUT)
def test_otherwise_a_sentence_says_what_to_do(case, tmp_path):
    absent, variables, words = WITHOUT[case]
    code = f"""
import re, konvolve
for ask in ("from konvolve import layers", "konvolve.layers", "konvolve.to_konvolve", "konvolve.to_keras",
            "import konvolve.layers.convert", "import konvolve.symbolic", "from konvolve.layers import Conv1D"):
    try:
        exec(ask)
    except ImportError as error:
        assert re.search({words!r}, str(error)), (ask, error)
    else:
        raise AssertionError(ask)
assert konvolve.fftconvolve([1.0, 2.0], [1.0]).sum() == 3
"""
    done = python(tmp_path, absent, ["-W", "error", "-c", code], **variables)
    assert done.returncode == 0, done.stderr[-2000:]


def test_after_an_import_of_keras_that_failed(tmp_path):
    """Keras keeps what it was told, so that setting the variable now would be of no use."""
    code = """
import pytest
with pytest.raises(ImportError, match="tensorflow"):
    import keras
with pytest.raises(ImportError, match="KERAS_BACKEND=torch before Python starts"):
    from konvolve import layers
"""
    done = python(tmp_path, {"tensorflow", "jax"}, ["-c", code])
    assert done.returncode == 0, done.stderr[-2000:]


def test_doctor_calls_nothing_broken(tmp_path):
    said = python(tmp_path, {"tensorflow"}, ["-c", DOCTOR]).stdout
    assert "KERAS_BACKEND=jax or KERAS_BACKEND=torch" in said
    assert "broken" not in said
