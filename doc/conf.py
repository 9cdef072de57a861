"""Settings of the documentation, which ``bin/docs`` builds."""

import inspect
import os
from pathlib import Path
import sys

from sphinx.util.inspect import stringify_signature

import dipy_tractogen

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# TensorFlow's messages about the processor are none of the examples'.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "dipy_tractogen"
author = copyright = "dipy_tractogen developers"
version = release = dipy_tractogen.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
    # MathJax, as part of the site: no network is needed to read it.
    "sphinx-mathjax-offline",
    "sphinxcontrib.bibtex",
    "commands",
    "short_names",
    "summaries",
]
exclude_patterns = ["_build", "_templates", "examples"]
templates_path = ["_templates"]
default_role = "py:obj"
highlight_language = "bash"

# The parameters of a workflow are those of its command line.
autodoc_typehints = "none"
bibtex_bibfiles = ["references.bib"]
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib", "pictures"),
    # Paths of pictures are shown as pictures.
    "ignore_repr_types": "Path|History",
    "capture_repr": ("_repr_html_", "__repr__"),
    "remove_config_comments": True,
    "show_signature": False,
    "download_all_examples": False,
    "reference_url": {},
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = project
html_show_sourcelink = False
# Pages without others below them.
_ALONE = (
    *("index", "quick_start", "choosing", "models", "samplers", "extending"),
    *("references", "changes"),
)
html_sidebars = {page: [] for page in _ALONE}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
}


def skip_requests(app, kind, name, item, skip, options):
    """Leave out the methods that scikit-learn adds to every estimator."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def own_signature(app, kind, name, item, options, signature, returned):
    """Give the parameters of a model, which Keras hides behind those of its base."""
    if kind == "class" and signature == "(*args, **kwargs)":
        parameters = inspect.signature(item.__init__).parameters.values()
        own = inspect.Signature(list(parameters)[1:])
        return stringify_signature(own, show_annotation=False), returned
    return None


def setup(app):
    """Connect what is above to Sphinx."""
    app.connect("autodoc-process-signature", own_signature)
    app.connect("autodoc-skip-member", skip_requests)
