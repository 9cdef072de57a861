"""Streamlines and their reconstructions, told to belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dipy_tractogen.streamlines.geometry import resample

from .panels import Panel

# How well the distance between two must be the error that one of them carries.
_TOLERANCE, _TOLERANCE_MM = 0.05, 0.02


def with_errors_of(original: Panel, reconstructed: Panel) -> Panel | None:
    """Give streamlines the error of their reconstructions, if these are theirs.

    Parameters
    ----------
    original : Panel
        Streamlines without values.
    reconstructed : Panel
        Streamlines whose values are the mean distance in mm to what they were made of.

    Returns
    -------
    Panel or None
        The streamlines with the values; None where the two have not as many, or the
        distances are not those.
    """
    errors = reconstructed.values
    if errors is None or len(original.streamlines) != len(reconstructed.streamlines):
        return None
    sizes = np.unique(reconstructed.streamlines._lengths)
    if len(sizes) != 1 or not np.isfinite(errors).all():
        return None
    # As they were decoded, which is not at equal distances.
    made = reconstructed.points().reshape(len(errors), sizes[0], 3)
    given = resample(original.streamlines, int(sizes[0]))
    off = np.abs(np.linalg.norm(made - given, axis=-1).mean(axis=1) - errors)
    allowed = _TOLERANCE_MM + _TOLERANCE * errors
    if np.mean(off <= allowed) < 0.95:
        return None
    return replace(original, values=errors)
