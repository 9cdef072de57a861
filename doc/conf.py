"""Settings of the documentation: ``sphinx-build doc doc/_build/html``."""

import dipy_tractogen

project = "dipy_tractogen"
author = copyright = "dipy_tractogen developers"
version = release = dipy_tractogen.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]
default_role = "py:obj"
html_theme = "alabaster"

# The parameters of a workflow are those of its command line.
autodoc_typehints = "none"
bibtex_bibfiles = ["references.bib"]
numpydoc_show_class_members = False
