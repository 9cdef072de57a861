import numpy as np
import pytest

from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.workflows.steps.box import kept_in_box

GRID = Reference(np.eye(4), (10, 10, 10))


def points(*places):
    """Groups of two streamlines of three points, the second one at a place."""
    inside = np.full((len(places), 1, 3, 3), 5.0)
    others = np.full((len(places), 1, 3, 3), 5.0)
    others[:, 0, 1, 0] = places
    return np.concatenate([inside, others], axis=1)


def test_groups_that_leave_the_box_are_left_out_and_said(caplog):
    kept = kept_in_box(points(4, 12, 9.4, -0.6), GRID, "drop", "pairs")
    assert kept.tolist() == [True, False, True, False]
    assert caplog.messages == [
        "2 of 4 pairs leave the bounding box of the grid and are left out"
    ]
    caplog.clear()
    assert kept_in_box(points(4, 5), GRID, "error", "pairs").all()
    assert kept_in_box(points(4, 50), GRID, "keep", "pairs").all()
    nowhere = Reference(np.eye(4), (1, 1, 1))
    assert kept_in_box(points(4, 50), nowhere, "error", "pairs").all()
    assert not caplog.messages


@pytest.mark.parametrize(("rule", "places"), [("error", (4, 50)), ("drop", (50, -3))])
def test_none_may_leave_it_or_not_all(rule, places):
    with pytest.raises(ValueError, match=r"of 2 pairs leave .* --outside_box keep\.$"):
        kept_in_box(points(*places), GRID, rule, "pairs")
