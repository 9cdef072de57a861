"""Subjects that vary, and their profiles, each a mean over few or many streamlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .covariance import correlations, likeliest_share, shrink
from .design import FLAT
from .regression import Components, Variances, learn_variances, regress

_NB_ITERATIONS = 200
_TOLERANCE = 1e-3
# Iterations at which variances are learned anew.
_LEARNED_AT = (2, 4, 8, 16, 24)
# Least variance of a node, of data with a variance of one, and the number of subjects
# that the mean variance of all nodes counts as.
_FLOOR = 1e-8
_NODE_PRIOR = 10.0
_JITTER = 1e-6
# Factor by which a variance falls at most in a step, and the least one left of it.
_LEAST_STEP = 0.1
_LEAST = 1e-6
_LEAST_LEFT = 0.01


@dataclass
class Sampling:
    """What is known of single streamlines of a subject.

    Attributes
    ----------
    basis : ndarray of shape (j, k)
        Components at each node, orthonormal.
    within : ndarray of shape (k, k)
        Covariance of the components of single streamlines of a subject.
    rest : ndarray of shape (j,)
        Variance at each node that is not of components.
    """

    basis: np.ndarray
    within: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, basis: np.ndarray, covariance: np.ndarray) -> Sampling:
        """Split the covariance (j, j) of single streamlines."""
        within = basis.T @ covariance @ basis
        rest = np.diag(covariance) - np.einsum("jk,kl,jl->j", basis, within, basis)
        jitter = _JITTER * np.trace(within) / len(within)
        return cls(basis, within + jitter * np.eye(len(within)), np.maximum(rest, 0))


class Hierarchy:
    """Subjects that vary about a regression.

    The components of a subject are drawn about the regression, and those of its profile
    about these, with the variance of a streamline over their effective number. Effects,
    which subjects of few streamlines have less say in, and variances are those of
    largest marginal likelihood; correlations are found by expectation and maximisation
    :footcite:p:`Dempster1977`, and shrunk.

    Parameters
    ----------
    design, groups : ndarray
        As of `regress`.
    profiles : ndarray of shape (n, j)
        Values about a mean of zero, with variances of about one; NaN is missing.
    shares : ndarray of shape (n,)
        One over the numbers of streamlines.
    sampling : Sampling
        What is known of single streamlines.
    with_residual : bool
        Whether nodes have a variance that is not of components.

    Attributes
    ----------
    between : ndarray of shape (k, k)
        Covariance of components between subjects.
    share : float
        Share of no correlation in it, as of `shrink`.
    residual : ndarray of shape (j,)
        Variance between subjects at each node that is not of components.
    variances : Variances
        Those of effects, and the dependence of streamlines.
    components : Components
        Components in which subjects are uncorrelated.
    effects : Effects
        Effects on these.
    expected : Expected
        What is expected of the subjects.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, design, groups, profiles, shares, sampling, *, with_residual):
        self.design, self.groups = design, groups
        self.profiles, self.shares, self.sampling = profiles, shares, sampling
        self.with_residual = with_residual
        nb_components = sampling.basis.shape[1]
        self.variances = Variances(np.full(int(groups.max(initial=FLAT)) + 1, -2.0))
        self.residual = np.full(len(sampling.rest), 0.1 if with_residual else _FLOOR)
        self.between, self.share = np.eye(nb_components), 1.0
        self.means = np.zeros((len(profiles), nb_components))

    def fit(self) -> Hierarchy:
        """Learn all attributes, and return this one."""
        for iteration in range(1, _NB_ITERATIONS + 1):
            self._expect()
            if iteration in _LEARNED_AT:
                self._learn_variances()
            self._regress()
            last = self.between
            self._learn_covariance()
            change = np.abs(self.between - last).max() / np.abs(self.between).max()
            if iteration > _LEARNED_AT[-1] and change < _TOLERANCE:
                break
        self._regress()
        return self

    def noise(self) -> np.ndarray:
        """Return variances of sampling (n, k) of the components."""
        shares = self.variances.dependence * self.shares[:, None]
        return shares * self.components.within

    def covariance_without(self) -> np.ndarray:
        """Return the covariances (n, k, k) of subjects but for one each.

        The share of no correlation is that of all of them.
        """
        scatters = self._scatters()
        total = scatters.sum(axis=0)
        others = total - scatters
        kept = shrink(correlations(others), self.share)
        nb_subjects = len(scatters)
        ratios = np.diagonal(others, axis1=1, axis2=2) / np.diag(total)
        ratios = np.maximum(ratios * nb_subjects / (nb_subjects - 1), _LEAST_LEFT)
        deviations = np.sqrt(ratios * np.diag(self.between))
        return deviations[:, :, None] * kept * deviations[:, None]

    def _expect(self) -> None:
        """Find what is expected of subjects, and what is left beside components."""
        shares = self.variances.dependence * self.shares[:, None]
        rest = shares * self.sampling.rest
        self.expected = _expect(
            self.profiles,
            self.sampling.basis,
            self.means,
            self.between,
            shares[:, :, None] * self.sampling.within,
            self.residual + rest,
        )
        if self.with_residual:
            self.residual = _variances(self.expected.squares - rest)

    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what is seen of components (n, k), and its variances of sampling."""
        numbers = self.components.of_numbers(self.expected.seen)
        return numbers, self.shares[:, None] * self.components.within

    def _learn_variances(self) -> None:
        """Learn the variances of effects, and the scale of that between subjects."""
        self.components = Components.of(self.between, self.sampling.within)
        given = self.design, self.groups, *self._known(), self.variances
        self.variances, scale = learn_variances(*given)
        self.between = scale * self.between

    def _regress(self) -> None:
        """Find effects, given the covariance between subjects."""
        self.components = Components.of(self.between, self.sampling.within)
        given = self.design, self.groups, *self._known(), self.variances
        self.effects = regress(*given)
        self.means = self.design @ self.effects.means @ self.components.mixing.T

    def _learn_covariance(self) -> None:
        """Learn the covariance between subjects, given effects."""
        found = correlations(self._scatters().sum(axis=0))
        self.share = likeliest_share(found, len(self.profiles))
        deviations = np.sqrt(self._variances())
        self.between = deviations[:, None] * shrink(found, self.share) * deviations

    def _scatters(self) -> np.ndarray:
        """Return the products (n, k, k) that are expected of components of subjects."""
        own, mixing = self.expected.components - self.means, self.components.mixing
        unknown = mixing * self.effects.leverage(self.design)[:, None] @ mixing.T
        return own[:, :, None] * own[:, None] + self.expected.covariances + unknown

    def _variances(self) -> np.ndarray:
        """Return variances (k,) between subjects nearer to those most likely.

        A step of Fisher's scoring for each component alone. Expectation and
        maximisation takes hundreds of steps where there is little but noise, and leaves
        too much of it.
        """
        before = np.diag(self.between)
        shares = self.variances.dependence * self.shares[:, None]
        noise = shares * np.diag(self.sampling.within)
        total = before + noise
        leverage = self.effects.leverage(self.design) @ self.components.mixing.T**2
        left = 1 - np.minimum(leverage / total, 1 - _LEAST_LEFT)
        squares = (self.expected.seen - self.means) ** 2 / left + self.expected.unseen
        found = ((squares - noise) / total**2).sum(axis=0) / (1 / total**2).sum(axis=0)
        return np.maximum(found, np.maximum(_LEAST_STEP * before, _LEAST))


@dataclass
class Expected:
    """What is expected of subjects, given their profiles.

    Attributes
    ----------
    seen : ndarray of shape (n, k)
        Components of the profiles.
    unseen : ndarray of shape (n, k)
        Variances that these have by nodes that are missing.
    components : ndarray of shape (n, k)
        Components of the subjects, without the error of sampling.
    covariances : ndarray of shape (n, k, k)
        Covariances that these are known with.
    squares : ndarray of shape (n, j)
        Squares of what is not of components; NaN where a node is missing.
    """

    seen: np.ndarray
    unseen: np.ndarray
    components: np.ndarray
    covariances: np.ndarray
    squares: np.ndarray


def _expect(profiles, basis, means, between, noise, variances) -> Expected:
    """Return the moments of subjects (n, j) with means (n, k) and noise (n, k, k)."""
    differences = profiles - means @ basis.T
    precision, weighted = information(differences, basis, variances)
    inverse = np.linalg.inv(between + noise)
    posterior = np.linalg.inv(inverse + precision)
    posterior = (posterior + posterior.transpose(0, 2, 1)) / 2
    shift = _times(posterior, weighted)
    # Missing nodes are filled with what is expected there, and all are projected.
    known = np.isfinite(differences)
    filled = np.where(known, differences, shift @ basis.T)
    shift = filled @ basis
    lost = np.einsum("jk,nj,jl->nkl", basis, ~known, basis, optimize=True)
    posterior = lost @ posterior @ lost
    posterior += np.einsum(
        "jk,nj,jl->nkl", basis, ~known * variances, basis, optimize=True
    )
    # Of what differs from the mean, that of the subject has a share.
    own = between @ inverse
    left = differences - shift @ basis.T
    return Expected(
        means + shift,
        np.diagonal(posterior, axis1=1, axis2=2),
        means + _times(own, shift),
        between - own @ between + own @ posterior @ own.transpose(0, 2, 1),
        left**2 + np.einsum("jk,nkl,jl->nj", basis, posterior, basis, optimize=True),
    )


def information(
    differences: np.ndarray, basis: np.ndarray, variances: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what nodes tell of components: precisions (n, k, k) and weights (n, k).

    `differences` (n, j) are NaN where a node is missing; `variances` (n, j) are those
    of nodes, given the components.
    """
    known = np.isfinite(differences)
    inverse = known / variances
    precision = np.einsum("jk,nj,jl->nkl", basis, inverse, basis, optimize=True)
    return precision, (np.where(known, differences, 0) * inverse) @ basis


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("nkl,nl->nk", matrices, vectors)


def _variances(squares: np.ndarray) -> np.ndarray:
    """Return the variance (j,) of nodes, drawn towards that of all nodes together."""
    known = np.isfinite(squares)
    sums, counts = np.where(known, squares, 0).sum(axis=0), known.sum(axis=0)
    common = max(sums.sum() / max(counts.sum(), 1), 0.0)
    return np.maximum((sums + _NODE_PRIOR * common) / (counts + _NODE_PRIOR), _FLOOR)
