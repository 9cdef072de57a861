"""Densities and textures without data of single training streamlines."""

from .density import FittedDensity
from .texture import FittedTexture

__all__ = ["FittedDensity", "FittedTexture"]
