"""Generative models of streamlines in Keras 3; only here TensorFlow is loaded."""

from __future__ import annotations

from importlib import import_module

from .backend import load_tensorflow

load_tensorflow()

_LAZY = {
    "AE": ".ae",
    "VAE": ".vae",
    "CVAE": ".cvae",
    "RVAE": ".rvae",
    "AAE": ".aae",
    "load_model": ".archive",
    "StreamlineModel": ".model",
    "LabelRegularizer": ".label_regularizer",
    "AttributeRegularizer": ".attribute_regularizer",
    "SpectralBackbone": ".spectral",
    "ConvBackbone": ".conv",
    "TrainingOptions": ".options",
    "TrainingDivergedError": ".callbacks",
}

__all__ = list(_LAZY)


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
