import numpy as np
import pytest

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.screening import ScreeningReport


@pytest.fixture
def bundles(grid, make_streamlines):
    labels = np.array([0] * 10 + [2] * 5 + [1] * 2 + [3] * 1)
    return BundleSet(make_streamlines(grid, n=18), labels, ("a", "b", "c", "d"), grid)


def first_points(bundles):
    return [tuple(streamline[0]) for streamline in bundles.streamlines]


def test_counts_and_lengths(bundles):
    assert len(bundles) == 18
    assert bundles.counts() == {"a": 10, "b": 2, "c": 5, "d": 1}
    expected = [
        np.linalg.norm(np.diff(streamline, axis=0), axis=1).sum()
        for streamline in bundles.streamlines
    ]
    np.testing.assert_allclose(bundles.lengths(), expected, rtol=1e-5)


def test_resample_gives_equal_steps_and_the_same_ends(bundles):
    points = bundles.resample(12)
    assert points.shape == (18, 12, 3)
    assert points.dtype == np.float32
    ends = [streamline[[0, -1]] for streamline in bundles.streamlines]
    np.testing.assert_allclose(points[:, [0, -1]], ends, atol=1e-3)


def test_select_takes_masks_and_indices_in_order(bundles):
    chosen = bundles.select([12, 3])
    assert first_points(chosen) == [first_points(bundles)[i] for i in (12, 3)]
    assert chosen.labels.tolist() == [2, 0]
    assert chosen.bundle_names == bundles.bundle_names
    mask = bundles.labels == 2
    assert bundles.select(mask).counts() == {"a": 0, "b": 0, "c": 5, "d": 0}
    assert len(bundles.select([])) == 0
    assert bundles.select([]).lengths().shape == (0,)


def test_split_is_by_bundle_and_by_seed(bundles):
    training, held_out = bundles.split(0.2, seed=1)
    assert held_out.counts() == {"a": 2, "b": 1, "c": 1, "d": 0}
    assert sorted(first_points(training) + first_points(held_out)) == sorted(
        first_points(bundles)
    )
    again = bundles.split(0.2, seed=1)[1]
    other = bundles.split(0.2, seed=2)[1]
    assert first_points(held_out) == first_points(again)
    assert first_points(held_out) != first_points(other)


def test_split_leaves_one_in_training(bundles):
    training, held_out = bundles.split(0.99)
    assert training.counts() == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert len(held_out) == 14
    everything, nothing = bundles.split(0)
    assert (len(everything), len(nothing)) == (18, 0)


@pytest.mark.parametrize("held_out", [-0.1, 1, 1.5, np.nan])
def test_split_wants_a_share(bundles, held_out):
    with pytest.raises(ValueError, match="is not a share"):
        bundles.split(held_out)


def test_merge_joins_bundles_by_name(bundles, grid, make_streamlines):
    other = BundleSet(
        make_streamlines(grid, n=3, seed=1)[::-1], [0, 1, 0], ("b", "Z"), grid
    )
    merged = BundleSet.merge([bundles, other])
    assert merged.bundle_names == ("Z", "a", "b", "c", "d")
    assert merged.counts() == {"Z": 1, "a": 10, "b": 4, "c": 5, "d": 1}
    assert first_points(merged) == first_points(bundles) + first_points(other)
    assert merged.report is None


def test_merge_adds_reports(bundles):
    bundles.report = ScreeningReport(20, 18, {"one point": 2})
    assert BundleSet.merge([bundles, bundles]).report.dropped == {"one point": 4}


def test_merge_refuses_other_grids_and_nothing(bundles):
    elsewhere = BundleSet(
        bundles.streamlines,
        bundles.labels,
        bundles.bundle_names,
        Reference(np.eye(4), (9, 9, 9)),
    )
    with pytest.raises(ValueError, match="different grids"):
        BundleSet.merge([bundles, elsewhere])
    with pytest.raises(ValueError, match="no set"):
        BundleSet.merge([])


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0], "one integer for each"), ([0, 2], "labels count from 0")],
)
def test_labels_fit(grid, labels, message):
    with pytest.raises(ValueError, match=message):
        BundleSet(np.zeros((2, 4, 3)), labels, ("a", "b"), grid)


@pytest.fixture
def valued(bundles):
    """Return bundles whose ages count up, controls first."""
    bundles.values = {
        "age": np.arange(18.0),
        "group": np.array(["control"] * 12 + ["patient"] * 6),
    }
    bundles.units = {"age": "year"}
    return bundles


def test_values_have_the_type_of_their_kind(grid):
    given = {
        "age": [70, 20],
        "score": np.array([0.5, -1], dtype=np.float32),
        "group": ["b", "a"],
        "site": np.array(["x", "longer"], dtype=object),
    }
    bundles = BundleSet(np.zeros((2, 4, 3)), [0, 0], ("a",), grid, values=given)
    types = {name: values.dtype.kind for name, values in bundles.values.items()}
    assert types == {"age": "f", "score": "f", "group": "U", "site": "U"}
    assert bundles.values["score"].dtype == np.float64
    assert bundles.values["site"].tolist() == ["x", "longer"]
    assert isinstance(given["age"], list)
    without = BundleSet(np.zeros((2, 4, 3)), [0, 0], ("a",), grid)
    assert (without.values, without.units) == ({}, {})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0], r"values of age of the shape \(1,\) are given for 2"),
        ([[1.0], [2.0]], "give one for each"),
        ([1.0, np.nan], "not finite for 1 of 2"),
        ([1.0, np.inf], "not finite for 1 of 2"),
        (np.array(["a", None], dtype=object), "of the type object"),
        ([True, False], "of the type bool"),
    ],
)
def test_values_fit(grid, values, message):
    with pytest.raises(ValueError, match=message):
        BundleSet(np.zeros((2, 4, 3)), [0, 0], ("a",), grid, values={"age": values})


def test_select_and_split_carry_values(valued):
    chosen = valued.select([12, 3])
    assert chosen.values["age"].tolist() == [12, 3]
    assert chosen.values["group"].tolist() == ["patient", "control"]
    assert chosen.units == {"age": "year"}
    nothing = valued.select([])
    assert [values.shape for values in nothing.values.values()] == [(0,), (0,)]
    parts = valued.split(0.2, seed=1)
    for part in parts:
        rows = [first_points(valued).index(point) for point in first_points(part)]
        assert part.values["age"].tolist() == rows
    assert sum(len(part) for part in parts) == 18


def test_merge_joins_values(valued):
    merged = BundleSet.merge([valued.select([12, 3]), valued.select([5])])
    assert merged.values["age"].tolist() == [12, 3, 5]
    assert merged.values["group"].tolist() == ["patient", "control", "control"]
    assert merged.units == {"age": "year"}


@pytest.mark.parametrize(
    ("values", "units", "message"),
    [
        ({}, {}, "values of age and another of none"),
        ({"score": np.ones(18)}, {}, "values of age and another of score"),
        ({"age": np.array(["old"] * 18)}, {}, "age are categories in one set"),
        ({"age": np.ones(18)}, {"age": "month"}, "age are in year .* and in month"),
    ],
)
def test_merge_refuses_other_values(valued, values, units, message):
    del valued.values["group"]
    other = BundleSet(
        valued.streamlines,
        valued.labels,
        valued.bundle_names,
        valued.reference,
        values=values,
        units=units,
    )
    with pytest.raises(ValueError, match=message):
        BundleSet.merge([valued, other])


def test_print_is_three_lines(grid):
    points = np.zeros((3, 2, 3))
    points[:, 1, 0] = (10, 20, 40)
    bundles = BundleSet(points, [0, 0, 1], ("<b>", "CST"), grid)
    assert str(bundles).splitlines() == [
        "3 streamlines in 2 bundles: <b> 2, CST 1",
        "lengths: 10.0 to 40.0 mm, median 20.0 mm",
        "grid: 145 x 174 x 145 voxels of 1.25 x 1.25 x 1.25 mm, LAS",
    ]
    html = bundles._repr_html_()
    assert "<td>&lt;b&gt;</td><td>2</td><td>15.0</td>" in html
    assert "<b>" not in html
    none = bundles.select([])
    assert str(none).splitlines()[1] == "lengths: none"
    assert "<td>CST</td><td>0</td><td></td>" in none._repr_html_()


def test_labels_in_other_names(grid):
    bundles = BundleSet(np.zeros((3, 2, 3)), [0, 2, 0], ("a", "b", "c"), grid)
    assert bundles.labels_in(("c", "x", "a")).tolist() == [2, 0, 2]
    assert bundles.known_values()["bundle"].tolist() == ["a", "c", "a"]
    with pytest.raises(ValueError, match="the bundles c are not among a, b"):
        bundles.labels_in(("a", "b"))
