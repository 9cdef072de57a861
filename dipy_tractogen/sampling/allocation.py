"""How many streamlines of what."""

from __future__ import annotations

from collections.abc import Mapping
import math

import numpy as np

from dipy_tractogen.streamlines.conditions import Condition


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


def bundle_proportions(
    bundle: Condition, proportions: Mapping[str, float]
) -> np.ndarray:
    """Read the proportions in which bundles are asked for.

    Parameters
    ----------
    bundle : Condition
        Knows the bundles.
    proportions : mapping of str to float
        Share of each bundle by its name, positive numbers of any sum.

    Returns
    -------
    ndarray of shape (nb_bundles,)
        Share of each bundle; zero for those that are left out.

    Raises
    ------
    ValueError
        If there is none, a bundle is unknown, or a share is no positive number.
    """
    if not proportions:
        raise ValueError("The proportions are empty: name one bundle or more.")
    shares = np.zeros(len(bundle.categories))
    for name, share_of_it in proportions.items():
        if not (math.isfinite(share_of_it) and share_of_it > 0):
            raise ValueError(
                f"The proportion of {name} is {share_of_it}: give a positive number, "
                "or leave the bundle out."
            )
        shares[bundle.code(name)] = share_of_it
    return shares
