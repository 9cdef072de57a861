"""Length, curvature and tortuosity: whether streamlines wiggle as real ones do."""

from __future__ import annotations

import numpy as np
from scipy.stats import wasserstein_distance

from dipy_tractogen.streamlines.geometry import (
    lengths,
    mean_curvature,
    resample,
    tortuosity,
)

ATTRIBUTES = ("length", "curvature", "tortuosity")
"""The attributes compared: mm, 1/mm, and no unit."""

NB_POINTS = 100
"""Number of points on which attributes are measured, by default."""


def texture(streamlines, *, nb_points: int = NB_POINTS) -> dict[str, np.ndarray]:
    """Measure length, mean curvature and tortuosity of each streamline.

    Parameters
    ----------
    streamlines : ArraySequence or ndarray of shape (n, p, 3)
        Points in mm.
    nb_points : int, optional
        Points at equal arc length on which to measure: the curvature of unequally
        spaced points means nothing, and that of another number of points is another.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``length`` in mm, ``curvature`` in 1/mm and ``tortuosity``, the length over the
        distance between the ends.

    Raises
    ------
    ValueError
        If `nb_points` is below three.
    """
    if nb_points < 3:
        raise ValueError(f"nb_points={nb_points}: curvature needs three or more.")
    points = resample(streamlines, nb_points)
    return {
        "length": lengths(points),
        "curvature": mean_curvature(points),
        "tortuosity": tortuosity(points),
    }


def texture_distances(
    candidates: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> dict[str, float]:
    """Compare the distributions of attributes of two sets of streamlines.

    Parameters
    ----------
    candidates : dict of str to ndarray of shape (n,)
        Attributes of generated streamlines, from `texture`.
    reference : dict of str to ndarray of shape (m,)
        Attributes of real streamlines.

    Returns
    -------
    dict of str to float
        For each attribute ``<name>_w1``, the Wasserstein-1 distance in the unit of the
        attribute.

    Raises
    ------
    ValueError
        If a set is empty.
    """
    if not len(candidates["length"]) or not len(reference["length"]):
        raise ValueError("Distributions cannot be compared without any streamline.")
    return {
        f"{name}_w1": float(wasserstein_distance(candidates[name], reference[name]))
        for name in ATTRIBUTES
    }


def texture_means(attributes: dict[str, np.ndarray]) -> dict[str, float]:
    """Average the attributes of a set of streamlines.

    Parameters
    ----------
    attributes : dict of str to ndarray of shape (n,)
        From `texture`, of at least one streamline.

    Returns
    -------
    dict of str to float
        For each attribute ``mean_<name>``, in its unit.
    """
    return {f"mean_{name}": float(attributes[name].mean()) for name in ATTRIBUTES}
