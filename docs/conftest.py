"""The examples on these pages run as doctests, also without the rest of the suite: a quiet start of TensorFlow."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
