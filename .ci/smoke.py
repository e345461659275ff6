"""What an installed wheel can do with one extra, and how it says that others are missing: ``python smoke.py EXTRA``."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
EXTRA = sys.argv[1]
COMMAND = Path(sys.executable).with_name("konvolve")


def run(*arguments, code=0):
    """Run the command in an empty folder; what it wrote to standard error."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, (arguments, done)
    return done.stderr


def same(found, array=np.asarray):
    """Assert that a small convolution is right."""
    assert np.allclose(array(found), [1.0, 2.5, 4.0, 1.5]), found


def main():
    """Try the extra."""
    import konvolve

    assert "site-packages" in konvolve.__file__, konvolve.__file__
    same(konvolve.fftconvolve([1.0, 2.0, 3.0], [1.0, 0.5]))
    os.chdir(tempfile.mkdtemp())
    if EXTRA == "none":
        assert 'pip install "konvolve[cli]"' in run("blur", code=2)
    elif EXTRA == "tensorflow":
        import tensorflow as tf

        same(konvolve.fftconvolve(tf.constant([1.0, 2.0, 3.0]), tf.constant([1.0, 0.5])))
        assert konvolve.layers.Conv1D(2, 9, padding="same")(tf.ones((1, 20, 3))).shape == (1, 20, 2)
    elif EXTRA == "jax":
        import jax.numpy as jnp

        same(konvolve.fftconvolve(jnp.array([1.0, 2.0, 3.0]), jnp.array([1.0, 0.5])))
        assert konvolve.layers.Conv1D(2, 9, padding="same")(jnp.ones((1, 20, 3))).shape == (1, 20, 2)
    elif EXTRA == "torch":
        import torch

        same(konvolve.fftconvolve(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.5])))
        assert konvolve.layers.Conv1D(2, 9, padding="same")(torch.ones((1, 20, 3))).shape == (1, 20, 2)
    elif EXTRA == "cli":
        run("blur")
        assert Path("astronaut-blur.png").stat().st_size > 10_000 or Path("face-blur.png").exists()
        assert 'pip install "konvolve[sound]"' in run("reverb", code=2)
    elif EXTRA == "dask":
        import dask.array as da

        same(konvolve.convolve(da.from_array(np.array([1.0, 2.0, 3.0]), chunks=2), np.array([1.0, 0.5])).compute())
    elif EXTRA == "xarray":
        import xarray as xr

        found = konvolve.convolve(xr.DataArray([1.0, 2.0, 3.0], dims="x"), np.array([1.0, 0.5]), axes="x")
        same(found.values)
    elif EXTRA == "sound":
        import soundfile

        soundfile.write("x.wav", np.zeros(100), 8000)
        assert 'pip install "konvolve[cli]"' in run("reverb", "x.wav", "x.wav", code=2)
    else:
        raise SystemExit(f"no such extra: {EXTRA}")
    print(f"{EXTRA}: konvolve {konvolve.__version__} works")


main()
