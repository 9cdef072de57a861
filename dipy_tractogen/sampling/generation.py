"""From a density of latents to streamlines, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from .asked import Asked

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
    density,
    decode: Callable[[np.ndarray, np.ndarray, np.ndarray, tuple], np.ndarray],
    counts: np.ndarray,
    asked: Asked,
    *,
    seed: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray]]]:
    """Draw latents and decode them, a batch at a time.

    Parameters
    ----------
    density : ConditionalDensity
        Density of the latents and conditions.
    decode : callable
        Latents (m, d), codes of the categories (m, c), standardised numbers (m, k) and
        a seed to points (m, nb_points, 3) in mm.
    counts : sequence of int
        Streamlines of each of the density's combinations of categories.
    asked : Asked
        What is asked of the numbers.
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
    conditions = density.conditions
    others = [one.name for one in conditions.categorical[1:]]
    for cell, count in enumerate(counts):
        for start in range(0, int(count), _BATCH):
            size = min(_BATCH, int(count) - start)
            stream = (seed, cell, start)
            numbers, z = density.sample(size, cell, asked, stream)
            codes = np.repeat(density.cells[cell][None], size, axis=0)
            points = decode(z, codes, numbers, stream)
            values = dict(zip(others, codes[:, 1:].T))
            yield points, codes[:, 0], {**values, **conditions.restored(numbers)}
