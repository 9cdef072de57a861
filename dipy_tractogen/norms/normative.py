"""Normative model: what is usual among subjects of an age and a sex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from dipy_tractogen.streamlines.geometry import cosine_basis

from .checks import check_counts, check_given, usable
from .design import FLAT
from .hierarchy import Hierarchy, Sampling, information
from .regression import Effects

_LEAST_P = 1e-300
# Shares of training subjects whose distances are held against those expected.
_SHARES = (0.5, 0.8, 0.9, 0.95)
# Leverage of a training subject, at most.
_MOST_LEVERAGE = 0.99


@dataclass
class Prediction:
    """Predictive t distribution of subjects at each node.

    Attributes
    ----------
    expected, deviation : ndarray of shape (n, j)
        Centre and scale of each node; NaN where too few subjects have it.
    freedom : float
        Degrees of freedom.
    """

    expected: np.ndarray
    deviation: np.ndarray
    freedom: float

    def quantiles(self, shares) -> np.ndarray:
        """Return quantiles (q, n, j) of shares (q,) between 0 and 1."""
        deviates = stats.t.ppf(np.asarray(shares, float), self.freedom)
        return self.expected + deviates[:, None, None] * self.deviation


@dataclass
class Scores:
    """How subjects differ from what is usual.

    Attributes
    ----------
    z : ndarray of shape (n, j)
        Standard normal deviate of each node's centile; NaN where it is missing.
    p : ndarray of shape (n, j)
        Two-sided probability of a node that is as far from the expected one.
    distance : ndarray of shape (n,)
        Squared Mahalanobis distance of all nodes together, over its dimensions and
        over the usual one of training subjects that are left out.
    p_together : ndarray of shape (n,)
        Probability of a distance that is as large.
    """

    z: np.ndarray
    p: np.ndarray
    distance: np.ndarray
    p_together: np.ndarray

    @property
    def centiles(self) -> np.ndarray:
        """Share in % of subjects (n, j) that have less."""
        return 100 * stats.norm.cdf(self.z)


class NormativeModel(BaseEstimator):
    """Expected profile, and variance between subjects, given their conditions.

    A subject's components, those of a cosine series over the nodes, are drawn about a
    regression on its conditions; its profile, a mean over streamlines, is drawn about
    them with the variance of streamlines over their number. Subjects, not streamlines,
    are the sample: what is not known of the mean and of the variances widens the
    predictive t distribution. Covariances between subjects are shrunk towards those of
    independent components. Priors maximise the marginal likelihood. This is normative
    modelling :footcite:p:`Marquand2016` of all nodes together.

    Parameters
    ----------
    nb_components : int, optional
        Components of a profile, and dimensions in which nodes are scored together. None
        for numbers that are not in a row, such as measures of shape: each is one.

    Attributes
    ----------
    centre_, unit_ : ndarray of shape (j,)
        Mean of each node over subjects, and the unit of its variances.
    mixing_ : ndarray of shape (k, k)
        Components, of variance one between subjects, in those of the cosine series.
    within_ : ndarray of shape (k,)
        Variance of each component between streamlines.
    effects_ : ndarray of shape (p, k)
        Effects of the columns of a design on components.
    uncertainty_ : ndarray of shape (k, p, p)
        Covariances of these effects.
    residual_, rest_ : ndarray of shape (j,)
        Variances, between and within subjects, of what is not of components.
    dependence_ : float
        Number of streamlines that tell as much as one independent of others, learned
        where subjects have different numbers.
    freedom_, freedom_together_ : float
        Degrees of freedom of a node, and of all nodes together.
    usual_ : float
        Usual distance of training subjects that are left out, over that expected.
    nb_subjects_ : int
        Number of training subjects.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, nb_components: int | None = 16):
        self.nb_components = nb_components

    def fit(self, X, y, *, groups, nb_streamlines=None, within=None) -> NormativeModel:
        """Learn what is usual from training subjects.

        Parameters
        ----------
        X : ndarray of shape (n, p)
            Design of the subjects, `Design.matrix`.
        y : ndarray of shape (n, j)
            Profiles, NaN where a node is missing.
        groups : ndarray of int, shape (p,)
            Groups of the columns, `Design.groups`.
        nb_streamlines : ndarray of shape (n,), optional
            Number of streamlines that a profile is the mean of.
        within : ndarray of shape (j, j), optional
            Covariance of the nodes of single streamlines of a subject. Without it,
            profiles are taken as they are.

        Returns
        -------
        NormativeModel
            This one.

        Raises
        ------
        ValueError
            If sizes do not fit together, there are too few subjects, or these are all
            the same.
        """
        X, y = check_given(X, y, groups, self.nb_components)
        nb_subjects, nb_nodes = y.shape
        shares = 1 / check_counts(nb_streamlines, nb_subjects)
        self.known_ = usable(y)
        y = self._without_gaps(np.where(self.known_, y, np.nan))
        self.centre_ = np.nanmean(np.where(np.isfinite(y).any(axis=0), y, 0), axis=0)
        self.unit_ = self._unit(y - self.centre_)
        if within is None:
            within = np.zeros((nb_nodes, nb_nodes))
        sampling = Sampling.of(
            self._nodes(), np.asarray(within) / np.outer(self.unit_, self.unit_)
        )
        centred = (y - self.centre_) / self.unit_
        with_residual = self.nb_components is not None
        given = X, np.asarray(groups), centred, shares, sampling
        found = Hierarchy(*given, with_residual=with_residual).fit()
        self._keep(found, sampling)
        self.nb_subjects_ = nb_subjects
        self.freedom_ = float(nb_subjects - np.sum(np.asarray(groups) == FLAT))
        self.freedom_together_ = self._freedom_together(found.share)
        self.usual_ = self._usual(found, X, centred, shares)
        return self

    def _keep(self, found, sampling) -> None:
        """Keep what is predicted from."""
        self.mixing_, self.within_ = found.components.mixing, found.components.within
        self.effects_ = found.effects.means
        self.uncertainty_ = found.effects.covariances
        self.residual_, self.rest_ = found.residual, sampling.rest
        self.dependence_ = found.variances.dependence

    def predict(self, X, nb_streamlines=None) -> Prediction:
        """Return what is expected of subjects with a design (n, p).

        `nb_streamlines` (n,) are those that their profiles are means of; without them,
        the distribution is that of subjects themselves.
        """
        check_is_fitted(self)
        means, variances, rest = self._predictive(X, nb_streamlines)
        expected = self.centre_ + self.unit_ * (means @ self._basis().T)
        deviation = self.unit_ * np.sqrt(variances @ self._basis().T ** 2 + rest)
        return Prediction(
            np.where(self.known_, expected, np.nan),
            np.where(self.known_, deviation, np.nan),
            self.freedom_,
        )

    def compare(self, X, y, nb_streamlines=None) -> Scores:
        """Return how subjects with profiles `y` (n, j) differ from what is usual.

        NaN is missing; without a node, a subject has no distance. Other arguments are
        as of `predict`.
        """
        predicted = self.predict(X, nb_streamlines)
        t = (y - predicted.expected) / predicted.deviation
        p = np.maximum(2 * stats.t.sf(np.abs(t), self.freedom_), _LEAST_P)
        z = np.sign(t) * stats.norm.isf(p / 2)
        means, variances, rest = self._predictive(X, nb_streamlines)
        centred = (self._without_gaps(y) - self.centre_) / self.unit_
        covariance = variances[:, :, None] * np.eye(len(self.mixing_))
        basis = self._basis()
        distance, rank = _distance(centred - means @ basis.T, basis, covariance, rest)
        distance = distance / self.usual_
        return Scores(
            z, p, distance, stats.f.sf(distance, rank, self.freedom_together_)
        )

    def _freedom_together(self, share: float) -> float:
        """Return the degrees of freedom of distances.

        Those of the correlations are fewer by the components, and more by the share of
        no correlation. Those of the variances make the F distribution as wide as a mean
        of squares of independent t variables.
        """
        nb_components = len(self.mixing_)
        correlations = self.nb_subjects_ / (1 - share) - nb_components + 1
        variances = 4 + (nb_components + 2) * max(self.freedom_ - 4, 0) / 3
        return 1 / (1 / correlations + 1 / variances)

    def _without_gaps(self, y: np.ndarray) -> np.ndarray:
        """Return profiles with nodes between others that are known of nobody."""
        if self.nb_components is None or self.known_.all():
            return y
        at, nodes = np.flatnonzero(self.known_), np.arange(y.shape[1])
        filled = np.array([np.interp(nodes, at, each[at]) for each in y])
        return np.where(self.known_, y, filled)

    def _nodes(self) -> np.ndarray:
        """Return the orthonormal basis (j, k) that components are sums of."""
        nb_nodes = len(self.centre_)
        if self.nb_components is None:
            return np.eye(nb_nodes)
        return cosine_basis(nb_nodes, self.nb_components).T.astype(float)

    def _basis(self) -> np.ndarray:
        """Return the components (j, k) at each node."""
        return self._nodes() @ self.mixing_

    def _unit(self, differences: np.ndarray) -> np.ndarray:
        """Return the unit (j,) of variances: one for all nodes of a profile."""
        known = np.where(np.isfinite(differences), differences, 0)
        counts = np.maximum(np.isfinite(differences).sum(axis=0), 1)
        squares = (known**2).sum(axis=0) / counts
        if self.nb_components is not None:
            squares = np.full(len(squares), squares[self.known_].mean())
        smallest = (1e-9 * np.abs(self.centre_).max()) ** 2
        if (squares[self.known_] <= smallest).any():
            raise ValueError(
                "The subjects all have the same values: nothing can be learned of how "
                "subjects differ."
            )
        return np.sqrt(np.where(self.known_, squares, 1.0))

    def _predictive(self, X, nb_streamlines) -> tuple[np.ndarray, ...]:
        """Return means and variances (n, k), and variances of the rest (n, j)."""
        X = np.asarray(X, float)
        shares = self.dependence_ / check_counts(nb_streamlines, len(X))[:, None]
        effects = Effects(self.effects_, self.uncertainty_, 0.0)
        variances = 1 + effects.leverage(X) + shares * self.within_
        rest = self.residual_ * (1 + 1 / self.nb_subjects_) + shares * self.rest_
        return X @ self.effects_, variances, rest

    def _usual(self, found, X, centred, shares) -> float:
        """Return the usual distance of training subjects, over that expected.

        Each is left out of the mean and the covariance that it is compared with.
        """
        basis, noise = self._basis(), found.noise()
        variance = found.effects.leverage(X)
        left = 1 - np.minimum(variance / (1 + noise), _MOST_LEVERAGE)
        seen = found.components.of_numbers(found.expected.seen)
        means = seen - (seen - X @ self.effects_) / left
        inverse = np.linalg.inv(self.mixing_)
        covariance = inverse @ found.covariance_without() @ inverse.T
        wider = 1 / np.sqrt(left)
        covariance = covariance * wider[:, :, None] * wider[:, None]
        covariance = covariance + noise[:, :, None] * np.eye(len(inverse))
        rest = self.residual_ + self.dependence_ * shares[:, None] * self.rest_
        squares, rank = _distance(centred - means @ basis.T, basis, covariance, rest)
        # The tail, too, which few subjects tell, is not to be longer than expected.
        ratios = [
            np.quantile(
                squares / stats.f.ppf(share, rank, self.freedom_together_), share
            )
            for share in _SHARES
        ]
        return float(max(ratios))


def _distance(differences, basis, covariance, rest) -> tuple[np.ndarray, np.ndarray]:
    """Return squared distances (n,) over their dimensions, and these (n,)."""
    precision, weights = information(differences, basis, rest)
    inner = precision @ covariance @ precision + precision
    known = np.isfinite(differences)
    whole = known.all(axis=1)
    # All nodes together are components and what is beyond them.
    inner[whole] = covariance[whole]
    weights[whole] = np.linalg.lstsq(basis, differences[whole].T)[0].T
    inverse = np.linalg.pinv(inner, hermitian=True)
    squares = np.einsum("nk,nkl,nl->n", weights, inverse, weights)
    rank = np.minimum(known.sum(axis=1), basis.shape[1])
    return np.where(rank, squares / np.maximum(rank, 1), np.nan), np.maximum(rank, 1)
