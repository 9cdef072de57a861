"""Random choices of some of each group, such as a bundle."""

from __future__ import annotations

import numpy as np


def shuffled_by_group(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return indices in a random order, one group after another.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Group of each.
    rng : numpy.random.Generator
        Fixes the order.

    Returns
    -------
    ndarray of shape (n,), int
        The indices.
    """
    order = rng.permutation(len(labels))
    return order[np.argsort(labels[order], kind="stable")]


def stratified_sample(
    labels: np.ndarray, rng: np.random.Generator, *, most: int, most_in_all: int
) -> np.ndarray:
    """Choose some of each group, with a limit for each and one for all.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Group of each.
    rng : numpy.random.Generator
        Fixes the choice.
    most, most_in_all : int
        How many at most of a group, and of all; one of each group in any case.

    Returns
    -------
    ndarray of shape (m,), int
        The indices in a random order, one group after another.
    """
    order = shuffled_by_group(labels, rng)
    counts = np.unique(labels, return_counts=True)[1]
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return order[place < limit_per_group(len(counts), most, most_in_all)]


def limit_per_group(nb_groups: int, most: int, most_in_all: int) -> int:
    """Share a limit of all among groups.

    Parameters
    ----------
    nb_groups : int
        Number of groups.
    most, most_in_all : int
        How many at most of a group, and of all.

    Returns
    -------
    int
        How many at most of a group, one at least.
    """
    return max(1, min(most, most_in_all // nb_groups))
