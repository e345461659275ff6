"""The examples on these pages run as doctests, also without the rest of the suite: a quiet start of TensorFlow."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What builds the site is no page, and what it has built is made of pages.
collect_ignore = [
    "conf.py", "__main__.py", "building", "_build", "api", "gallery", "results", "changelog.md", "contributing.md",
    "command.md",
]  # fmt: skip
