"""Densities as single subjects have them."""

from .effect import SubjectEffect
from .variation import SubjectVariation

__all__ = ["SubjectEffect", "SubjectVariation"]
