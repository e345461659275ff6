"""Sphinx's settings for the site; ``python -m docs`` builds it. What konvolve adds to Sphinx is in ``building/``."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import matplotlib  # noqa: E402

matplotlib.use("agg")

import konvolve  # noqa: E402
from docs.building import api, command, drawing, links, pictures  # noqa: E402

project = "konvolve"
author = "the konvolve developers"
copyright = "the konvolve developers, Apache-2.0"
version = release = konvolve.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = [
    "_build",
    "**/GALLERY_HEADER.rst",
    "sg_execution_times.rst",
    "**/sg_execution_times.rst",
    "building",
]
suppress_warnings = ["config.cache"]

# Pages: Markdown, with anchors for headings as GitHub makes them.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# The API, from docstrings in Google's style.
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
add_module_names = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The gallery: every example is run. One that fails ends the build.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"__init__\.py",
    "subsection_order": [f"../examples/{name}" for name in pictures.SECTIONS],
    "within_subsection_order": "ExampleTitleSortKey",
    "backreferences_dir": "api/examples",
    "doc_module": ("konvolve",),
    "exclude_implicit_doc": {"konvolve.plan$"},
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "matplotlib_animations": False,
    "image_scrapers": ("matplotlib",),
    "capture_repr": ("_repr_html_",),
    "reset_modules": (pictures.reset,),
    "min_reported_time": 3,
    "nested_sections": False,
    "thumbnail_size": (400, 280),
    "notebook_images": False,
    "download_all_examples": True,
    "plot_gallery": os.environ.get("KONVOLVE_GALLERY", "run") != "skip",
}

html_theme = "pydata_sphinx_theme"
html_title = "konvolve"
html_favicon = "static/favicon.svg"
html_static_path = ["static"]
html_css_files = ["konvolve.css"]
html_js_files = [("konvolve.js", {"defer": "defer"})]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "konvolve"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "changelog": []}


def setup(app):
    """Write the pages that are made from the program, and have links lead to pages of the site."""
    api.write(DOCS / "api")
    command.write(DOCS / "command.md")
    links.write_pages(DOCS)
    app.connect("source-read", links.on_source_read)
    app.connect("source-read", draw, priority=600)


def draw(app, name, source):
    """Sphinx's event: the drawing in the page on the architecture."""
    if name == "architecture":
        source[0] = drawing.replaced(source[0], DOCS / "results")
