"""Criteria by which streamlines are plausible, and their count."""

from .plausibility import Criterion, Plausibility
from .regions import AlongPeaks, EndsInRegions, InsideBox, InsideMask, with_box
from .shape import LargestWinding, LengthRange, SmallestRadius

__all__ = [
    "AlongPeaks",
    "Criterion",
    "EndsInRegions",
    "InsideBox",
    "InsideMask",
    "LargestWinding",
    "LengthRange",
    "Plausibility",
    "SmallestRadius",
    "with_box",
]
