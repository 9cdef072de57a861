"""Conditions requested of new streamlines: categories, numbers, ranges of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import math

import numpy as np

from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    LENGTH,
    Condition,
    Conditions,
)
from dipy_tractogen.utils.messages import format_number, listed
from dipy_tractogen.utils.moved import RenamedAttribute, renamed

logger = logging.getLogger("dipy_tractogen")

# Smallest width of a range of training, as a share of its numbers.
_SMALLEST_WIDTH = 0.1
# Smallest number that a streamline can have.
_SMALLEST = {LENGTH: math.ulp(0.0), "tortuosity": 1.0}


class ConditionRequest:
    """Conditions requested of new streamlines.

    Parameters
    ----------
    conditions : Conditions
        Conditions of the model.
    given : mapping, optional
        By the name of a condition: a category or several, a number, or a range of
        numbers ``(low, high)``. Conditions that are not given are free.

    Attributes
    ----------
    codes : list of (None or frozenset of int)
        Requested categories of each categorical condition; None for all.
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
        """Indices of continuous conditions with one requested number."""
        return np.flatnonzero(self.ranges[:, 0] == self.ranges[:, 1])

    @property
    def bounded(self) -> np.ndarray:
        """Indices of continuous conditions with a requested range."""
        return np.flatnonzero(self.ranges[:, 0] < self.ranges[:, 1])

    def has(self, name: str) -> bool:
        """Return whether a continuous condition of that name is requested."""
        named = [one.name == name for one in self.conditions.continuous]
        return bool(np.isfinite(self.ranges[named, 0]).any())

    def matches(self, strata: np.ndarray) -> np.ndarray:
        """Return which strata (m, nb_categorical) have the requested categories."""
        matched = np.ones(len(strata), dtype=bool)
        for codes, column in zip(self.codes, strata.T):
            if codes is not None:
                matched &= np.isin(column, list(codes))
        return matched

    def within_reach(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return where requested numbers are near enough to ranges of training.

        Ranges and result have the shape (m, nb_continuous). A number may be outside a
        range by as much as the range is wide, or by a tenth of its size where the range
        is narrow. A requested range has to overlap that of training, or to be as near
        as a whole.
        """
        first, last = self.ranges.T
        zero = np.array(
            [one.mean / one.deviation for one in self.conditions.continuous]
        )
        sizes = np.maximum(np.abs(low + zero), np.abs(high + zero))
        slack = np.maximum(high - low, _SMALLEST_WIDTH * sizes)
        overlaps = (first <= high) & (last >= low)
        near = (first >= low - slack) & (last <= high + slack)
        return np.isnan(first) | overlaps | near

    def raise_out_of_reach(
        self, low: np.ndarray, high: np.ndarray, names: Sequence[str]
    ) -> None:
        """Raise a ValueError for numbers that are out of reach of all named groups.

        It names the nearest range; arguments as of `within_reach`.
        """
        first, last = self.ranges.T
        distances = np.maximum(np.maximum(low - last, first - high), 0)
        distances[self.within_reach(low, high)] = 0
        nearest = int(np.argmin(distances.max(axis=1)))
        column = int(np.argmax(distances[nearest]))
        computed = self.conditions.continuous[column].name in COMPUTED
        whose = names[nearest] if computed else "the requested categories"
        text = self._difference(column, low[nearest], high[nearest], whose)
        raise ValueError(
            f"{text}: request a value in that range, or outside it by its width at "
            "most."
        )

    def warn_missing(self, strata: np.ndarray) -> None:
        """Warn of requested categories that none of the strata to draw from has."""
        columns = zip(self.conditions.categorical, self.codes, strata.T)
        for one, codes, column in columns:
            missing = sorted((codes or frozenset()) - {int(code) for code in column})
            if missing:
                logger.warning(
                    "No streamlines are generated for the %s %s: no training "
                    "streamline has it together with the other requested conditions",
                    one.name,
                    listed(one.categories[code] for code in missing),
                )

    def warn_extrapolation(self, low: np.ndarray, high: np.ndarray) -> None:
        """Warn of requested numbers outside the ranges of training (nb_continuous,)."""
        tolerance = 1e-6 * np.maximum(1.0, high - low)
        first, last = self.ranges.T
        beyond = (first < low - tolerance) | (last > high + tolerance)
        for column in np.flatnonzero(beyond):
            text = self._difference(column, low, high, "the requested categories")
            logger.warning("%s: the result is an extrapolation", text)

    def warn_far_together(self, nearest: np.ndarray, names: Sequence[str]) -> None:
        """Warn of numbers that no training streamline of named bundles has together.

        `nearest` has the standardised numbers (nb_continuous,) of the nearest one.
        """
        columns = np.flatnonzero(np.isfinite(self.ranges[:, 0]))
        requested = [self._text(column, *self.ranges[column]) for column in columns]
        known = [self._text(column, nearest[column]) for column in columns]
        logger.warning(
            "%s are requested together, but no training streamline of %s is near to "
            "them (the nearest has %s): the result is an extrapolation",
            listed(requested, " and "),
            listed(names),
            listed(known, " and "),
        )

    def _text(self, column: int, *numbers: float) -> str:
        """Return standardised numbers of a condition as in ``length=80 to 140 mm``."""
        one = self.conditions.continuous[column]
        restored = one.mean + one.deviation * np.array(numbers)
        text = " to ".join(dict.fromkeys(map(format_number, restored)))
        return f"{one.name}={text} {one.unit}".rstrip()

    def _difference(self, column: int, low, high, whose: str) -> str:
        """Describe a request and the range of training, limits (nb_continuous,)."""
        one = self.conditions.continuous[column]
        numbers = np.array([*self.ranges[column], low[column], high[column]])
        texts = [format_number(each) for each in one.mean + one.deviation * numbers]
        requested = " to ".join(dict.fromkeys(texts[:2]))
        unit = f" {one.unit}" if one.unit else ""
        return (
            f"{one.name}={requested} is requested, but the training streamlines of "
            f"{whose} have {' to '.join(texts[2:])}{unit}"
        )

    is_asked = RenamedAttribute("has")


def with_bundles(
    conditions: Mapping | None,
    bundles: str | Sequence[str] | None,
    proportions: Mapping[str, float] | None,
    *,
    balanced: bool = False,
) -> dict:
    """Return the conditions with the bundles among them.

    Raises ValueError if bundles are given twice, or are to be balanced and shared.
    """
    given = dict(conditions or {})
    if proportions is not None:
        if balanced:
            raise ValueError(
                "balanced=True and proportions are both given: leave out one."
            )
        if bundles is not None:
            raise ValueError(
                f"bundles={bundles} and proportions are both given: leave out one."
            )
        bundles = list(proportions)
    if bundles is not None:
        if BUNDLE in given:
            raise ValueError(
                f"bundles={bundles} and the condition {BUNDLE} are both given: leave "
                "out one."
            )
        given[BUNDLE] = bundles
    return given


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
        problem = "give a number or a range from low to high"
    elif low < 0 and condition.name in COMPUTED:
        problem = "no streamline has less than 0"
    elif high < _SMALLEST.get(condition.name, -math.inf):
        problem = "no streamline has so little"
    else:
        return low, high
    raise ValueError(
        f"{condition.name}={_shown(value)}: {problem} ({condition.describe()})."
    )


def _shown(value) -> str:
    """Return what is requested as in ``NAME=LOW:HIGH`` or ``NAME=A,B``."""
    if isinstance(value, (tuple, list)):
        is_text = any(isinstance(each, str) for each in value)
        return ("," if is_text else ":").join(map(_shown, value)) or "nothing"
    return format_number(value) if isinstance(value, float) else str(value)


__getattr__ = renamed(__name__, {"Asked": "ConditionRequest"})
