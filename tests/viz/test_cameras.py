import numpy as np
import pytest

from dipy_tractogen.viz.cameras import (
    ALL_VIEWS,
    VIEWS,
    choose_views,
    frame_pair,
    frame_points,
)


def box(x, y, z, centre=(0, 0, 0)):
    corners = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), axis=-1).reshape(-1, 3)
    return corners * np.array([x, y, z]) / 2 + np.asarray(centre)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("left", "APSI"),
        ("right", "PASI"),
        ("front", "RLSI"),
        ("back", "LRSI"),
        ("top", "LRAP"),
        ("bottom", "RLAP"),
    ],
)
def test_letters_at_the_edges(name, letters):
    found = VIEWS[name].letters
    assert (
        "".join(found[side] for side in ("left", "right", "top", "bottom")) == letters
    )


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_axes_are_right_handed(view):
    np.testing.assert_allclose(np.linalg.det(view.axes), 1)


@pytest.mark.parametrize(
    ("points", "name"),
    [
        (box(10, 80, 100, (-30, 0, 0)), "left"),
        (box(10, 80, 100, (30, 0, 0)), "right"),
        (box(90, 20, 100), "back"),
        (box(90, 100, 20), "top"),
        # As wide as high, but from front to back in a hemisphere.
        (box(30, 100, 25, (30, 0, 0)), "right"),
    ],
)
def test_auto_shows_the_widest_axes(points, name):
    assert [view.name for view in choose_views(["auto"], points)] == [name]


def test_left_and_right_bundles_are_framed_alike():
    left, right = box(30, 100, 40, (-40, 0, 0)), box(20, 80, 50, (40, 5, 0))
    frames = frame_pair([left, right], "auto")
    assert [frame.view.name for frame in frames] == ["left", "right"]
    assert len({(frame.width, frame.height) for frame in frames}) == 1
    (alone,) = frame_pair([right], "auto")
    assert alone.view.name == "right"
    assert alone.width < frames[1].width
    frames = frame_pair([left, right], "left", [box(150, 150, 150)])
    assert [frame.view.name for frame in frames] == ["left", "left"]
    assert frames[0].width > 150


def test_views_come_once_in_the_order_given():
    views = choose_views(["top", "all", "front"], box(1, 2, 3))
    assert [view.name for view in views] == ["top", "left", "back", "front"]
    assert set(ALL_VIEWS) <= set(VIEWS)


@pytest.mark.parametrize("names", [["above"], []])
def test_unknown_view_names_those_accepted(names):
    with pytest.raises(ValueError, match="accepted are auto, all, left"):
        choose_views(names, box(1, 2, 3))


def test_frame_holds_the_points_and_little_more():
    points = box(40, 80, 20, centre=(5, -10, 3))
    frame = frame_points(points, VIEWS["left"])
    assert frame.centre == pytest.approx((5, -10, 3))
    assert 80 < frame.width < 90
    assert 20 < frame.height < 24


def test_a_stray_point_does_not_shrink_the_rest():
    points = np.concatenate([np.random.default_rng(0).normal(size=(5000, 3))] * 2)
    stray = np.concatenate([points, [[1e4, 1e4, 1e4]]])
    assert frame_points(stray, VIEWS["top"]).width < 14


def test_the_tip_of_a_bundle_is_inside():
    points = np.zeros((10000, 3))
    points[:, 0] = np.linspace(0, 100, 10000)
    points[0] = -10, 0, 0
    frame = frame_points(points, VIEWS["top"])
    assert frame.centre[0] - frame.width / 2 < -10


def test_one_place_has_a_frame():
    frame = frame_points(np.zeros((4, 3)), VIEWS["top"])
    assert frame.centre == (0, 0, 0)
    assert frame.width == frame.height == pytest.approx(1.1)
