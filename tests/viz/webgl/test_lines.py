import numpy as np
import pytest

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.viz import Panel
from dipy_tractogen.viz.webgl import lines, make_scene


def split_at_gaps(points):
    gaps = np.flatnonzero(np.isnan(points[:, 0]))
    return [part[~np.isnan(part[:, 0])] for part in np.split(points, gaps)]


def distance_to_line(points, line):
    """Give the distance of each point to the nearest of the segments of a line."""
    starts, steps = line[:-1], np.diff(line, axis=0)
    lengths = np.maximum((steps**2).sum(axis=1), 1e-12)
    share = ((points[:, None] - starts) * steps).sum(axis=2) / lengths
    nearest = starts + np.clip(share, 0, 1)[..., None] * steps
    return np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)


def test_lines_have_few_points_and_the_same_course(phantom):
    scene = make_scene([Panel("real", phantom)])
    assert [line.bundle for line in scene.polylines] == list(phantom.bundle_names)
    for code, line in enumerate(scene.polylines):
        parts = split_at_gaps(line.points)
        originals = phantom.streamlines[phantom.labels == code]
        assert len(parts) == len(originals)
        for part, original in zip(parts, originals):
            assert len(part) < len(original) / 2
            assert distance_to_line(original, part).max() < 0.3


def test_many_points_are_thinned_more(phantom, monkeypatch):
    def size():
        made = make_scene([Panel("real", phantom)]).polylines
        return sum((~np.isnan(line.points[:, 0])).sum() for line in made)

    fewer = 0.95 * size()
    monkeypatch.setattr(lines, "_MOST_POINTS", fewer)
    assert size() <= fewer


def test_streamlines_are_chosen_by_bundle_and_seed():
    many = simulate_fibercup(30, seed=0)
    panels = [Panel("a", many), Panel("b", many)]
    scene = make_scene(panels, max_streamlines=70, seed=1)
    assert scene.counts == [(70, 210), (70, 210)]
    sizes = [len(split_at_gaps(line.points)) for line in scene.polylines]
    assert sizes == 14 * [10]
    again, other = (make_scene(panels, max_streamlines=70, seed=s) for s in (1, 2))
    first = scene.polylines[0].points
    np.testing.assert_array_equal(again.polylines[0].points, first)
    assert not np.array_equal(other.polylines[0].points, first)
    assert make_scene(panels).counts == [(210, 210), (210, 210)]


def test_all_panels_share_what_is_drawn_by_default(monkeypatch, phantom):
    monkeypatch.setattr(lines, "MAX_STREAMLINES", 28)
    scene = make_scene([Panel("a", phantom), Panel("b", phantom)])
    assert [shown for shown, _ in scene.counts] == [14, 14]


def test_colours_tell_direction_and_numbers():
    straight = [[[0, 0, 0], [9, 0, 0]], [[0, 0, 0], [0, 0, -9]]]
    panel = Panel("a", np.float32(straight), numbers={"age": np.array([0.0, 60.0])})
    scene = make_scene([panel], color_by="age")
    assert list(scene.colourings) == ["bundle", "direction", "age", "length"]
    (line,) = scene.polylines
    gap = np.isnan(line.points[:, 0])
    assert gap.tolist() == [False, False, True, False, False]
    _, direction, age, _ = (colours[~gap].tolist() for colours in line.colours)
    assert direction == [0xFF0000, 0xFF0000, 0x0000FF, 0x0000FF]
    young, old = age[0], age[-1]
    assert age == [young, young, old, old]
    # The map goes from dark violet to yellow.
    assert young & 0xFF > young >> 16
    assert old >> 16 > 0xC0 > old & 0xFF


def test_numbers_of_points_are_seen_in_straight_parts(grid_of_lines):
    scene = make_scene([grid_of_lines], color_by="FA")
    assert list(scene.colourings) == ["bundle", "direction", "FA", "length", "weight"]
    (line,) = scene.polylines
    gap = np.isnan(line.points[:, 0])
    first = np.flatnonzero(gap)[0]
    # From violet in the middle to yellow at the ends.
    red = line.colours[2][:first] >> 16
    assert first >= 28
    assert red[0] == red[-1] > 0xC0
    middle = red[first // 2]
    assert middle < 0x60
    assert (np.diff(red[: first // 2].astype(int)) <= 0x20).all()


def test_large_scenes_have_fewer_of_them(grid_of_lines, monkeypatch):
    monkeypatch.setattr(lines, "_MOST_POINTS", 60)
    (line,) = make_scene([grid_of_lines]).polylines
    assert 20 <= np.isfinite(line.points[:, 0]).sum() <= 60


@pytest.fixture
def grid_of_lines():
    """Return straight lines of 40 mm whose FA is least in their middle."""
    x = np.linspace(0, 40, 81)
    points = np.zeros((5, 81, 3), dtype=np.float32)
    points[..., 0], points[..., 1] = x, np.arange(5)[:, None]
    fa = np.tile(np.abs(x - 20) / 20, 5)
    return BundleSet(
        points,
        np.zeros(5, int),
        ("a",),
        Reference.covering(points),
        data_per_streamline={"weight": np.arange(5.0)},
        data_per_point={"FA": fa, "t": np.ones((405, 9)), "same": np.ones(405)},
    )


def test_numbers_of_a_file_and_of_conditions_are_offered(phantom):
    bundles = phantom.select(np.arange(len(phantom)))
    bundles.values = {"age": np.arange(84.0), "group": np.full(84, "a")}
    bundles.data_per_streamline = {
        "error_mm": np.linspace(0, 1, 84)[:, None],
        "same": np.ones((84, 1)),
        "pair": np.ones((84, 2)),
        "unknown": np.full((84, 1), np.nan),
        "text": np.full((84, 1), "a"),
    }
    scene = make_scene([bundles])
    assert list(scene.colourings)[2:] == ["length", "age", "error_mm"]
    assert scene.colourings["error_mm"].limits[0] == 0
    names = [key.value_name for key in scene.colourings.values()]
    assert names[2:] == ["length (mm)", "age", "error (mm)"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"color_by": "age"},
            "color_by='age': accepted are bundle, direction, length.",
        ),
        ({"view": "up"}, "view='up'"),
        ({"max_streamlines": 0}, "max_streamlines=0: give 1 or more"),
    ],
)
def test_wrong_arguments(phantom, options, said):
    with pytest.raises(ValueError, match=said):
        make_scene([Panel("a", phantom)], **options)


def test_no_panel():
    with pytest.raises(ValueError, match="there is no panel to show"):
        make_scene([])
