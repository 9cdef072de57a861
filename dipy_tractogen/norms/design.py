"""Columns of a regression on the conditions of subjects, smooth over numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.streamlines.condition import finite_numbers
from dipy_tractogen.streamlines.conditions import Conditions

# Functions that a smooth effect is a sum of, beside its straight line.
_NB_FUNCTIONS = 8
# Unit of the knots' eigenvalues below which a function is none.
_SMALLEST = 1e-8
FLAT = -1
"""Group of the columns whose effects have no prior."""


class Design:
    """Columns of a regression on conditions of subjects.

    The effect of a number such as the age is a straight line and a cubic smoothing
    spline :footcite:p:`Wahba1978`: an integrated Wiener process, here by its values at
    up to eight ages. A category has an effect of its own. How large splines and effects
    of categories are is learned from the subjects, one variance for each condition.

    Parameters
    ----------
    conditions : Conditions
        The conditions, with their categories and ranges.
    knots : dict of str to ndarray of shape (k,)
        Places of the splines by the name of a number, from above 0 to 1 of its range;
        none for a straight line.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, conditions: Conditions, knots: Mapping[str, np.ndarray]):
        self.conditions = conditions
        self.knots = {name: np.asarray(each, float) for name, each in knots.items()}

    @classmethod
    def of(cls, values: Mapping[str, np.ndarray], **described) -> Design:
        """Describe the values (n,) of subjects by name; see `Conditions.of`."""
        conditions = Conditions.of(values, **described)
        knots = {
            one.name: _knots(_in_range(one, numbers_of(one, values)))
            for one in conditions.continuous
        }
        return cls(conditions, knots)

    @property
    def groups(self) -> np.ndarray:
        """Group (p,) of each column, `FLAT` or that of the effects of a condition."""
        splines = [self.knots[one.name] for one in self._varying]
        sizes = [len(one.categories) for one in self._categorical]
        sizes += [_nb_functions(each) for each in splines]
        flat = np.full(1 + len(self._varying), FLAT)
        return np.concatenate([flat, np.repeat(np.arange(len(sizes)), sizes)])

    def matrix(self, values: Mapping[str, np.ndarray], nb_subjects: int) -> np.ndarray:
        """Return the columns (n, p) of subjects with values (n,) by name.

        Raises ValueError if a condition is missing, a category unknown or a number not
        finite.
        """
        blocks = [np.ones((nb_subjects, 1))]
        varying = [(one, numbers_of(one, values)) for one in self._varying]
        blocks += [(each[:, None] - one.mean) / one.deviation for one, each in varying]
        blocks += [
            np.eye(one.width)[one.codes(value_of(values, one.name))]
            for one in self._categorical
        ]
        blocks += [
            _functions(_in_range(one, each), self.knots[one.name])
            for one, each in varying
        ]
        return np.concatenate(blocks, axis=1)

    @property
    def _varying(self) -> list:
        return [one for one in self.conditions.continuous if one.high > one.low]

    @property
    def _categorical(self) -> list:
        return [one for one in self.conditions.categorical if len(one.categories) > 1]


def value_of(values: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return the values of a condition; ValueError if they are missing."""
    if name not in values:
        raise ValueError(
            f"{name} is missing, by which subjects are told apart: give NAME=VALUE for "
            "it."
        )
    return np.asarray(values[name])


def numbers_of(condition, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the finite numbers of a condition; ValueError otherwise."""
    return finite_numbers(condition.name, value_of(values, condition.name))


def _in_range(condition, numbers: np.ndarray) -> np.ndarray:
    """Return numbers as shares of the range in the training."""
    width = condition.high - condition.low
    return (numbers - condition.low) / (width or 1.0)


def _knots(shares: np.ndarray) -> np.ndarray:
    """Return places of a spline among the subjects; none for fewer than 4 numbers."""
    found = np.unique(shares)
    if len(found) < 4:
        return np.zeros(0)
    count = min(_NB_FUNCTIONS, len(found) - 2)
    return np.unique(np.quantile(found, np.linspace(0, 1, count + 1)[1:]))


def _covariance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the covariance (n, m) of an integrated Wiener process; 0 before 0."""
    one, other = np.maximum(first, 0)[:, None], np.maximum(second, 0)[None]
    least, most = np.minimum(one, other), np.maximum(one, other)
    return least**2 * (3 * most - least) / 2


def _eigen(knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(_covariance(knots, knots))
    kept = values > _SMALLEST * values[-1]
    return values[kept], vectors[:, kept]


def _nb_functions(knots: np.ndarray) -> int:
    return len(_eigen(knots)[0]) if len(knots) else 0


def _functions(shares: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return functions (n, k) whose random sum is the process, given its knots."""
    if not len(knots):
        return np.zeros((len(shares), 0))
    values, vectors = _eigen(knots)
    return _covariance(shares, knots) @ vectors / np.sqrt(values)
