"""Correlation between components of subjects, shrunk towards none."""

from __future__ import annotations

import numpy as np
from scipy.special import multigammaln

# Subjects that the prior may count as, over one more than the components.
_WEIGHTS = np.exp(np.linspace(0.0, 7.0, 29))
_TINY = np.finfo(float).tiny


def correlations(covariances: np.ndarray) -> np.ndarray:
    """Return the correlations (..., k, k) of covariances."""
    deviations = np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1))
    inverse = 1 / np.maximum(deviations, np.sqrt(_TINY))
    return inverse[..., :, None] * covariances * inverse[..., None, :]


def shrink(found: np.ndarray, share: float) -> np.ndarray:
    """Return correlations (..., k, k) of which a share is that of none."""
    return (1 - share) * found + share * np.eye(found.shape[-1])


def likeliest_share(found: np.ndarray, nb_subjects: int) -> float:
    """Return the share of no correlation that makes subjects most likely.

    The covariance has an inverse Wishart prior :footcite:p:`Gelman2013` with
    independent components of the variances that subjects have, which thus stay as they
    are. The number of subjects that it counts as is that of the largest marginal
    likelihood.

    Parameters
    ----------
    found : ndarray of shape (k, k)
        Correlation of the components of subjects.
    nb_subjects : int
        Number of subjects.

    References
    ----------
    .. footbibliography::
    """
    nb_components = len(found)
    before = nb_components + 1 + _WEIGHTS
    after = before + nb_subjects
    values = np.maximum(np.linalg.eigvalsh(found), 0)
    logs = np.log(nb_subjects * values + before[:, None]).sum(axis=1)
    evidence = nb_components * before * np.log(before) - after * logs
    evidence += 2 * multigammaln(after / 2, nb_components)
    evidence -= 2 * multigammaln(before / 2, nb_components)
    return float((before / after)[evidence.argmax()])
