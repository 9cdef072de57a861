"""What is asked of new streamlines: categories, numbers and ranges of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import math

import numpy as np

from dipy_tractogen.streamlines.conditions import (
    COMPUTED,
    LENGTH,
    Condition,
    Conditions,
)
from dipy_tractogen.utils.messages import format_number, listed
from dipy_tractogen.utils.moved import renamed

logger = logging.getLogger("dipy_tractogen")

# A range of training narrower than this share of its numbers counts as so wide.
_NARROW = 0.1
# The least that a streamline can have.
_LEAST = {LENGTH: math.ulp(0.0), "tortuosity": 1.0}


class ConditionRequest:
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
        """Return whether something is asked of a continuous condition.

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

    def reached(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Say where numbers that are asked for are not too far from what is known.

        A number may leave a range by as much as the range is wide, or by a tenth of its
        size where it is narrow. A range that is asked for has to share something with
        the known one, or else to lie so near as a whole.

        Parameters
        ----------
        low, high : ndarray of shape (m, nb_continuous)
            Ranges that m combinations of categories had in training, standardised.

        Returns
        -------
        ndarray of shape (m, nb_continuous), bool
            Where each is near enough; True where a condition is free.
        """
        first, last = self.ranges.T
        slack = np.maximum(high - low, _NARROW * self._sizes(low, high))
        shares = (first <= high) & (last >= low)
        near = (first >= low - slack) & (last <= high + slack)
        return np.isnan(first) | shares | near

    def _sizes(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Largest absolute number of each range, in deviations."""
        zero = np.array(
            [one.mean / one.deviation for one in self.conditions.continuous]
        )
        return np.maximum(np.abs(low + zero), np.abs(high + zero))

    def refuse(self, low: np.ndarray, high: np.ndarray, names: Sequence[str]) -> None:
        """Refuse numbers that none of the combinations of categories reaches.

        Parameters
        ----------
        low, high : ndarray of shape (m, nb_continuous)
            Ranges of the m combinations, standardised.
        names : sequence of str
            What each range is of.

        Raises
        ------
        ValueError
            With the range of the nearest.
        """
        first, last = self.ranges.T
        away = np.maximum(np.maximum(low - last, first - high), 0)
        away[self.reached(low, high)] = 0
        nearest = int(np.argmin(away.max(axis=1)))
        column = int(np.argmax(away[nearest]))
        one = self.conditions.continuous[column]
        limits = [self._text(column, each[nearest, column]) for each in (low, high)]
        whose = names[nearest] if one.name in COMPUTED else "what is asked for"
        raise ValueError(
            f"{one.name}={self._asked_text(column)} is asked, and the training "
            f"streamlines of {whose} have {' to '.join(limits)}"
            f"{f' {one.unit}' if one.unit else ''}: ask for what is in that range, or "
            "beyond it by its width at most."
        )

    def _text(self, column: int, number: float) -> str:
        """Write a standardised number of a condition as it is."""
        one = self.conditions.continuous[column]
        return format_number(one.mean + one.deviation * number)

    def _asked_text(self, column: int) -> str:
        """Write what is asked of a condition."""
        texts = [self._text(column, number) for number in self.ranges[column]]
        return texts[0] if texts[0] == texts[1] else " to ".join(texts)

    def accepts(self, cells: np.ndarray) -> np.ndarray:
        """Return which combinations of categories are asked for.

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
        for column, one in enumerate(self.conditions.continuous):
            (first, last), least, most = self.ranges[column], low[column], high[column]
            tolerance = 1e-6 * max(1.0, most - least)
            if first < least - tolerance or last > most + tolerance:
                unit = f" {one.unit}" if one.unit else ""
                logger.warning(
                    "%s=%s is asked, and the training streamlines of what is asked "
                    "for have %s to %s%s: the result is an extrapolation",
                    one.name,
                    self._asked_text(column),
                    self._text(column, least),
                    self._text(column, most),
                    unit,
                )


def _codes(condition: Condition, value: str | Sequence[str]) -> frozenset[int]:
    names = [value] if isinstance(value, str) or not np.iterable(value) else [*value]
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"{condition.name}={_shown(value)}: it is one of "
            f"{listed(condition.categories)}."
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
            f"{condition.name}={_shown(value)}: give a number or a range from low to "
            f"high ({condition.describe()})."
        )
    if low < 0 and condition.name in COMPUTED:
        raise ValueError(
            f"{condition.name}={_shown(value)}: no streamline has less than 0 "
            f"({condition.describe()})."
        )
    if high < _LEAST.get(condition.name, -math.inf):
        raise ValueError(
            f"{condition.name}={_shown(value)}: no streamline has so little "
            f"({condition.describe()})."
        )
    return low, high


def _shown(value) -> str:
    """Write what is asked as in ``NAME=LOW:HIGH`` or ``NAME=A,B``."""
    if isinstance(value, (tuple, list)):
        is_text = any(isinstance(each, str) for each in value)
        return ("," if is_text else ":").join(map(_shown, value)) or "nothing"
    return format_number(value) if isinstance(value, float) else str(value)


__getattr__ = renamed(__name__, {"Asked": "ConditionRequest"})
