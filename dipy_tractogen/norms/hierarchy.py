"""Subjects that vary, and their profiles, each a mean over few or many streamlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .covariance import ShrunkCovariance, Wishart
from .design import FLAT
from .regression import (
    Components,
    Effects,
    Variances,
    component_scales,
    learn_variances,
    regress,
)

_NB_ITERATIONS = 200
_TOLERANCE = 1e-3
# Iterations at which variances are learned anew.
_LEARNED_AT = (2, 4, 8, 16, 24)
# Least variance of a node, of data with a variance of one, and the number of subjects
# that the mean variance of all nodes counts as.
_FLOOR = 1e-8
_NODE_PRIOR = 10.0
_JITTER = 1e-6


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


@dataclass
class Hierarchy:
    """Fit of subjects that vary about a regression.

    Attributes
    ----------
    components : Components
        Components in which subjects are uncorrelated, by their covariance.
    effects : Effects
        Effects on these.
    posterior : Wishart
        Distribution of the covariance between subjects.
    residual : ndarray of shape (j,)
        Variance between subjects at each node that is not of components.
    dependence : float
        Number of streamlines that tell as much as one that is independent of others.
    expected : Expected
        What is expected of the subjects.
    """

    components: Components
    effects: Effects
    posterior: Wishart
    residual: np.ndarray
    dependence: float
    expected: Expected


def fit_hierarchy(
    design: np.ndarray,
    groups: np.ndarray,
    profiles: np.ndarray,
    shares: np.ndarray,
    sampling: Sampling,
    *,
    with_residual: bool,
) -> Hierarchy:
    """Fit subjects whose profiles are means over streamlines.

    The components of a subject are drawn about the regression, and those of its profile
    about these, with the variance of a streamline over their effective number. Effects,
    which subjects of few streamlines have less say in, and variances are those of
    largest marginal likelihood; the covariance is found by expectation and maximisation
    :footcite:p:`Dempster1977`.

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

    References
    ----------
    .. footbibliography::
    """
    nb_subjects, nb_components = len(profiles), sampling.basis.shape[1]
    variances = Variances(np.full(int(groups.max(initial=FLAT)) + 1, -2.0))
    residual = np.full(profiles.shape[1], 0.1 if with_residual else _FLOOR)
    means, between = np.zeros((nb_subjects, nb_components)), np.eye(nb_components)
    last, shrunk = between, ShrunkCovariance(nb_components)
    for iteration in range(1, _NB_ITERATIONS + 1):
        rest = variances.dependence * shares[:, None] * sampling.rest
        expected = _expect(
            profiles,
            sampling.basis,
            means,
            between,
            variances.dependence * shares[:, None, None] * sampling.within,
            residual + rest,
        )
        if with_residual:
            residual = _variances(expected.squares - rest)
        if iteration in _LEARNED_AT:
            components = Components.of(between, sampling.within)
            known = _known(components, expected.seen, shares)
            variances, scale = learn_variances(design, groups, *known, variances)
            between = scale * between
        given = (design, groups, expected.seen, shares, sampling.within)
        components, effects = _effects(between, variances, *given)
        if iteration > _LEARNED_AT[0]:
            between = _rescaled(components, effects, variances, *given)
            components, effects = _effects(between, variances, *given)
        means = design @ effects.means @ components.mixing.T
        own, mixing = expected.components - means, components.mixing
        unknown = (mixing * effects.leverage(design).sum(axis=0)) @ mixing.T
        scatter = own.T @ own + expected.covariances.sum(axis=0) + unknown
        posterior = shrunk.update(scatter, nb_subjects)
        between = posterior.covariance
        change = np.abs(between - last).max() / np.abs(between).max()
        last = between
        if iteration > _LEARNED_AT[-1] and change < _TOLERANCE:
            break
    components, effects = _effects(between, variances, *given)
    return Hierarchy(
        components, effects, posterior, residual, variances.dependence, expected
    )


def _known(components, seen, shares) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers (n, k) as components, and their variances of sampling."""
    return components.of_numbers(seen), shares[:, None] * components.within


def _effects(between, variances, design, groups, seen, shares, within) -> tuple:
    """Return components of a covariance between subjects, and effects on them."""
    components = Components.of(between, within)
    known = _known(components, seen, shares)
    return components, regress(design, groups, *known, variances)


def _rescaled(
    components, effects, variances, design, _, seen, shares, __
) -> np.ndarray:
    """Return the covariance between subjects with likelier variances."""
    numbers, noise = _known(components, seen, shares)
    scales = component_scales(design, numbers, variances.dependence * noise, effects)
    between = (components.mixing * scales) @ components.mixing.T
    return between + _FLOOR * np.trace(between) * np.eye(len(between))


@dataclass
class Expected:
    """What is expected of subjects, given their profiles.

    Attributes
    ----------
    seen : ndarray of shape (n, k)
        Components of the profiles.
    components : ndarray of shape (n, k)
        Components of the subjects, without the error of sampling.
    covariances : ndarray of shape (n, k, k)
        Covariances that these are known with.
    squares : ndarray of shape (n, j)
        Squares of what is not of components; NaN where a node is missing.
    """

    seen: np.ndarray
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
