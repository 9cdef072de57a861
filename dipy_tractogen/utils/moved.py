"""Names of version 0.1, which work for one more version with a warning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
import sys
from types import ModuleType
import warnings

_PACKAGE = __name__.partition(".")[0]
MOVED = {
    "metrics.latent": "metrics.disentanglement",
    "metrics.memorisation": "metrics.copies.memorisation",
    "metrics.novelty": "metrics.copies.novelty",
    "metrics.novelty_range": "metrics.copies.novelty",
    "metrics.regression": "metrics.errors",
    "nn.card": "nn.archive.card",
    "nn.conv": "nn.backbones.conv",
    "nn.norms": "nn.subjects.norms",
    "nn.options": "nn.training.options",
    "nn.published": "nn.archive.published",
    "nn.record": "nn.archive.record",
    "nn.share": "nn.archive.share",
    "nn.spectral": "nn.backbones.spectral",
    "nn.subject": "nn.subjects.subject",
    "nn.subject_texture": "nn.subjects.subject_texture",
    "sampling.asked": "sampling.condition_request",
    "sampling.ends": "sampling.texture.endpoints",
    "sampling.gmm": "sampling.samplers.gmm",
    "sampling.kde": "sampling.samplers.kde",
    "sampling.latent_filter": "segment.filter",
    "sampling.latent_labels": "segment.label",
    "sampling.latent_metric": "segment.metric",
    "sampling.manifold": "sampling.samplers.manifold",
    "sampling.normals": "sampling.samplers.gaussian_mixture",
    "sampling.plausibility.criterion": "sampling.plausibility.plausibility",
    "sampling.plausibility.curvature": "sampling.plausibility.shape",
    "sampling.plausibility.ends": "sampling.plausibility.regions",
    "sampling.plausibility.length": "sampling.plausibility.shape",
    "sampling.plausibility.mask": "sampling.plausibility.regions",
    "sampling.plausibility.peaks": "sampling.plausibility.regions",
    "sampling.plausibility.winding": "sampling.plausibility.shape",
    "sampling.prior": "sampling.samplers.prior",
    "sampling.rejection": "sampling.samplers.rejection",
    "sampling.sampler": "sampling.samplers.base",
    "streamlines.cohort": "streamlines.simulation.cohort",
    "streamlines.invalid": "streamlines.simulation.invalid",
    "streamlines.packaged": "streamlines.simulation.packaged",
    "streamlines.phantom": "streamlines.simulation.phantom",
    "streamlines.spacing": "streamlines.geometry",
    "streamlines.writers": "streamlines.formats.writers",
    "viz.walk": "viz.latent.traversal",
    "workflows.cohort": "workflows.simulations.cohort",
    "workflows.fit_norms": "workflows.norms.fit_norms",
    "workflows.score_subject": "workflows.norms.score_subject",
    "workflows.simulate": "workflows.simulations.fibercup",
    "workflows.sweep": "workflows.trainings.sweep",
    "workflows.train_aae": "workflows.trainings.train_aae",
    "workflows.train_ae": "workflows.trainings.train_ae",
    "workflows.train_cvae": "workflows.trainings.train_cvae",
    "workflows.train_rvae": "workflows.trainings.train_rvae",
    "workflows.train_vae": "workflows.trainings.train_vae",
}
"""Where the modules of the documented API of version 0.1 are, below the package."""


class MovedModules(MetaPathFinder, Loader):
    """Finder of modules under the names that they had in version 0.1."""

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        """Return what loads a module that has moved; None for all others."""
        package, _, old = name.partition(".")
        if package != _PACKAGE or old not in MOVED:
            return None
        return ModuleSpec(name, self)

    def exec_module(self, module: ModuleType) -> None:
        """Fill the old module with what the new one holds."""
        _, _, old = module.__name__.partition(".")
        new = f"{_PACKAGE}.{MOVED[old]}"
        warnings.warn(
            f"{module.__name__} is now {new}; the old name goes with version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        vars(module).update(vars(import_module(new)), __name__=module.__name__)

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None: Python makes the module."""


def install() -> None:
    """Add the finder of old names after all others."""
    if not any(isinstance(each, MovedModules) for each in sys.meta_path):
        sys.meta_path.append(MovedModules())


def renamed(module: str, new_names: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a module whose objects have new names."""

    def get(name: str) -> object:
        if name not in new_names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn_renamed(f"{module}.{name}", new_names[name])
        return getattr(sys.modules[module], new_names[name])

    return get


class RenamedAttribute:
    """Attribute or method of an instance under the name that it had before."""

    def __init__(self, new: str):
        self._new = new

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember the old name."""
        self._old = name

    def __get__(self, instance: object, owner: type) -> object:
        """Return what has the new name, and warn."""
        if instance is None:
            raise AttributeError(self._old)
        warn_renamed(f"{owner.__name__}.{self._old}", self._new)
        return getattr(instance, self._new)


def warn_renamed(old: str, new: str) -> None:
    """Warn the caller's caller of an old name."""
    warnings.warn(
        f"{old} is now {new}; the old name goes with version 0.3.",
        DeprecationWarning,
        stacklevel=3,
    )
