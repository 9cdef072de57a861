"""Settings of the documentation, which ``bin/docs`` builds."""

from pathlib import Path
import sys

import dipy_tractogen

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "dipy_tractogen"
author = copyright = "dipy_tractogen developers"
version = release = dipy_tractogen.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinxcontrib.bibtex",
    "commands",
    "mathml",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "py:obj"
highlight_language = "bash"

# The parameters of a workflow are those of its command line.
autodoc_typehints = "none"
bibtex_bibfiles = ["references.bib"]
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = project
html_show_sourcelink = False
html_math_renderer = "mathml"
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
