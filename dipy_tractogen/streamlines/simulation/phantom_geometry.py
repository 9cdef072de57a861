"""Centrelines of the FiberCup-like phantom and the frames that follow them.

The physical phantom has seven bundles in one plane :footcite:p:`Poupon2008`,
:footcite:p:`Fillard2011`, with the revised truth of :footcite:t:`Cote2013`. No file of
its centrelines was published: the waypoints below were traced from the published truth
and are right to about a voxel of 3 mm.

References
----------
.. footbibliography::
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .parameters import MAX_THICKNESS

VOXEL_SIZE = 3.0
DIMENSIONS = (64, 64, 3)

# Traced in mm, x to the right and y up, from the corner of the volume.
WAYPOINTS = {
    "bundle_1": [
        (68, 143), (68, 135), (71, 127), (76, 120), (82, 115), (91, 113),
        (99, 116), (106, 120), (111, 127), (113, 136), (113, 144),
    ],
    "bundle_2": [
        (49, 129), (54, 116), (61, 98), (65, 86), (70, 73), (76, 63),
        (84, 57), (92, 48), (102, 38), (116, 25),
    ],
    "bundle_3": [(38, 115), (141, 115)],
    "bundle_4": [
        (32, 68), (53, 68), (58, 66), (60, 61), (59, 56), (56, 52), (52, 51), (38, 51),
    ],
    "bundle_5": [
        (152, 67), (115, 67), (110, 66), (105, 61), (92, 48), (68, 24),
    ],
    "bundle_6": [(146, 103), (108, 65), (92, 48), (68, 24)],
    "bundle_7": [
        (131, 131), (125, 116), (119, 95), (113, 78),
        (108, 66), (104, 60), (92, 48), (68, 24),
    ],
}  # fmt: skip
BUNDLE_NAMES = tuple(WAYPOINTS)

_STEP = 0.1
# Rounds the jumps of curvature that a shape-preserving cubic leaves at the waypoints;
# it moves the centrelines by less than 0.7 mm.
_SMOOTHING = 3.0
# Smallest radius of curvature left on the inside of a bend, and how far from the bend
# the bundle begins to narrow for it.
_INNER_RADIUS = 3.0
_APPROACH = 5.0
# Wider at the two ends than in the middle, as a share of the radius.
_FANNING = 0.15


@dataclass(frozen=True)
class Centreline:
    """Centreline of a bundle sampled at equal arc length, with its moving frame.

    `positions` (m,) are arc lengths over the whole `length` in mm; `xy` (m, 2) points
    in mm; `angles` (m,) the directions of the tangent, in radians, without jumps.
    `narrowing` (2, m) is one over the width to the left and to the right of the line
    up to the centre of curvature, in 1/mm.
    """

    positions: np.ndarray
    xy: np.ndarray
    angles: np.ndarray
    narrowing: np.ndarray
    length: float


@lru_cache(maxsize=len(WAYPOINTS))
def centreline(name: str) -> Centreline:
    """Return points every 0.1 mm along a bundle of the phantom, and their frames."""
    if name not in WAYPOINTS:
        raise ValueError(
            f"{name}: the phantom's bundles are {', '.join(BUNDLE_NAMES)}."
        )
    waypoints = np.array(WAYPOINTS[name], dtype=float)
    chords = _arc_length(waypoints)
    curve = PchipInterpolator(chords, waypoints)
    xy = _equal_steps(curve(np.linspace(0, chords[-1], 20 * int(chords[-1]))))
    margin = int(4 * _SMOOTHING / _STEP)
    # Odd reflection keeps the two end points where they are.
    padding = ((margin, margin), (0, 0))
    padded = np.pad(xy, padding, mode="reflect", reflect_type="odd")
    xy = gaussian_filter1d(padded, _SMOOTHING / _STEP, axis=0)[margin:-margin]
    xy = _equal_steps(xy)
    length = _arc_length(xy)[-1]
    positions = np.linspace(0, 1, len(xy))
    tangents = np.gradient(xy, axis=0)
    angles = np.unwrap(np.arctan2(tangents[:, 1], tangents[:, 0]))
    curvatures = np.gradient(angles, length / (len(xy) - 1))
    narrowing = np.stack([_narrowing(curvatures), _narrowing(-curvatures)])
    for values in (positions, xy, angles, narrowing):
        values.flags.writeable = False
    return Centreline(positions, xy, angles, narrowing, float(length))


def place_points(
    name: str,
    positions: np.ndarray,
    across: np.ndarray,
    through: np.ndarray,
    *,
    radius: float,
    thickness: float,
) -> np.ndarray:
    """Return points (..., 3) in mm of a bundle's cross-section.

    `positions` along the centreline are from 0 to 1; `across`, in the plane to the
    left, and `through`, out of it, are shares from -1 to 1 of the half widths. On the
    inside of a bend the cross-section is squeezed, smoothly, so that no offset reaches
    the centre of curvature: beyond it a streamline would loop.
    """
    line = centreline(name)
    x, y, angles, left, right = (
        np.interp(positions, line.positions, values)
        for values in (*line.xy.T, line.angles, *line.narrowing)
    )
    offsets = across * radius * (1 + _FANNING * (2 * positions - 1) ** 2)
    narrowing = np.where(offsets > 0, left, right)
    offsets = -np.sign(offsets) * np.expm1(-np.abs(offsets) * narrowing) / narrowing
    z = MAX_THICKNESS / 2 + through * thickness / 2
    x, y = x - offsets * np.sin(angles), y + offsets * np.cos(angles)
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def _narrowing(curvatures: np.ndarray) -> np.ndarray:
    """Return the narrowing on the side of positive curvature, in 1/mm."""
    reach = round(_APPROACH / _STEP)
    bends = maximum_filter1d(np.maximum(curvatures, 0), 2 * reach + 1, mode="nearest")
    bends = gaussian_filter1d(bends, reach, mode="nearest")
    # The floor stands for a straight line: width without limit.
    return np.maximum(bends / (1 - _INNER_RADIUS * bends), 1e-6)


def _arc_length(points: np.ndarray) -> np.ndarray:
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _equal_steps(points: np.ndarray) -> np.ndarray:
    along = _arc_length(points)
    targets = np.linspace(0, along[-1], round(along[-1] / _STEP) + 1)
    return np.stack([np.interp(targets, along, axis) for axis in points.T], axis=-1)
