"""Samplers of latents: densities fitted to those of training streamlines.

The registry is imported when it is used, because it needs scikit-learn, without which
models are loaded.
"""

from importlib import import_module

__all__ = ["DEFAULT_SAMPLER", "SAMPLERS", "make_sampler"]


def __getattr__(name: str):
    if name in __all__:
        return getattr(import_module(f"{__name__}.registry"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
