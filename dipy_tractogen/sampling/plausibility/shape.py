"""Criteria of the shape of streamlines: length, winding, curvature."""

from __future__ import annotations

import math

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.geometry import arc_lengths, resample_by_step

STEP_MM = 5.0
"""Step of the curvature in mm: on shorter ones, streamlines wiggle from tracking."""


class LengthRange:
    """Accept streamlines whose length is in a range.

    Parameters
    ----------
    low, high : float, optional
        Smallest and largest length in mm.

    Raises
    ------
    ValueError
        If the range holds no positive length.
    """

    name = "length"
    every_point = True

    def __init__(self, low: float = 0.0, high: float = math.inf):
        if not (0 <= low <= high and high > 0):
            raise ValueError(
                f"Lengths from {low} to {high} mm: give a range of positive numbers, "
                "the smaller one first."
            )
        self.low, self.high = low, high

    def accepts(self, points: np.ndarray | ArraySequence) -> np.ndarray:
        """Return which streamlines have such a length; see `Criterion.accepts`."""
        found = arc_lengths(points)
        return (found >= self.low) & (found <= self.high)


class LargestWinding:
    """Accept streamlines that do not turn too far.

    Parameters
    ----------
    degrees : float
        Largest total angle about the centroid, see `winding`; 360 rejects loops.

    Raises
    ------
    ValueError
        If the angle is not positive.
    """

    name = "winding"

    def __init__(self, degrees: float):
        if not degrees > 0:
            raise ValueError(f"A winding of {degrees} degrees: give more than 0.")
        self.degrees = degrees

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines turn by no more; see `Criterion.accepts`."""
        return winding(points) <= self.degrees


class SmallestRadius:
    """Accept streamlines that have no sharp bend.

    Parameters
    ----------
    radius_mm : float
        Smallest radius of curvature in mm.
    step_mm : float, optional
        Length in mm of the steps between which the curvature is measured.

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


def winding(points: np.ndarray) -> np.ndarray:
    """Compute the winding of streamlines (m, nb_points, 3), in degrees.

    This is :func:`dipy.tracking.metrics.winding` for many streamlines at once: the sum
    of the angles between neighbouring points as seen from the centroid, in the plane
    that fits best. It is about 180 for a straight streamline and 360 for a closed loop.
    """
    # Products of matrices: sums along an axis that is not the last are slow.
    weights = np.full((1, points.shape[1]), 1 / points.shape[1], np.float32)
    centred = points - np.matmul(weights, points)
    spread = np.matmul(centred.transpose(0, 2, 1), centred).astype(float)
    # Eigenvalues ascend: the last two vectors span the plane.
    plane = np.linalg.eigh(spread)[1][:, :, 1:].astype(centred.dtype)
    x, y = np.moveaxis(centred @ plane, 2, 0)
    sine = x[:, :-1] * y[:, 1:] - y[:, :-1] * x[:, 1:]
    cosine = x[:, :-1] * x[:, 1:] + y[:, :-1] * y[:, 1:]
    return np.degrees(np.abs(np.arctan2(sine, cosine)).sum(axis=1, dtype=float))


def smallest_radii(points: np.ndarray, step_mm: float = STEP_MM) -> np.ndarray:
    """Compute the smallest radius of curvature of streamlines (m, nb_points, 3), in mm.

    Streamlines are resampled to equal steps first, so the number of points does not
    matter. The radius at a point is the step over the angle between the two steps that
    meet there. It is infinite for streamlines that are straight or have one step only.
    """
    resampled = resample_by_step(points, step_mm)
    starts, counts = resampled._offsets, resampled._lengths
    steps = np.diff(resampled._data, axis=0)
    sizes = np.linalg.norm(steps, axis=1)
    before, after = steps[:-1], steps[1:]
    sine = np.linalg.norm(np.cross(before, after), axis=1)
    cosine = np.einsum("pk,pk->p", before, after)
    # One number a point; zero at the ends, where two streamlines meet in the array.
    curvature = np.zeros(len(sizes) + 1)
    curvature[1:-1] = np.arctan2(sine, cosine)
    spacing = np.maximum((sizes[:-1] + sizes[1:]) / 2, np.finfo(np.float32).tiny)
    curvature[1:-1] /= spacing
    curvature[starts] = 0
    curvature[starts + counts - 1] = 0
    with np.errstate(divide="ignore"):
        return 1 / np.maximum.reduceat(curvature, starts)
