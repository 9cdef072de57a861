"""Length and location of sets of streamlines, to see that two share no space."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass

from nibabel.streamlines import ArraySequence
import numpy as np

from .conversion import to_sequence
from .geometry import arc_lengths
from .spaces.moved import moved_streamlines
from .spaces.transform import Transform

# Streamlines that suffice to locate a tractogram.
_MOST = 20_000
# Percentiles, as a few points may be anywhere.
_PERCENTILES = (1, 50, 99)


@dataclass(frozen=True)
class Location:
    """Length and location of a set of streamlines (RASMM, mm).

    `median_length_mm` is the median of the lengths, `centre_mm` that of the
    coordinates; `low_mm` and `high_mm` are the first and last percentile of these.
    """

    median_length_mm: float
    centre_mm: tuple[float, float, float]
    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]

    @classmethod
    def of(
        cls,
        streamlines: ArraySequence | np.ndarray,
        *,
        transform: Transform | None = None,
    ) -> Location:
        """Return the location of streamlines (RASMM, mm), of many of an even choice.

        With a `transform` it is that in the space that it leads to.
        """
        streamlines = to_sequence(streamlines)
        if not len(streamlines):
            raise ValueError("no streamlines: give one or more to tell where they are")
        some = streamlines[:: -(-len(streamlines) // _MOST)]
        some = moved_streamlines(some, transform)
        low, centre, high = np.percentile(some.get_data(), _PERCENTILES, axis=0)
        length = float(np.median(arc_lengths(some)))
        return cls(length, *(tuple(map(float, each)) for each in (centre, low, high)))

    @classmethod
    def from_array(cls, values: np.ndarray) -> Location:
        """Return the location of the ten finite numbers of `to_array`."""
        values = np.asarray(values, dtype=float)
        if values.shape != (10,) or not np.isfinite(values).all():
            raise ValueError(f"a location of the shape {values.shape}: ten numbers")
        length, *rest = values.tolist()
        return cls(length, tuple(rest[:3]), tuple(rest[3:6]), tuple(rest[6:]))

    def to_array(self) -> np.ndarray:
        """Return length, centre, low and high, (10,), float64."""
        return np.hstack(astuple(self))

    def to_dict(self) -> dict:
        """Return the numbers by name, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def describe(self) -> str:
        """Return text such as "median length 98 mm, centre (1, -20, 30) mm, ..."."""
        centre = ", ".join(f"{value:.0f}" for value in self.centre_mm)
        ranges = ", ".join(
            f"{axis} {low:.0f} to {high:.0f}"
            for axis, low, high in zip("xyz", self.low_mm, self.high_mm)
        )
        return (
            f"median length {self.median_length_mm:.1f} mm, centre ({centre}) mm, "
            f"{ranges} mm"
        )


def compare_locations(**sets: ArraySequence | np.ndarray | Location | None):
    """Return the locations of sets of streamlines in words, and as numbers by name.

    A set is streamlines in RASMM mm, or their location; one that is None is left out.
    """
    places = {
        name: each if isinstance(each, Location) else Location.of(each)
        for name, each in sets.items()
        if each is not None
    }
    text = "; ".join(f"{name}: {each.describe()}" for name, each in places.items())
    return text, {name: each.to_dict() for name, each in places.items()}
