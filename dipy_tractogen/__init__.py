"""Generative models of white-matter streamlines, as a plugin of DIPY.

Importing the package loads neither Keras nor FURY; the names below load what they
need when they are first used.
"""

from __future__ import annotations

from importlib import import_module

from .utils import moved

__version__ = "0.1.0"

moved.install()

_LAZY = {
    "AE": "dipy_tractogen.nn",
    "VAE": "dipy_tractogen.nn",
    "CVAE": "dipy_tractogen.nn",
    "RVAE": "dipy_tractogen.nn",
    "AAE": "dipy_tractogen.nn",
    "load_model": "dipy_tractogen.nn",
    "register_to_model": "dipy_tractogen.nn.registration",
    "BundleSet": "dipy_tractogen.streamlines.dataset",
    "Reference": "dipy_tractogen.streamlines.reference",
    "load_bundles": "dipy_tractogen.streamlines.io",
    "save_bundles": "dipy_tractogen.streamlines.formats.writers",
    "simulate_fibercup": "dipy_tractogen.streamlines.simulation.phantom",
    "packaged_bundles": "dipy_tractogen.streamlines.simulation.packaged",
    "evaluate": "dipy_tractogen.metrics.evaluation",
    "render_bundles": "dipy_tractogen.viz",
    "plot_bundles": "dipy_tractogen.viz",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY))
