"""What profiles are regressed on: conditions, and the coarse shape of a streamline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .condition_effects import effects_of, fit_effects

# Deviations from the mean shape that count at most: parabolas would go on rising.
_FARTHEST = 3.0
# Streamlines without an effect that count in a regression on conditions, and on shapes,
# which have many numbers.
_PENALTIES = (1.0, 25.0)
_TINY = 1e-6


class Predictors:
    """Numbers that profiles are regressed on, in each of b bundles.

    They are conditions and coarse shapes, and the squares of both. Shapes are less
    their mean for the conditions, over their deviation. So a regression can follow a
    value that has its peak at an age, or in the core of a bundle.

    Attributes
    ----------
    means : ndarray of shape (b, 1 + 2 q, s), float32
        Mean shape: an offset, and the effects of conditions and of their squares.
    spreads : ndarray of shape (b, s), float32
        Deviations of shapes from it in mm, above zero.
    """

    def __init__(self, means: np.ndarray, spreads: np.ndarray):
        self.means, self.spreads = means, spreads

    @classmethod
    def fit(cls, conditions, shapes, bundles, nb_bundles: int) -> Predictors:
        """Fit the mean shapes of streamlines (n,) with all bundles, as in `of`."""
        numbers = _with_squares(conditions)
        means = _fitted(shapes, numbers, bundles, nb_bundles, _PENALTIES[0])
        rest = shapes - predicted(means, numbers, bundles)
        found = [rest[bundles == row].std(axis=0) for row in range(nb_bundles)]
        return cls(means, np.maximum(np.stack(found), _TINY).astype(np.float32))

    def of(
        self, conditions: np.ndarray, shapes: np.ndarray, bundles: np.ndarray
    ) -> np.ndarray:
        """Return the predictors (n, p), p = 2 (q + s).

        Parameters
        ----------
        conditions : ndarray of shape (n, q)
            Conditions of streamlines.
        shapes : ndarray of shape (n, s)
            Coarse shapes, from `shapes_of`.
        bundles : ndarray of shape (n,), int
            Bundle of each, an index.
        """
        numbers = _with_squares(conditions)
        away = shapes - predicted(self.means, numbers, bundles)
        away = np.clip(away / self.spreads[bundles], -_FARTHEST, _FARTHEST)
        return np.concatenate([numbers, _with_squares(away)], axis=1)

    def effects(self, values, numbers, bundles) -> np.ndarray:
        """Regress values (n, ...) on predictors (n, p): effects (b, p, ...)."""
        return fit_effects(*self._given(values, numbers, bundles))

    def lines(self, values, numbers, bundles) -> np.ndarray:
        """Regress values (n, ...) likewise, with offsets: (b, 1 + p, ...)."""
        return _fitted(*self._given(values, numbers, bundles))

    def _given(self, values, numbers, bundles) -> tuple:
        nb_bundles, nb_shapes = self.spreads.shape
        sizes = numbers.shape[1] - 2 * nb_shapes, 2 * nb_shapes
        return values, numbers, bundles, nb_bundles, np.repeat(_PENALTIES, sizes)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as named arrays."""
        return {"shape_means": self.means, "shape_spreads": self.spreads}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Predictors:
        """Create predictors from the arrays of `to_arrays`."""
        names = ("shape_means", "shape_spreads")
        return cls(*(np.asarray(arrays[name], dtype=np.float32) for name in names))


def predicted(
    lines: np.ndarray, numbers: np.ndarray, bundles: np.ndarray
) -> np.ndarray:
    """Return what lines (b, 1 + p, ...) with offsets are at numbers (n, p)."""
    ones = np.ones((len(numbers), 1), dtype=numbers.dtype)
    return effects_of(lines, np.concatenate([ones, numbers], axis=1), bundles)


def centred(values: np.ndarray, bundles: np.ndarray) -> np.ndarray:
    """Return values (n, ...) less their mean in the bundle (n,)."""
    found = np.array(values)
    for one in np.unique(bundles):
        found[bundles == one] -= found[bundles == one].mean(axis=0)
    return found


def _fitted(values, numbers, bundles, nb_bundles: int, penalties) -> np.ndarray:
    effects = fit_effects(values, numbers, bundles, nb_bundles, penalties)
    rest = values - effects_of(effects, numbers, bundles)
    offsets = np.zeros((nb_bundles, 1, *values.shape[1:]), dtype=np.float32)
    for one in np.unique(bundles):
        offsets[one] = rest[bundles == one].mean(axis=0)
    return np.concatenate([offsets, effects], axis=1)


def _with_squares(numbers: np.ndarray) -> np.ndarray:
    """Return numbers (n, q) and their squares, (n, 2 q)."""
    return np.concatenate([numbers, numbers**2], axis=1)
