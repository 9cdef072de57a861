"""Versions of the software that a result depends on."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import metadata
from importlib.metadata import PackageNotFoundError
import os
import platform
import sys

from dipy_tractogen import __version__

_BACKENDS = ("tensorflow", "jax", "torch")
_PACKAGES = ("dipy", "keras", *_BACKENDS, "numpy", "scikit-learn")

# It is read from files, and asked for each subject of a cohort.
version = cache(metadata.version)


def current_versions() -> dict[str, str]:
    """Return the versions of this package, Python and what both compute with.

    Nothing is imported. Of the backends of Keras only the one in use is there or, as
    long as Keras is not imported, each that is installed.
    """
    found = {"dipy_tractogen": __version__, "python": platform.python_version()}
    keras = sys.modules.get("keras")
    in_use = _BACKENDS if keras is None else (keras.config.backend(),)
    for name in _PACKAGES:
        if name in _BACKENDS and name not in in_use:
            continue
        # TensorFlow has a build without GPU under a name of its own.
        for distribution in (name, f"{name}-cpu"):
            with suppress(PackageNotFoundError):
                found.setdefault(name, version(distribution))
    return found


def versions_to_use() -> dict[str, str]:
    """Return `current_versions` with the one backend that Keras has or would take.

    They are the same before and after Keras is imported.
    """
    found = current_versions()
    installed = [name for name in _BACKENDS if name in found]
    chosen = os.environ.get("KERAS_BACKEND") or (installed or [""])[0]
    if "keras" in sys.modules:
        return found
    return {
        name: text
        for name, text in found.items()
        if name not in _BACKENDS or name == chosen
    }
