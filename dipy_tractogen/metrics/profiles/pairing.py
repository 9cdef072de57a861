"""Whether the shape and the profile of a streamline belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from ..c2st.sample import centred

# Components of the shape that profiles are predicted from, and of profiles.
_NB_SHAPE = 12
_NB_PROFILE = 6
_NB_FOLDS = 3
_NB_EXCHANGES = 10
_PENALTIES = np.logspace(0, 5, 11)
_Z = 1.96


@dataclass(frozen=True)
class Features:
    """Features of the shape (n, f) and of the profiles (n, g), and bundles (n,)."""

    shape: np.ndarray
    profile: np.ndarray
    labels: np.ndarray


class Pairing:
    """Tells whether profiles belong to the shapes that they are given with.

    From real streamlines a ridge regression on the leading components of the shape,
    their squares and products predicts the leading components of the profiles, both
    less their mean in the bundle. A pair of a shape and a profile is scored by the
    likelihood ratio of the profile with this prediction and without: normal, with the
    error of the prediction in three folds as its variance. `area_under_curve` compares
    the scores of streamlines with those of the same shapes with profiles of other
    streamlines of their bundle, so that both have the same shapes and profiles.

    Parameters
    ----------
    real : Features
        Streamlines that the regression learns from.
    seed : int, optional
        Seed of the folds.
    """

    def __init__(self, real: Features, *, seed: int = 0):
        from sklearn.decomposition import PCA
        from sklearn.linear_model import RidgeCV
        from sklearn.model_selection import KFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures

        shape, profile = (
            centred(each, real.labels) for each in (real.shape, real.profile)
        )
        most = min(len(shape) // 4, shape.shape[1])
        self._components = PCA(min(_NB_PROFILE, *profile.shape), random_state=seed)
        wanted = self._components.fit_transform(profile)
        self._model = make_pipeline(
            PCA(min(_NB_SHAPE, most), whiten=True, random_state=seed),
            PolynomialFeatures(2),
            RidgeCV(_PENALTIES),
        )
        folds = KFold(_NB_FOLDS, shuffle=True, random_state=seed)
        predicted = cross_val_predict(self._model, shape, wanted, cv=folds)
        self._model.fit(shape, wanted)
        tiny = np.finfo(float).tiny
        self._variance = np.maximum(wanted.var(axis=0), tiny)
        # A prediction that is none leaves the variance as it is.
        error = ((wanted - predicted) ** 2).mean(axis=0)
        self._error = np.clip(error, tiny, self._variance)

    def area_under_curve(self, one: Features, *, seed: int = 0) -> dict:
        """Return the AUC of pairs against exchanged ones, ``value`` and ``interval``.

        0.5 if shape and profile are independent within bundles. Profiles are exchanged
        ten times, and the interval of 95 % is that of other streamlines.
        """
        rng = np.random.default_rng(seed)
        predicted = self._model.predict(centred(one.shape, one.labels))
        profile = self._components.transform(centred(one.profile, one.labels))
        own = self._scores(profile, predicted)
        shares = np.zeros(len(own))
        for _ in range(_NB_EXCHANGES):
            exchanged = profile[exchanged_rows(one.labels, rng)]
            other = self._scores(exchanged, predicted)
            # Of the exchanged that a score is above, and of the own that are above one.
            ranks = rankdata(np.concatenate([own, other]))
            shares += ranks[: len(own)] - rankdata(own)
            shares += len(own) - (ranks[len(own) :] - rankdata(other))
        shares /= _NB_EXCHANGES * len(own)
        value = float(shares.mean() / 2)
        error = _Z * shares.std(ddof=1) / np.sqrt(len(own))
        interval = np.clip([value - error, value + error], 0, 1)
        return {"value": value, "interval": interval.tolist()}

    def _scores(self, profile: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Return twice the log likelihood ratio (n,), up to a constant."""
        without = profile**2 / self._variance
        return (without - (profile - predicted) ** 2 / self._error).sum(axis=1)


def exchanged_rows(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each streamline another one of its bundle, (n,), at random."""
    order = np.lexsort((rng.random(len(labels)), labels))
    starts = np.flatnonzero(np.diff(labels[order], prepend=np.nan) != 0)
    following = np.roll(order, -1)
    # The last of a bundle gets the profile of the first.
    following[np.append(starts[1:], len(order)) - 1] = order[starts]
    exchanged = np.empty_like(order)
    exchanged[order] = following
    return exchanged
