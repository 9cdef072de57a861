"""Regression on conditions of subjects whose numbers are known more or less well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from .design import FLAT

# Logarithms of the variances of effects over that between subjects, of the scale of
# the latter, and of how many streamlines tell as much as one.
_EFFECTS = (-12.0, 6.0)
_SCALE = (-3.0, 3.0)
_DEPENDENCE = (0.0, 7.0)
# Standard deviation of the prior of the last.
_USUAL_DEPENDENCE = 0.5


@dataclass
class Components:
    """Components in which neither subjects nor streamlines are correlated.

    Attributes
    ----------
    mixing : ndarray of shape (k, k)
        What a component of variance one between subjects is in.
    within : ndarray of shape (k,)
        Variance of each between streamlines of a subject.
    """

    mixing: np.ndarray
    within: np.ndarray

    @classmethod
    def of(cls, between: np.ndarray, within: np.ndarray) -> Components:
        """Return the components of two covariances (k, k), the first one definite."""
        root = np.linalg.cholesky(between)
        half = np.linalg.solve(root, within)
        values, vectors = np.linalg.eigh(np.linalg.solve(root, half.T))
        return cls(root @ vectors, np.maximum(values, 0))

    def of_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """Return the components (n, k) of numbers (n, k)."""
        return np.linalg.solve(self.mixing, numbers.T).T


@dataclass
class Variances:
    """Variances that are learned from all components together, as logarithms.

    Attributes
    ----------
    log_effects : ndarray of shape (g,)
        Of the effects of each group of columns, over that between subjects.
    log_dependence : float
        Number of streamlines that tell as much as one independent of others.
    """

    log_effects: np.ndarray
    log_dependence: float = 0.0

    @property
    def dependence(self) -> float:
        """Number of streamlines that tell as much as one independent of others."""
        return float(np.exp(self.log_dependence))


@dataclass
class Effects:
    """Effects of the columns of a design on components.

    Attributes
    ----------
    means : ndarray of shape (p, k)
        Expected effects.
    covariances : ndarray of shape (k, p, p)
        Covariances of those on each component.
    log_likelihood : float
        Log marginal likelihood, up to a constant; the restricted one
        :footcite:p:`Patterson1971` of effects without a prior.

    References
    ----------
    .. footbibliography::
    """

    means: np.ndarray
    covariances: np.ndarray
    log_likelihood: float

    def leverage(self, design: np.ndarray) -> np.ndarray:
        """Return the variance (n, k) of what is expected of subjects (n, p)."""
        return np.einsum(
            "np,kpq,nq->nk", design, self.covariances, design, optimize=True
        )


def regress(
    design: np.ndarray,
    groups: np.ndarray,
    numbers: np.ndarray,
    noise: np.ndarray,
    variances: Variances,
    scale: float = 1.0,
) -> Effects:
    """Return the effects on components of subjects.

    Parameters
    ----------
    design : ndarray of shape (n, p)
        Columns of the subjects.
    groups : ndarray of int, shape (p,)
        Group of each column, `FLAT` for those whose effects have no prior.
    numbers : ndarray of shape (n, k)
        Components of the subjects.
    noise : ndarray of shape (n, k)
        Variances of sampling, of streamlines that are independent.
    variances : Variances
        Variances of effects, and the dependence of streamlines.
    scale : float, optional
        Variance between subjects.
    """
    is_flat = groups == FLAT
    log_priors = np.append(variances.log_effects, 0.0)[groups] + np.log(scale)
    weights = 1 / (scale + variances.dependence * noise)
    products = (design[:, :, None] * design[:, None]).reshape(len(design), -1)
    inner = (weights.T @ products).reshape(-1, *2 * design.shape[1:])
    inner += np.diag(np.where(is_flat, 0.0, np.exp(-log_priors)))
    outer = design.T @ (weights * numbers)
    covariances = np.linalg.inv(inner)
    means = np.einsum("kpq,qk->pk", covariances, outer)
    squares = (weights * numbers**2).sum() - (means * outer).sum()
    logs = np.linalg.slogdet(inner)[1].sum() - np.log(weights).sum()
    logs += numbers.shape[1] * log_priors[~is_flat].sum()
    return Effects(means, covariances, float(-(squares + logs) / 2))


def learn_variances(
    design: np.ndarray,
    groups: np.ndarray,
    numbers: np.ndarray,
    noise: np.ndarray,
    start: Variances,
) -> tuple[Variances, float]:
    """Return the variances of largest marginal likelihood, and that between subjects.

    Arguments are as of `regress`. Equal numbers of streamlines tell nothing of their
    dependence, as what varies could vary between subjects.
    """

    def parts(vector):
        return (
            replace(start, log_effects=vector[2:], log_dependence=vector[0]),
            np.exp(vector[1]),
        )

    def cost(vector):
        found = regress(design, groups, numbers, noise, *parts(vector))
        return (vector[0] / _USUAL_DEPENDENCE) ** 2 / 2 - found.log_likelihood

    known = np.ptp(noise, axis=0).max() <= 1e-3 * noise.max()
    found = minimize(
        cost,
        [start.log_dependence, 0.0, *start.log_effects],
        method="L-BFGS-B",
        bounds=[
            (0.0, 0.0) if known else _DEPENDENCE,
            _SCALE,
            *[_EFFECTS] * len(start.log_effects),
        ],
        options={"maxiter": 20},
    )
    variances, scale = parts(found.x)
    return variances, float(scale)
