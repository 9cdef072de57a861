"""How many streamlines miss the length, curvature or tortuosity that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
import logging

from .thresholds import ThresholdsNotMet

logger = logging.getLogger("dipy_tractogen")

# How far the length of a streamline may be from the one that was asked for.
_TOLERANCE_MM = 1.0
_TOLERANCE = 0.02
# How far other numbers may be, in deviations of the training.
_TOLERANCE_OF_OTHERS = 1.0


@dataclass
class _Asked:
    """What was asked of a number, and how many streamlines miss it."""

    name: str
    low: float
    high: float
    unit: str
    deviation: float
    nb_streamlines: int = 0
    nb_missed: int = 0
    largest: float = 0.0

    @property
    def tolerance(self) -> str:
        """How far a streamline may be from what was asked, in words."""
        if self.name == "length":
            return f"{_TOLERANCE_MM:g} mm and {100 * _TOLERANCE:g} %"
        return f"{_TOLERANCE_OF_OTHERS * self.deviation:.2g} {self.unit}".rstrip()

    def look(self, obtained) -> None:
        """Count streamlines by what they have, an array of numbers."""
        import numpy as np

        error = np.maximum(np.maximum(self.low - obtained, obtained - self.high), 0)
        allowed = _TOLERANCE_OF_OTHERS * self.deviation
        if self.name == "length":
            nearest = np.clip(obtained, self.low, self.high)
            allowed = np.maximum(_TOLERANCE_MM, _TOLERANCE * nearest)
        self.nb_streamlines += len(error)
        self.nb_missed += int((error > allowed).sum())
        self.largest = max(self.largest, float(error.max(initial=0)))

    def describe(self) -> str:
        """Say how many miss it, and by how much."""
        return (
            f"{self.nb_missed} of {self.nb_streamlines} streamlines miss the asked "
            f"{self.name} by more than {self.tolerance}, by {self.largest:.3g}"
            f"{f' {self.unit}' if self.unit else ''} at most"
        )


class AskedValues:
    """Counts streamlines that do not have what was asked for, as far as that shows.

    Parameters
    ----------
    given : dict
        What is asked, by name: a number or a range, as `parse_conditions` gives it.
        What is not measured along the points is passed over.
    conditions : Conditions
        What the model knows of its streamlines.
    """

    def __init__(self, given: dict, conditions):
        from dipy_tractogen.streamlines.conditions import COMPUTED

        self._asked = []
        for name in COMPUTED:
            if name in given:
                value, one = given[name], conditions[name]
                low, high = value if isinstance(value, tuple) else (value, value)
                self._asked.append(_Asked(name, low, high, one.unit, one.deviation))

    def look(self, values: dict) -> None:
        """Count streamlines.

        Parameters
        ----------
        values : dict of str to ndarray of shape (m,)
            What they have, by name, on the points that the model gives them: resampled
            to fewer they are shorter.
        """
        for one in self._asked:
            one.look(values[one.name])

    def warn(self) -> None:
        """Say how many miss what was asked, and what to do, if any do."""
        for one in self._asked:
            if one.nb_missed:
                logger.warning(
                    "%s: ask within the training's range, without --smooth, or train "
                    "longer",
                    one.describe(),
                )

    def found(self) -> dict[str, dict]:
        """Return the counts.

        Returns
        -------
        dict of str to dict
            By name ``nb_streamlines``, ``nb_missed`` and ``largest_miss``, in the unit
            of what was asked.
        """
        return {
            one.name: {
                "nb_streamlines": one.nb_streamlines,
                "nb_missed": one.nb_missed,
                "largest_miss": one.largest,
            }
            for one in self._asked
        }

    def raise_if_missed(self) -> None:
        """Refuse what more than half of the streamlines miss.

        Raises
        ------
        ThresholdsNotMet
            If something is.
        """
        missed = [one for one in self._asked if 2 * one.nb_missed > one.nb_streamlines]
        if missed:
            raise ThresholdsNotMet("\n".join(one.describe() for one in missed))
