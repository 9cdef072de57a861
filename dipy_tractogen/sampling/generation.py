"""How many streamlines of what, and a batch of them after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions

_BATCH = 4096


def share(nb_streamlines: int, weights: np.ndarray) -> np.ndarray:
    """Share a number of streamlines.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines in all.
    weights : ndarray of shape (m,)
        Weight of each share, not all zero.

    Returns
    -------
    ndarray of shape (m,), int64
        Numbers that add up to `nb_streamlines`.

    Raises
    ------
    ValueError
        If the number is not positive.
    """
    if nb_streamlines < 1:
        raise ValueError(f"nb_streamlines={nb_streamlines}: give 1 or more.")
    # Largest remainders: shares differ from the exact ones by less than one.
    exact = nb_streamlines * weights / weights.sum()
    shares = np.floor(exact).astype(np.int64)
    short = nb_streamlines - shares.sum()
    order = np.argsort(shares - exact, kind="stable")
    shares[order[:short]] += 1
    return shares


def balanced(weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Make weights the same for each group.

    Parameters
    ----------
    weights : ndarray of shape (m,)
        The weights.
    groups : ndarray of int, shape (m,)
        Group of each.

    Returns
    -------
    ndarray of shape (m,)
        Weights that add up to one in each group, or to zero as they did.
    """
    totals = np.bincount(groups, weights)[groups]
    return np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)


def generate_batches(
    conditions: Conditions,
    draw: Callable[[int, int, tuple], tuple[np.ndarray, np.ndarray, np.ndarray]],
    counts: np.ndarray,
    *,
    seed: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray]]]:
    """Draw streamlines a batch at a time, one combination of categories after another.

    Parameters
    ----------
    conditions : Conditions
        What is known of the streamlines.
    draw : callable
        For a number m, a combination and a seed gives points (m, nb_points, 3) in mm,
        codes of the categories (m, c) and standardised numbers (m, k).
    counts : sequence of int
        Streamlines of each combination of categories.
    seed : int
        Fixes the draw; every batch has a stream of its own.

    Yields
    ------
    points : ndarray of shape (m, nb_points, 3), float32
        Points in RASMM mm.
    labels : ndarray of shape (m,), int32
        Bundle of each.
    values : dict of str to ndarray of shape (m,)
        The conditions of each but its bundle: codes of categories, and numbers.
    """
    others = [one.name for one in conditions.categorical[1:]]
    for cell, count in enumerate(counts):
        for start in range(0, int(count), _BATCH):
            size = min(_BATCH, int(count) - start)
            points, codes, numbers = draw(size, cell, (seed, cell, start))
            values = dict(zip(others, codes[:, 1:].T))
            yield points, codes[:, 0], {**values, **conditions.restored(numbers)}
