"""What becomes of computed streamlines that leave the grid of their file."""

from __future__ import annotations

import logging

logger = logging.getLogger("dipy_tractogen")


def kept_in_box(points, reference, rule: str, what: str):
    """Find the computed streamlines that are written.

    Parameters
    ----------
    points : ndarray of shape (n, k, nb_points, 3)
        Points in mm of n groups of k streamlines, which are written together.
    reference : Reference
        Grid of the file; a placeholder has no box.
    rule : str
        As ``outside_box`` has it: groups that leave the box are dropped, kept or an
        error.
    what : str
        What a group is, in the plural.

    Returns
    -------
    ndarray of shape (n,), bool
        Which groups are written; a warning says how many are not.

    Raises
    ------
    ValueError
        If a group leaves the box where that is an error, or all do.
    """
    import numpy as np

    n, k = points.shape[:2]
    if rule == "keep" or reference.is_placeholder:
        return np.ones(n, dtype=bool)
    inside = reference.contains(points.reshape(n * k, *points.shape[2:]))
    kept = inside.reshape(n, k).all(axis=1)
    nb_outside = n - int(kept.sum())
    said = f"{nb_outside} of {n} {what} leave the bounding box of the grid"
    if nb_outside and (rule == "error" or nb_outside == n):
        raise ValueError(
            f"{said}: give the grid of a larger image as --reference, or keep them "
            "with --outside_box keep."
        )
    if nb_outside:
        logger.warning("%s and are left out", said)
    return kept
