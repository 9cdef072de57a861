import numpy as np
import pytest

from dipy_tractogen.metrics.traversal import Traversal

LINE = np.linspace((0, 0, 0), (0, 0, 40), 9)


def test_steps_are_measured():
    """Two streamlines that move by 3 mm a step, and get longer."""
    steps = np.arange(3)
    moved = LINE * (1 + 0.5 * steps[:, None, None])
    moved[..., 0] += 3 * steps[:, None]
    points = np.stack([moved, moved + 1])
    traversal = Traversal("z2", steps, 2.0 * steps, points, points[:, 0])
    along = 20 * 0.5
    expected = [0, np.mean(np.hypot(3, 0.5 * LINE[:, 2])), None]
    assert traversal.displacement[:2] == pytest.approx(expected[:2])
    assert traversal.displacement[2] > 2 * along
    assert traversal.reach == pytest.approx(traversal.displacement[2] / 2)
    names, places, z, lengths, curvatures, displacements = zip(*traversal.rows())
    assert names == ("z2",) * 3
    assert places == (0, 1, 2)
    assert z == (0, 2, 4)
    assert lengths == pytest.approx((40, 60, 80))
    assert curvatures == pytest.approx((0, 0, 0), abs=1e-6)
    assert displacements == tuple(traversal.displacement)


def test_what_has_no_latent_leaves_it_empty():
    points = np.stack([LINE, LINE + 1])[None]
    traversal = Traversal("length", np.array([40.0, 41]), None, points, points[:, 0])
    assert [row[2] for row in traversal.rows()] == ["", ""]
