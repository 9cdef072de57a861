"""What conditions such as an age change in streamlines, beside what is decoded.

A decoded streamline has the effect of its conditions. Residuals and ends that it gets
are those of streamlines with other conditions, which would weaken the effect.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Without a gain, streamlines of a poor model would be copies of real ones.
_SMALLEST_GAIN = 0.5
# Streamlines without effects that count in the regression on conditions, so that those
# of a bundle of a few streamlines are small.
_PENALTY = 4.0


def fit_effects(
    values: np.ndarray,
    conditions: np.ndarray,
    bundles: np.ndarray,
    nb_bundles: int,
    penalties: float | np.ndarray = _PENALTY,
) -> np.ndarray:
    """Regress values (n, ...) on conditions (n, q), in each of the b bundles.

    `bundles` (n,) are indices of bundles; `penalties` are one number, or one for each
    condition. The result, (b, q, ...) and float32, is that of a ridge regression with
    an intercept; zero for a bundle without values.
    """
    nb_conditions = conditions.shape[1]
    shape = (nb_bundles, nb_conditions, *values.shape[1:])
    effects = np.zeros(shape, dtype=np.float32)
    for bundle in np.unique(bundles):
        own = bundles == bundle
        x = conditions[own] - conditions[own].mean(axis=0, dtype=float)
        squares = x.T @ x + penalties * np.eye(nb_conditions)
        weights = np.linalg.solve(squares, x.T)
        effects[bundle] = np.tensordot(weights, values[own], axes=1)
    return effects


def effects_of(
    effects: np.ndarray, conditions: np.ndarray, bundles: np.ndarray
) -> np.ndarray:
    """Return the effects (m, ...) of conditions (m, q) in bundles (m,).

    `effects` (b, q, ...) are those that `fit_effects` returns.
    """
    found = np.zeros((len(bundles), *effects.shape[2:]), dtype=np.float32)
    for bundle in np.unique(bundles):
        own = bundles == bundle
        found[own] = np.tensordot(conditions[own], effects[bundle], axes=1)
    return found


def fit_gains_and_effects(
    real: np.ndarray,
    decoded: np.ndarray,
    conditions: np.ndarray,
    bundles: np.ndarray,
    nb_bundles: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Regress differences of real coarse shapes on decoded ones and on conditions.

    Parameters
    ----------
    real, decoded : ndarray of shape (n, k, 3)
        Differences of the coarse shapes of pairs of streamlines in mm.
    conditions : ndarray of shape (n, q)
        Differences of their conditions.
    bundles : ndarray of shape (n,)
        Bundle of each pair, an index.
    nb_bundles : int
        Number of bundles b.

    Returns
    -------
    gains : ndarray of shape (k,), float32
        Factor of each order of decoded differences, from 0.5 to 1; the same for all
        bundles.
    effects : ndarray of shape (b, q, k, 3), float32
        Effects in mm of the conditions on what is left, in each bundle.
    """

    def fit(values):
        return fit_effects(values, conditions, bundles, nb_bundles)

    return fit_gains(real, decoded, fit, conditions, bundles)


def fit_gains(real, decoded, fit: Callable, numbers, bundles):
    """Return gains and effects of `fit_gains_and_effects`.

    The regression `fit` returns effects of values on `numbers` in `bundles`.
    """
    # Gains are those of the differences that conditions do not explain.
    x, y = (each - effects_of(fit(each), numbers, bundles) for each in (decoded, real))
    squares = np.sum(x**2, axis=(0, 2), dtype=float)
    products = np.sum(x * y, axis=(0, 2), dtype=float)
    gains = np.ones(len(squares), dtype=np.float32)
    np.divide(products, squares, out=gains, where=squares > 0, casting="same_kind")
    gains = np.clip(gains, _SMALLEST_GAIN, 1)
    return gains, fit(real - gains[:, None] * decoded)
