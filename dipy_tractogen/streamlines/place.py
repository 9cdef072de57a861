"""How long streamlines are, and where: enough to see that two sets share no space."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import to_sequence
from .geometry import own_lengths

# As many say where a tractogram is.
_MOST = 20_000
# A few points may be anywhere.
_PERCENTILES = (1, 50, 99)


@dataclass(frozen=True)
class Place:
    """Length and place of a set of streamlines.

    Parameters
    ----------
    median_length_mm : float
        Median of the lengths, in mm.
    centre_mm : tuple of float
        Median of the coordinates x, y and z (RASMM, mm).
    low_mm, high_mm : tuple of float
        The first and the last percentile of them (RASMM, mm).
    """

    median_length_mm: float
    centre_mm: tuple[float, float, float]
    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]

    @classmethod
    def of(cls, streamlines: ArraySequence | np.ndarray) -> Place:
        """Compute the place of streamlines.

        Parameters
        ----------
        streamlines : ArraySequence or ndarray of shape (n, nb_points, 3)
            Streamlines (RASMM, mm), one or more; of many, evenly chosen ones count.

        Returns
        -------
        Place
            Their place.

        Raises
        ------
        ValueError
            If there is none.
        """
        streamlines = to_sequence(streamlines)
        if not len(streamlines):
            raise ValueError("no streamlines: give one or more to tell where they are")
        some = streamlines[:: -(-len(streamlines) // _MOST)]
        low, centre, high = np.percentile(some.get_data(), _PERCENTILES, axis=0)
        length = float(np.median(own_lengths(some)))
        return cls(length, *(tuple(map(float, each)) for each in (centre, low, high)))

    @classmethod
    def from_array(cls, values: np.ndarray) -> Place:
        """Return what `to_array` gave as a place.

        Parameters
        ----------
        values : ndarray of shape (10,)
            Length, centre, low and high.

        Returns
        -------
        Place
            The place.

        Raises
        ------
        ValueError
            If there are not ten finite numbers.
        """
        values = np.asarray(values, dtype=float)
        if values.shape != (10,) or not np.isfinite(values).all():
            raise ValueError(f"a place of the shape {values.shape}: give ten numbers")
        length, *rest = values.tolist()
        return cls(length, tuple(rest[:3]), tuple(rest[3:6]), tuple(rest[6:]))

    def to_array(self) -> np.ndarray:
        """Return the numbers in one array, for a file.

        Returns
        -------
        ndarray of shape (10,), float64
            Length, centre, low and high.
        """
        return np.concatenate(
            [[self.median_length_mm], self.centre_mm, self.low_mm, self.high_mm]
        )

    def to_dict(self) -> dict:
        """Return the numbers by name, ready for JSON.

        Returns
        -------
        dict
            Numbers and lists of three.
        """
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def describe(self) -> str:
        """Return the numbers in words.

        Returns
        -------
        str
            Such as ``"median length 98 mm, centre (1, -20, 30), x -60 to 5, ..."``.
        """
        centre = ", ".join(f"{value:.0f}" for value in self.centre_mm)
        ranges = ", ".join(
            f"{axis} {low:.0f} to {high:.0f}"
            for axis, low, high in zip("xyz", self.low_mm, self.high_mm)
        )
        return (
            f"median length {self.median_length_mm:.1f} mm, centre ({centre}) mm, "
            f"{ranges} mm"
        )
