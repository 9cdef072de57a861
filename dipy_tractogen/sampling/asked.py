"""What is asked of new streamlines: categories, numbers and ranges of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import math

import numpy as np

from dipy_tractogen.streamlines.conditions import COMPUTED, Condition, Conditions
from dipy_tractogen.streamlines.messages import listed

logger = logging.getLogger("dipy_tractogen")


class Asked:
    """What is asked of new streamlines.

    Parameters
    ----------
    conditions : Conditions
        What the model knows of its streamlines.
    given : mapping, optional
        By the name of a condition: a category or several, a number, or a range of
        numbers ``(low, high)``. What is not given is free.

    Attributes
    ----------
    codes : list of (None or frozenset of int)
        Categories that are accepted, for each categorical condition; None for all.
    ranges : ndarray of shape (nb_continuous, 2)
        Limits of each continuous condition, standardised; NaN where it is free.

    Raises
    ------
    ValueError
        If a condition or a category is unknown, or a number is not one or impossible.
    """

    def __init__(self, conditions: Conditions, given: Mapping | None = None):
        given = dict(given or {})
        for name in given:
            conditions[name]
        self.conditions = conditions
        self.codes = [
            _codes(one, given[one.name]) if one.name in given else None
            for one in conditions.categorical
        ]
        self.ranges = np.full((len(conditions.continuous), 2), np.nan)
        for row, one in zip(self.ranges, conditions.continuous):
            if one.name in given:
                low, high = _range(one, given[one.name])
                row[:] = (
                    (low - one.mean) / one.deviation,
                    (high - one.mean) / one.deviation,
                )

    @property
    def exact(self) -> np.ndarray:
        """Continuous conditions of which one number is asked, as indices."""
        return np.flatnonzero(self.ranges[:, 0] == self.ranges[:, 1])

    @property
    def bounded(self) -> np.ndarray:
        """Continuous conditions of which a range is asked, as indices."""
        return np.flatnonzero(self.ranges[:, 0] < self.ranges[:, 1])

    def is_asked(self, name: str) -> bool:
        """Say whether something is asked of a continuous condition.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        bool
            False if it is free, or there is none of that name.
        """
        named = [one.name == name for one in self.conditions.continuous]
        return bool(np.isfinite(self.ranges[named, 0]).any())

    def accepts(self, cells: np.ndarray) -> np.ndarray:
        """Say which combinations of categories are asked for.

        Parameters
        ----------
        cells : ndarray of shape (m, nb_categorical)
            Combinations, as codes.

        Returns
        -------
        ndarray of shape (m,), bool
            Whether each is.
        """
        accepted = np.ones(len(cells), dtype=bool)
        for codes, column in zip(self.codes, cells.T):
            if codes is not None:
                accepted &= np.isin(column, list(codes))
        return accepted

    def warn_left_out(self, cells: np.ndarray) -> None:
        """Warn of categories that are asked for by name, and get no streamline.

        Parameters
        ----------
        cells : ndarray of shape (m, nb_categorical)
            Combinations that streamlines are drawn of, as codes.
        """
        for one, codes, column in zip(self.conditions.categorical, self.codes, cells.T):
            left_out = sorted((codes or frozenset()) - {int(code) for code in column})
            if left_out:
                logger.warning(
                    "None is generated of the %s %s: no training streamline has it "
                    "together with what else is asked for",
                    one.name,
                    listed(one.categories[code] for code in left_out),
                )

    def warn_outside(self, low: np.ndarray, high: np.ndarray) -> None:
        """Warn of numbers that no training streamline had.

        Parameters
        ----------
        low, high : ndarray of shape (nb_continuous,)
            Range of each continuous condition over the training streamlines of the
            categories that are asked for, standardised.
        """
        for one, (first, last), least, most in zip(
            self.conditions.continuous, self.ranges, low, high
        ):
            tolerance = 1e-6 * max(1.0, most - least)
            if first < least - tolerance or last > most + tolerance:
                asked, limits = (
                    [f"{one.mean + one.deviation * number:g}" for number in pair]
                    for pair in ((first, last), (least, most))
                )
                asked = asked[0] if first == last else " to ".join(asked)
                unit = f" {one.unit}" if one.unit else ""
                logger.warning(
                    "%s=%s is asked, and the training streamlines of what is asked "
                    "for have %s to %s%s: the result is an extrapolation",
                    one.name,
                    asked,
                    *limits,
                    unit,
                )


def _codes(condition: Condition, value: str | Sequence[str]) -> frozenset[int]:
    names = [value] if isinstance(value, str) or not np.iterable(value) else [*value]
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"{condition.name}={value}: it is one of {listed(condition.categories)}."
        )
    return frozenset(condition.code(name) for name in names)


def _range(condition: Condition, value) -> tuple[float, float]:
    try:
        low, high = value if isinstance(value, (tuple, list)) else (value, value)
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(
            f"{condition.name}={value}: give a number or a range from low to high "
            f"({condition.describe()})."
        )
    if low < 0 and condition.name in COMPUTED:
        raise ValueError(
            f"{condition.name}={value}: no streamline has less than 0 "
            f"({condition.describe()})."
        )
    return low, high
