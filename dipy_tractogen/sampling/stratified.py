"""Stratified samples: how many of each group, and which."""

from __future__ import annotations

from collections.abc import Mapping
import math

import numpy as np

from dipy_tractogen.streamlines.array_sequence import ranks
from dipy_tractogen.streamlines.conditions import Condition


def shuffled_by_group(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return indices in a random order, one group of labels (n,) after another."""
    order = rng.permutation(len(labels))
    return order[np.argsort(labels[order], kind="stable")]


def stratified_sample(
    labels: np.ndarray, rng: np.random.Generator, *, most: int, most_in_all: int
) -> np.ndarray:
    """Draw indices, at most `most` of a group of labels (n,) and `most_in_all` in all.

    One of each group is drawn in any case. The indices of a group follow those of the
    one before, in a random order.
    """
    order = shuffled_by_group(labels, rng)
    counts = np.unique(labels, return_counts=True)[1]
    return order[ranks(counts) < _limit_per_group(len(counts), most, most_in_all)]


def sample_each_group(
    labels: np.ndarray, rng: np.random.Generator, *, most: int, most_in_all: int
) -> list[np.ndarray]:
    """Draw indices of each group of labels (n,) with its own permutation.

    As `stratified_sample`; models depend on the order of the draws of either.
    """
    groups = np.unique(labels)
    limit = _limit_per_group(len(groups), most, most_in_all)
    return [rng.permutation(np.flatnonzero(labels == one))[:limit] for one in groups]


def _limit_per_group(nb_groups: int, most: int, most_in_all: int) -> int:
    return max(1, min(most, most_in_all // nb_groups))


def split_halves(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split each group of labels (n,) in two halves, as indices, at random.

    A group of one is in the first half, and so is one more of an odd number; the second
    half has only groups that the first has.
    """
    order = shuffled_by_group(labels, np.random.default_rng(seed))
    first, second = order[::2], order[1::2]
    return first, second[np.isin(labels[second], labels[first])]


def allocate(nb_streamlines: int, weights: np.ndarray) -> np.ndarray:
    """Divide a number of streamlines in proportion to weights (m,).

    Counts (m,), int64, are those of the method of largest remainders: they add up to
    the number and differ from the exact shares by less than one. Raises ValueError if
    the number is not positive.
    """
    if nb_streamlines < 1:
        raise ValueError(f"nb_streamlines={nb_streamlines}: give 1 or more.")
    exact = nb_streamlines * weights / weights.sum()
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: nb_streamlines - counts.sum()]] += 1
    return counts


def balanced_weights(weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Scale weights (m,) so that they add up to one in each group, unless all are 0."""
    totals = np.bincount(groups, weights)[groups]
    return np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)


def bundle_proportions(
    bundle: Condition, proportions: Mapping[str, float]
) -> np.ndarray:
    """Return the proportion of each bundle (nb_bundles,); zero for those left out.

    Raises ValueError if there is none, a bundle is unknown, or a proportion is no
    positive number.
    """
    if not proportions:
        raise ValueError("The proportions are empty: name one bundle or more.")
    found = np.zeros(len(bundle.categories))
    for name, proportion in proportions.items():
        if not (math.isfinite(proportion) and proportion > 0):
            raise ValueError(
                f"The proportion of {name} is {proportion}: give a positive number, "
                "or leave the bundle out."
            )
        found[bundle.code(name)] = proportion
    return found
