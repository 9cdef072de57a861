"""Plausible by curvature."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import resample_by_step

STEP_MM = 5.0
"""Step of the curvature: tracking makes streamlines wiggle on shorter ones."""


def smallest_radii(points: np.ndarray, step_mm: float = STEP_MM) -> np.ndarray:
    """Smallest radius of curvature of each streamline.

    Streamlines are resampled to equal steps, so that the number of points does not
    matter; the radius at a point is the step over the angle between the two that meet
    there.

    Parameters
    ----------
    points : ndarray of shape (m, nb_points, 3)
        Points in mm.
    step_mm : float, optional
        Length of a step, in mm.

    Returns
    -------
    ndarray of shape (m,), float64
        Radii in mm; infinite for a straight streamline, and for one that is too short
        for two steps.
    """
    steps_of = resample_by_step(points, step_mm)
    starts, counts = steps_of._offsets, steps_of._lengths
    steps = np.diff(steps_of._data, axis=0)
    sizes = np.linalg.norm(steps, axis=1)
    before, after = steps[:-1], steps[1:]
    sine = np.linalg.norm(np.cross(before, after), axis=1)
    cosine = np.einsum("pk,pk->p", before, after)
    # At each point; at the ends, where two streamlines meet, there is no angle.
    curvature = np.zeros(len(sizes) + 1)
    curvature[1:-1] = np.arctan2(sine, cosine)
    spacing = np.maximum((sizes[:-1] + sizes[1:]) / 2, np.finfo(np.float32).tiny)
    curvature[1:-1] /= spacing
    curvature[starts] = 0
    curvature[starts + counts - 1] = 0
    with np.errstate(divide="ignore"):
        return 1 / np.maximum.reduceat(curvature, starts)


class SmallestRadius:
    """Accepts streamlines that bend nowhere too sharply.

    Parameters
    ----------
    radius_mm : float
        Smallest radius of curvature in mm.
    step_mm : float, optional
        Length in mm of the steps between which bends are measured.

    Raises
    ------
    ValueError
        If one of them is not positive.
    """

    name = "curvature"

    def __init__(self, radius_mm: float, step_mm: float = STEP_MM):
        if not (radius_mm > 0 and step_mm > 0):
            raise ValueError(
                f"A radius of {radius_mm} mm over steps of {step_mm} mm: give more "
                "than 0 for both."
            )
        self.radius_mm, self.step_mm = radius_mm, step_mm

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines have no smaller radius; see `Criterion.accepts`."""
        return smallest_radii(points, self.step_mm) >= self.radius_mm
