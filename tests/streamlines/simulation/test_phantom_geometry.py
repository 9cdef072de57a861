import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.streamlines.simulation.phantom_geometry import (
    BUNDLE_NAMES,
    WAYPOINTS,
    centreline,
    place_points,
)


@pytest.mark.parametrize("name", BUNDLE_NAMES)
def test_centreline_passes_the_waypoints(name):
    line = centreline(name)
    gaps = np.linalg.norm(line.xy[:, np.newaxis] - WAYPOINTS[name], axis=-1)
    assert gaps.min(axis=0).max() < 0.75
    assert_allclose(line.xy[[0, -1]], np.array(WAYPOINTS[name])[[0, -1]], atol=1e-6)
    steps = np.linalg.norm(np.diff(line.xy, axis=0), axis=1)
    assert_allclose(steps, line.length / (len(line.xy) - 1), rtol=1e-3)


def test_straight_bundle_is_straight():
    assert_allclose(centreline("bundle_3").xy[:, 1], 115)


@pytest.mark.parametrize("name", BUNDLE_NAMES)
@pytest.mark.parametrize("radius", [6.5, 15])
def test_no_offset_passes_the_centre_of_a_bend(name, radius):
    line = centreline(name)
    positions = np.linspace(0, 1, 300)[:, np.newaxis]
    across = np.linspace(-1, 1, 21)
    points = place_points(name, positions, across, 0.0, radius=radius, thickness=9)
    angles = np.interp(positions[:-1], line.positions, line.angles)
    moves = np.diff(points, axis=0)
    forward = moves[..., 0] * np.cos(angles) + moves[..., 1] * np.sin(angles)
    assert forward.min() > 0.3 * line.length / 299
    # Neighbours across the bundle keep their order: no two paths cross.
    sideways = np.diff(points, axis=1)
    angles = np.interp(positions, line.positions, line.angles)
    leftward = sideways[..., 1] * np.cos(angles) - sideways[..., 0] * np.sin(angles)
    assert leftward.min() > 0


def test_unknown_bundle_is_named():
    with pytest.raises(ValueError, match=r"bundle_8.*bundle_1, bundle_2"):
        centreline("bundle_8")
