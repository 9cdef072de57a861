"""What makes a streamline plausible: criteria, each in a file, and their count."""

from .box import InsideBox
from .criterion import Criterion
from .curvature import SmallestRadius
from .endpoint_regions import EndsInRegions
from .length import LengthRange
from .mask import InsideMask
from .peaks import AlongPeaks
from .plausibility import Plausibility
from .winding import LargestWinding

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
]
