"""How subjects differ, estimated from the latents of their streamlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import polygamma

from .baseline import with_floor
from .prior import BETWEEN_SHARE, STRENGTH
from .variation import SubjectVariation

# Fewest streamlines of a subject in a bundle, and fewest subjects beyond the numbers
# that their conditions explain.
_FEWEST = 2
_FEWEST_SUBJECTS = 2
# Subjects that the prior without subjects counts as.
_PRIOR_SUBJECTS = 5.0
# Scores that are kept, and subjects that they are computed from.
_NB_SCORES = 128
_MOST_SUBJECTS = 2000
# Subjects with different values from which on the means may follow a number in a curve.
_FEWEST_VALUES = 10
_TINY = 1e-9


class _BundleVariation(NamedTuple):
    """What `SubjectVariation` has of a bundle: loadings (s, 2, w) are of subjects."""

    subjects: np.ndarray
    within: np.ndarray
    loadings: np.ndarray
    rest: np.ndarray


def estimate_variation(
    x: np.ndarray,
    variances: np.ndarray,
    bundles: np.ndarray,
    subjects: np.ndarray,
    conditions: np.ndarray,
    seed: int = 0,
) -> SubjectVariation | None:
    """Estimate how the subjects of a training differ in each bundle.

    What their conditions explain by a linear regression is subtracted, and so is what
    means and deviations of a few streamlines vary by at random. What is usual counts as
    five more subjects :footcite:p:`Gelman2013`; covariances are not shrunk otherwise,
    as that would take subjects nearer to each other where they differ most.

    Parameters
    ----------
    x : ndarray of shape (n, w)
        Numbers computed from points, standardised, and means of active latents.
    variances : ndarray of shape (n, w)
        Variances of these.
    bundles : ndarray of shape (n,)
        Code of the bundle of each streamline.
    subjects : ndarray of shape (n,)
        Subject of each, a whole number; below 0 where it is not known.
    conditions : ndarray of shape (n, q)
        Conditions of each as numbers, such as its age.
    seed : int, optional
        Seed of the choice of 2,000 subjects, where there are more.

    Returns
    -------
    SubjectVariation or None
        None where no bundle has enough subjects.

    References
    ----------
    .. footbibliography::
    """
    known = np.unique(subjects[subjects >= 0])
    some = np.random.default_rng(seed).permutation(known)[:_MOST_SUBJECTS]
    found = {}
    for rows in _groups(bundles, np.isin(subjects, some)):
        one = _of_bundle(x[rows], variances[rows], subjects[rows], conditions[rows])
        if one is not None:
            found[int(bundles[rows[0]])] = one
    if not found:
        return None
    each = list(found.values())
    loadings, rest = _common_scores(each, np.sort(some))
    return SubjectVariation(
        np.array(list(found), dtype=np.int32),
        np.array([len(one.subjects) for one in each], dtype=np.int32),
        np.stack([one.within for one in each]).astype(np.float32),
        loadings.astype(np.float32),
        rest.astype(np.float32),
    )


def subject_offsets(
    variation: SubjectVariation,
    x: np.ndarray,
    bundles: np.ndarray,
    stratum_of: np.ndarray,
    subjects: np.ndarray,
    given: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate where the subjects of a training lie, in the strata of its bundles.

    An offset is the mean of the posterior of what a subject differs by from others with
    its numbers, such as its age, which the means follow in a curve of second order.

    Parameters
    ----------
    variation : SubjectVariation
        How subjects differ.
    x : ndarray of shape (n, w)
        Numbers computed from points, standardised, and means of active latents.
    bundles, stratum_of, subjects : ndarray of shape (n,)
        Bundle, stratum and subject of each; the subject is below 0 where it is not
        known.
    given : ndarray of shape (n, g)
        Standardised numbers of the subject of each.

    Returns
    -------
    offsets : ndarray of shape (e, w), float32
        Offset of a subject in a stratum.
    offset_of : ndarray of shape (n,), int32
        The one of each streamline; -1 where there is none.
    """
    offset_of = np.full(len(x), -1, dtype=np.int32)
    found = [np.zeros((0, x.shape[1]))]
    for rows in _groups(stratum_of, subjects >= 0):
        prior = variation.prior(bundles[rows[0]])
        if prior is None:
            continue
        _, subject_of, counts = np.unique(
            subjects[rows], return_inverse=True, return_counts=True
        )
        subject_of = subject_of.reshape(-1)
        means, numbers = (
            _sums(each[rows].astype(float), subject_of) / counts[:, None]
            for each in (x, given)
        )
        offset_of[rows] = sum(map(len, found)) + subject_of
        found.append(prior.shifts(counts, _residuals(means, _design(numbers))))
    return np.concatenate(found).astype(np.float32), offset_of


def _groups(labels: np.ndarray, chosen: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the chosen (n,) rows of each of the labels (n,), in one pass over these."""
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(labels[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[rows])) + 1
    return filter(len, np.split(rows, starts))


def _design(numbers: np.ndarray) -> np.ndarray:
    """Return a design of numbers (s, g), and of squares of those of many values."""
    many = [len(np.unique(each)) >= _FEWEST_VALUES for each in numbers.T]
    squares = numbers[:, np.array(many, dtype=bool)] ** 2
    return np.column_stack([np.ones(len(numbers)), numbers, squares])


def _of_bundle(x, variances, subjects, conditions) -> _BundleVariation | None:
    """Estimate the variation in a bundle; None if it has too few subjects."""
    known, subject_of, counts = np.unique(
        subjects, return_inverse=True, return_counts=True
    )
    enough = counts >= _FEWEST
    rows = enough[subject_of.reshape(-1)]
    if not rows.any():
        return None
    known, counts = known[enough], counts[enough]
    subject_of = np.searchsorted(known, subjects[rows])
    x, variances = x[rows].astype(float), variances[rows].astype(float)
    means = _sums(x, subject_of) / counts[:, None]
    design = _sums(conditions[rows], subject_of) / counts[:, None]
    design = np.column_stack([np.ones(len(known)), design])
    freedom = len(known) - np.linalg.matrix_rank(design)
    if freedom < _FEWEST_SUBJECTS:
        return None
    away = x - means[subject_of]
    total = away.T @ away / (len(x) - len(known)) + np.diag(variances.mean(axis=0))
    within = np.linalg.cholesky(with_floor(total))
    whitening = np.linalg.inv(within)
    own = (away @ whitening.T) ** 2
    squares = _sums(own, subject_of) / (counts - 1)[:, None]
    squares += _sums(variances, subject_of) / counts[:, None] @ (whitening**2).T
    spreads = np.log(np.maximum(squares, _TINY)) / 2
    # That of a normal variable, of which the squares have a variance of two.
    of_spreads = polygamma(1, (counts - 1) / 2) / 4
    noise = 1 / counts, of_spreads * own.var(axis=0).mean() / 2
    usual = BETWEEN_SHARE, 1 / (2 * STRENGTH)
    parts = [
        _loadings(_residuals(values, design), freedom, error.mean(), expected)
        for values, error, expected in zip(
            (means @ whitening.T, spreads), noise, usual, strict=True
        )
    ]
    loadings, rest = zip(*parts)
    return _BundleVariation(known, within, np.stack(loadings, 1), np.array(rest))


def _sums(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the sums (s, w) of rows (n, w) by groups (n,)."""
    sums = np.empty((groups.max() + 1, values.shape[1]))
    for column, each in enumerate(values.T):
        sums[:, column] = np.bincount(groups, each)
    return sums


def _residuals(values: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Return what a regression on the columns of a design does not explain."""
    return values - design @ (np.linalg.pinv(design) @ values)


def _loadings(
    residuals: np.ndarray, freedom: int, noise: float, usual: float
) -> tuple[np.ndarray, float]:
    """Return loadings (s, w) of scores, one a subject, and the variance of the rest.

    Residuals (s, w) have `freedom` degrees of freedom; `noise` is the variance of their
    errors, and `usual` that of subjects where none are known.
    """
    rows = residuals / np.sqrt(freedom)
    values, axes = np.linalg.eigh(rows.T @ rows)
    # Eigenvalues of noise vary about its variance; their sum hardly does. So the
    # largest ones are kept, up to what all of them are beyond the noise.
    values, axes = values[::-1], axes[:, ::-1]
    beyond = np.maximum(values - noise, 0)
    total = max((values - noise).sum(), 0.0)
    kept = np.clip(total - (np.cumsum(beyond) - beyond), 0, beyond)
    factors = np.sqrt(kept / np.maximum(values, _TINY))
    share = freedom / (freedom + _PRIOR_SUBJECTS)
    loadings = np.sqrt(share) * (rows @ (axes * factors @ axes.T))
    return loadings, (1 - share) * usual


def _common_scores(
    found: list[_BundleVariation], subjects: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return loadings (r, b, 2, w) of a few scores, and the rest (b, 2).

    They are rotated, so that none is of a single subject.
    """
    shape = (len(subjects), len(found), *found[0].loadings.shape[1:])
    loadings = np.zeros(shape)
    for column, one in enumerate(found):
        loadings[np.searchsorted(subjects, one.subjects), column] = one.loadings
    _, sizes, axes = np.linalg.svd(loadings.reshape(shape[0], -1), full_matrices=False)
    kept = (sizes[:, None] * axes)[:_NB_SCORES].reshape(-1, *shape[1:])
    lost = (loadings**2).sum(axis=(0, 3)) - (kept**2).sum(axis=(0, 3))
    rest = np.stack([one.rest for one in found])
    return kept, rest + np.maximum(lost, 0) / shape[3]
