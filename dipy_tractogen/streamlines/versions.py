"""Versions of the software that a result depends on."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
import platform

from dipy_tractogen import __version__

_PACKAGES = ("dipy", "keras", "tensorflow", "numpy", "scikit-learn")


def current_versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of what both compute with.

    Nothing is imported for it.

    Returns
    -------
    dict of str to str
        Version by package name; packages that are not installed are left out.
    """
    found = {"dipy_tractogen": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        # TensorFlow has a build without GPU under a name of its own.
        for distribution in (name, f"{name}-cpu"):
            with suppress(PackageNotFoundError):
                found.setdefault(name, version(distribution))
    return found
