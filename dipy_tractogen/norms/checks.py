"""Checks of what a normative model is fitted to."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.utils.messages import format_count

from .design import FLAT

FEWEST_OF_A_NODE = 3
"""Subjects that a node has to be known of."""


def check_given(X, y, groups, nb_components) -> tuple[np.ndarray, np.ndarray]:
    """Return a design and profiles as float64; ValueError if they do not fit together.

    Arguments are those of `NormativeModel.fit`.
    """
    X, y, groups = np.asarray(X, float), np.asarray(y, float), np.asarray(groups)
    if X.ndim != 2 or y.ndim != 2 or len(X) != len(y):
        raise ValueError(
            f"A design of the shape {X.shape} and profiles of the shape {y.shape}: "
            "give a row of both for each subject."
        )
    if groups.shape != X.shape[1:] or not np.isfinite(X).all() or np.isinf(y).any():
        raise ValueError(
            f"A design of the shape {X.shape} with groups of the shape {groups.shape}: "
            "give a group for each column, finite numbers in the design, and finite "
            "numbers or NaN in the profiles."
        )
    fewest = int(np.sum(groups == FLAT)) + 2
    if len(X) < fewest:
        raise ValueError(
            f"{format_count(len(X), 'subject')}: {fewest} at least are needed to learn "
            "how subjects differ, and 20 or more to learn it well."
        )
    if nb_components is not None and not 1 <= nb_components <= y.shape[1]:
        raise ValueError(
            f"nb_components={nb_components}: give 1 to the {y.shape[1]} nodes."
        )
    if not usable(y).any():
        raise ValueError(
            f"No node is known of {FEWEST_OF_A_NODE} subjects: give more of them."
        )
    return X, y


def usable(y: np.ndarray) -> np.ndarray:
    """Return which nodes (j,) of profiles (n, j) are known of enough subjects."""
    return np.isfinite(y).sum(axis=0) >= FEWEST_OF_A_NODE


def check_counts(nb_streamlines, nb_subjects: int) -> np.ndarray:
    """Return numbers of streamlines (n,) as float64, infinite where none are given."""
    if nb_streamlines is None:
        return np.full(nb_subjects, np.inf)
    counts = np.asarray(nb_streamlines, float)
    if counts.shape != (nb_subjects,) or not (counts >= 1).all():
        raise ValueError(
            f"nb_streamlines of the shape {counts.shape} for {nb_subjects} subjects: "
            "give one number of 1 or more for each."
        )
    return counts
