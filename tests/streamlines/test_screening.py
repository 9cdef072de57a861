import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.screening import ScreeningReport, kept_in_box, screen

GRID = Reference(np.eye(4), (100, 100, 100))
BOX = Reference(np.eye(4), (10, 10, 10))


@pytest.fixture
def flawed():
    """Return a good streamline, one of each flaw, and another good one."""
    good = np.array([[10, 10, 10], [20, 10, 10], [30, 10, 10]])
    arrays = [
        good,
        np.array([[10, 10, 10], [np.nan, 10, 10]]),
        np.array([[10, 10, 10], [np.inf, 10, 10], [20, 10, 10]]),
        np.array([[np.nan, 10, 10]]),
        np.array([[10, 10, 10]]),
        np.empty((0, 3)),
        np.full((4, 3), 10),
        np.array([[10, 10, 10], [11, 10, 10]]),
        np.array([[10, 10, 10], [200, 10, 10]]),
        good + 1,
    ]
    points = np.concatenate(arrays).astype(np.float32)
    return as_sequence(points, [len(array) for array in arrays])


def test_each_flaw_is_dropped_and_counted_once(flawed):
    keep, report = screen(flawed, reference=GRID, min_length=5)
    assert np.flatnonzero(keep).tolist() == [0, 9]
    assert report.counts == {
        "non-finite points": 3,
        "one point": 2,
        "zero length": 1,
        "shorter than 5 mm": 1,
        "out of the bounding box": 1,
    }
    assert (report.total, report.kept) == (10, 2)
    assert report.summary() == (
        "kept 2 of 10 streamlines; dropped: 3 non-finite points, 2 one point, 1 zero "
        "length, 1 shorter than 5 mm, 1 out of the bounding box"
    )


def test_what_is_lacking_comes_after_flaws_and_before_the_box(flawed):
    lacking = {
        "without a value of age": np.arange(10) >= 7,
        "without a value of sex": np.arange(10) % 9 == 0,
    }
    keep, report = screen(
        flawed, reference=GRID, min_length=5, out_of_bounds="keep", lacking=lacking
    )
    assert not keep.any()
    assert report.counts == {
        "non-finite points": 3,
        "one point": 2,
        "zero length": 1,
        "shorter than 5 mm": 1,
        "without a value of age": 2,
        "without a value of sex": 1,
    }


def test_a_view_in_another_order(flawed):
    keep, _ = screen(flawed[[9, 4, 8, 0]], reference=GRID)
    assert keep.tolist() == [True, False, False, True]


def test_out_of_bounds_is_kept_where_asked_and_still_counted(flawed):
    keep, report = screen(flawed[[0, 8]], reference=GRID, out_of_bounds="keep")
    assert keep.all()
    assert report.noted == {"out of the bounding box": 1}
    assert report.dropped == {}
    assert "kept although: 1 out of the bounding box" in report.summary()


def test_out_of_bounds_is_refused_where_asked(flawed):
    with pytest.raises(ValueError, match="of 2 streamlines: 1 out of the bounding box"):
        screen(flawed[[0, 8]], reference=GRID, out_of_bounds="error")
    keep, _ = screen(flawed[[0, 9]], reference=GRID, out_of_bounds="error")
    assert keep.all()


def test_invalid_is_refused_where_asked(flawed):
    with pytest.raises(ValueError, match="3 non-finite points, 2 one point, 1 zero"):
        screen(flawed, reference=GRID, invalid="error")


@pytest.mark.parametrize("reference", [None, Reference(np.eye(4), (1, 1, 1))])
def test_without_a_real_grid_nothing_is_out_of_bounds(flawed, reference):
    keep, report = screen(flawed[[0, 8]], reference=reference)
    assert keep.all()
    assert report.counts == {}


def test_length_that_overflows_is_not_finite():
    points = np.array([[[0, 0, 0], [3e38, 0, 0], [-3e38, 0, 0]]], dtype=np.float32)
    _, report = screen(points)
    assert report.counts == {"non-finite points": 1}


def test_arrays_of_equal_streamlines():
    keep, _ = screen(np.random.default_rng(0).normal(size=(4, 5, 3)))
    assert keep.tolist() == [True] * 4


@pytest.mark.parametrize("n", [0, 3])
def test_streamlines_without_any_point(n):
    keep, report = screen(as_sequence(np.empty((0, 3), dtype=np.float32), [0] * n))
    assert keep.tolist() == [False] * n
    assert report.total == n


@pytest.mark.parametrize(
    "options",
    [
        {"invalid": "keep"},
        {"out_of_bounds": "maybe"},
        {"min_length": -1},
        {"min_length": np.nan},
    ],
)
def test_unknown_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        screen(np.zeros((0, 2, 3)), **options)


def test_reports_are_added_by_reason():
    first = ScreeningReport(5, 3, {"one point": 2})
    second = ScreeningReport(4, 3, {"zero length": 1}, {"out of the bounding box": 1})
    added = first + second
    assert added == ScreeningReport(
        9, 6, {"one point": 2, "zero length": 1}, {"out of the bounding box": 1}
    )
    assert ScreeningReport(3, 3).summary() == "kept 3 of 3 streamlines"


def groups(*places):
    """Groups of two streamlines of three points, the second one at a place."""
    inside = np.full((len(places), 1, 3, 3), 5.0)
    others = np.full((len(places), 1, 3, 3), 5.0)
    others[:, 0, 1, 0] = places
    return np.concatenate([inside, others], axis=1)


def test_groups_that_leave_the_box_are_left_out_and_said(caplog):
    kept = kept_in_box(groups(4, 12, 9.4, -0.6), BOX, "drop", "pairs")
    assert kept.tolist() == [True, False, True, False]
    assert caplog.messages == [
        "2 of 4 pairs leave the bounding box of the grid: left out"
    ]
    caplog.clear()
    assert kept_in_box(groups(4, 5), BOX, "error", "pairs").all()
    assert kept_in_box(groups(4, 50), BOX, "keep", "pairs").all()
    nowhere = Reference(np.eye(4), (1, 1, 1))
    assert kept_in_box(groups(4, 50), nowhere, "error", "pairs").all()
    assert not caplog.messages


@pytest.mark.parametrize(("rule", "places"), [("error", (4, 50)), ("drop", (50, -3))])
def test_none_may_leave_it_or_not_all(rule, places):
    with pytest.raises(
        ValueError, match=r"of 2 pairs leaves? .* outside_box='keep'\.$"
    ):
        kept_in_box(groups(*places), BOX, rule, "pairs")
