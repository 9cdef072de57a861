"""Check of the length, curvature and tortuosity that were asked of streamlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import logging

import numpy as np

from dipy_tractogen.streamlines.conditions import COMPUTED
from dipy_tractogen.utils.messages import ThresholdsNotMet

logger = logging.getLogger("dipy_tractogen")

# How far the length of a streamline may be from the requested one.
_TOLERANCE_MM = 1.0
_TOLERANCE = 0.02
# How far other numbers may be, in standard deviations of the training.
_TOLERANCE_OF_OTHERS = 1.0


@dataclass
class _Condition:
    """A requested number or range, and a count of the streamlines that miss it."""

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
        if self.name == "length":
            return f"{_TOLERANCE_MM:g} mm and {100 * _TOLERANCE:g} %"
        return f"{_TOLERANCE_OF_OTHERS * self.deviation:.2g} {self.unit}".rstrip()

    def update(self, measured: np.ndarray) -> None:
        error = np.maximum(np.maximum(self.low - measured, measured - self.high), 0)
        allowed = _TOLERANCE_OF_OTHERS * self.deviation
        if self.name == "length":
            nearest = np.clip(measured, self.low, self.high)
            allowed = np.maximum(_TOLERANCE_MM, _TOLERANCE * nearest)
        self.nb_streamlines += len(error)
        self.nb_missed += int((error > allowed).sum())
        self.largest = max(self.largest, float(error.max(initial=0)))

    def describe(self) -> str:
        return (
            f"{self.nb_missed} of {self.nb_streamlines} streamlines miss the asked "
            f"{self.name} by more than {self.tolerance}, by {self.largest:.3g}"
            f"{f' {self.unit}' if self.unit else ''} at most"
        )


class ConditionCheck:
    """Count of streamlines that miss the requested length, curvature or tortuosity.

    `requested` holds a number or a range (low, high) by name, as generation takes them;
    what is not computed from points is ignored. `conditions` are those of the model.
    """

    def __init__(self, requested: Mapping, conditions):
        self._checked = []
        for name in COMPUTED:
            if name in requested:
                value, one = requested[name], conditions[name]
                low, high = value if isinstance(value, tuple) else (value, value)
                condition = _Condition(name, low, high, one.unit, one.deviation)
                self._checked.append(condition)

    def update(self, values: Mapping[str, np.ndarray]) -> None:
        """Count more streamlines, by their values on the points of the model."""
        for one in self._checked:
            one.update(values[one.name])

    def warn(self) -> None:
        """Warn of streamlines that miss what was requested."""
        for one in self._checked:
            if one.nb_missed:
                logger.warning(
                    "%s: ask within the training's range, without smooth=True, or "
                    "train longer",
                    one.describe(),
                )

    def to_dict(self) -> dict[str, dict]:
        """Return ``nb_streamlines``, ``nb_missed`` and ``largest_miss`` by name."""
        return {
            one.name: {
                "nb_streamlines": one.nb_streamlines,
                "nb_missed": one.nb_missed,
                "largest_miss": one.largest,
            }
            for one in self._checked
        }

    def raise_if_missed(self) -> None:
        """Raise ThresholdsNotMet where more than half of the streamlines miss."""
        missed = [
            each for each in self._checked if 2 * each.nb_missed > each.nb_streamlines
        ]
        if missed:
            raise ThresholdsNotMet("\n".join(one.describe() for one in missed))
