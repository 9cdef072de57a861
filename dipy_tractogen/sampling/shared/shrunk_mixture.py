"""Gaussian mixtures whose components stand for several streamlines each."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

FEWEST = 20
"""Fewest streamlines that a component stands for."""

# Streamlines for each component at first.
_USUAL = 40
_NB_ITERATIONS = 40
# Added to each variance, of numbers that have a variance of one.
_FLOOR = 1e-5
_TINY = 1e-12


def fit_shrunk_mixture(
    x: np.ndarray, prior: np.ndarray, repeats: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a mixture whose covariances are shrunk towards a common one.

    Maximises the posterior density :footcite:p:`Fraley2007`: the covariance of each
    component has the one that all have in common as a prior, which counts as one
    streamline a column and two more; the common covariance has that of all groups, with
    its own variances, as a prior, which counts twice as much. Components that stand for
    fewer than 20 streamlines are left out.

    Parameters
    ----------
    x : ndarray of shape (n, w)
        Standardised numbers, several rows for each streamline.
    prior : ndarray of shape (w, w)
        Covariance of the numbers within all groups.
    repeats : int
        Rows of each streamline.
    seed : int
        Seed of the first components.

    Returns
    -------
    means : ndarray of shape (c, w)
        Means of the components, c from one to one for each 40 streamlines.
    factors : ndarray of shape (c, w, w)
        Lower Cholesky factors of their covariances.
    weights : ndarray of shape (c,)
        Their weights, which add up to one.

    References
    ----------
    .. footbibliography::
    """
    from sklearn.cluster import KMeans

    nb_streamlines = len(x) / repeats
    nb_components = max(1, int(nb_streamlines / _USUAL))
    clusters = KMeans(nb_components, n_init=1, random_state=seed).fit_predict(x)
    shares = np.eye(nb_components)[clusters]
    shares = shares[:, shares.any(axis=0)]
    logs = np.log(np.maximum(shares, _TINY))
    for _ in range(_NB_ITERATIONS):
        logs = _without_smallest(logs, repeats)
        means, factors, weights = _components(x, _shares(logs), prior, repeats)
        logs = _log_parts(x, means, factors, weights)
    # The weights are those of the components that the last densities are of.
    logs = _without_smallest(logs, repeats)
    return _components(x, _shares(logs), prior, repeats)


def _shares(logs: np.ndarray) -> np.ndarray:
    """Return the probability (n, c) of each component for each row."""
    return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))


def _without_smallest(logs: np.ndarray, repeats: int) -> np.ndarray:
    """Leave out components, the smallest first, while one has too few streamlines."""
    while logs.shape[1] > 1:
        counts = _shares(logs).sum(axis=0) / repeats
        if counts.min() >= FEWEST:
            break
        logs = np.delete(logs, counts.argmin(), axis=1)
    return logs


def _components(x, shares, prior, repeats: int) -> tuple:
    """Return means, Cholesky factors and weights of the most likely components."""
    counts = shares.sum(axis=0)
    means = shares.T @ x / counts[:, None]
    scatter = np.stack(
        [
            (part[:, None] * (x - mean)).T @ (x - mean)
            for part, mean in zip(shares.T, means)
        ]
    )
    counts, scatter = counts / repeats, scatter / repeats
    total = scatter.sum(axis=0)
    scale = np.sqrt(np.diagonal(total) / counts.sum() / np.diagonal(prior))
    strength = 2 * len(prior)
    common = (total + strength * prior * scale[:, None] * scale) / (
        counts.sum() + strength
    )
    strength = len(prior) + 2
    covariances = (scatter + strength * common) / (counts + strength)[:, None, None]
    covariances += _FLOOR * np.eye(len(prior))
    return means, np.linalg.cholesky(covariances), counts / counts.sum()


def _log_parts(x, means, factors, weights) -> np.ndarray:
    """Return log weight plus log density (n, c), less a constant."""
    parts = []
    for mean, whitening, weight in zip(means, np.linalg.inv(factors), weights):
        squares = np.sum(((x - mean) @ whitening.T) ** 2, axis=1)
        log_scale = np.log(np.diagonal(whitening)).sum()
        parts.append(np.log(weight) + log_scale - 0.5 * squares)
    return np.stack(parts, axis=1)
