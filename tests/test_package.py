"""What ``import konvolve`` offers, in processes that have imported nothing before."""

import subprocess
import sys

PUBLIC = [
    "Kernel",
    "Stream",
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "layers",
    "ndimage",
    "nn",
    "oaconvolve",
    "plan",
    "sepfir2d",
    "to_keras",
    "to_konvolve",
]


def said(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def test_what_is_public_is_shown_and_nothing_else():
    assert said("import konvolve; print(*[name for name in dir(konvolve) if name[:2] != '__'])") == PUBLIC


def test_nn_is_there_without_being_imported_by_name():
    heavy = "[m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules]"
    assert said(f"import sys, konvolve; print(konvolve.nn.conv.__name__, {heavy})") == ["conv", "[]"]
