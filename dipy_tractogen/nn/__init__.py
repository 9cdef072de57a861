"""Generative models of streamlines in Keras 3; only here its backend is loaded."""

from __future__ import annotations

from importlib import import_module

from .backend import load_backend

load_backend()

_HOMES = {
    "AE": ".ae",
    "VAE": ".vae",
    "CVAE": ".cvae",
    "RVAE": ".rvae",
    "AAE": ".aae",
    "load_model": ".archive.load",
    "share_model": ".archive.share",
    "StreamlineModel": ".model",
    "Term": ".terms.base",
    "LabelRegularizer": ".terms.label",
    "AttributeRegularizer": ".terms.attribute",
    "SpectralBackbone": ".backbones.spectral",
    "ConvBackbone": ".backbones.conv",
    "TrainingOptions": ".training.options",
    "TrainingDivergedError": ".training.callbacks",
}

__all__ = list(_HOMES)

# All are imported, since the classes in a model's file are then registered.
for _name, _home in _HOMES.items():
    globals()[_name] = getattr(import_module(_home, __name__), _name)
