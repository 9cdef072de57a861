"""What norms need to know of a bundle of one subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dipy_tractogen.streamlines.geometry import resample

from .shape import MEASURES, shape_measures

NB_NODES = 100
"""Nodes of a profile."""
FEWEST_STREAMLINES = 5
"""Streamlines without which a bundle of a subject is left out."""
SHAPE = "shape"
LATENT = "latent"
PROFILE = "profile"
KINDS = (PROFILE, SHAPE, LATENT)
"""What norms are of: a profile of each value, the shape, and the mean latents."""

_NB_POINTS = 32


@dataclass
class Summary:
    """Mean of a bundle of one subject.

    Attributes
    ----------
    mean : ndarray of shape (j,)
        Mean over streamlines; NaN where no streamline has a value.
    covariance : ndarray of shape (j, j)
        That of single streamlines.
    nb_streamlines : int
        Number of streamlines.
    """

    mean: np.ndarray
    covariance: np.ndarray
    nb_streamlines: int


def summarise(
    streamlines, profiles: Mapping[str, np.ndarray], latents: np.ndarray, seed: int = 0
) -> dict[tuple[str, str], Summary]:
    """Return what norms need to know of a bundle of one subject.

    Parameters
    ----------
    streamlines : ArraySequence
        The n streamlines of the bundle in one direction, in mm; `FEWEST_STREAMLINES` or
        more.
    profiles : mapping of str to ndarray of shape (n, j)
        Values along the streamlines by name, NaN where they are missing.
    latents : ndarray of shape (n, d)
        Means of their latents.
    seed : int, optional
        Seed of the bootstrap of measures of shape.

    Returns
    -------
    dict of (str, str) to Summary
        By one of `KINDS` and the name of the value. Where no node has the value in most
        streamlines, or fewer than two have it at all of these nodes, there is none.
    """
    found = {(PROFILE, name): _of_rows(each) for name, each in profiles.items()}
    points = resample(streamlines, _NB_POINTS)
    measures, covariance = shape_measures(points, seed)
    found[SHAPE, ""] = Summary(measures, covariance, len(points))
    found[LATENT, ""] = _of_rows(latents)
    return {key: each for key, each in found.items() if each is not None}


def _of_rows(rows: np.ndarray) -> Summary | None:
    """Return the summary of rows (n, j).

    The covariance is that of the nodes that most rows have, over rows that have them;
    other nodes have that of the nearest of these.
    """
    rows = rows.astype(float)
    known = np.isfinite(rows)
    counts = known.sum(axis=0)
    usual = np.flatnonzero(2 * counts > len(rows))
    whole = rows[known[:, usual].all(axis=1)][:, usual]
    if not len(usual) or len(whole) < 2:
        return None
    sums = np.where(known, rows, 0).sum(axis=0)
    mean = np.where(counts, sums / np.maximum(counts, 1), np.nan)
    covariance = np.atleast_2d(np.cov(whole.T))
    nearest = np.abs(np.subtract.outer(np.arange(len(counts)), usual)).argmin(axis=1)
    # As many streamlines as a node has in the mean.
    nb_streamlines = max(round(float(counts[counts > 0].mean())), 1)
    return Summary(mean, covariance[np.ix_(nearest, nearest)], nb_streamlines)


def names_of(kind: str, nb_values: int) -> list[str]:
    """Return names of the numbers of a summary: nodes from 0 on, or measures."""
    return list(MEASURES) if kind == SHAPE else [str(i) for i in range(nb_values)]
