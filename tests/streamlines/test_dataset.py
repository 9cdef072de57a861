import numpy as np
import pytest

from dipy_tractogen.streamlines.checks import ScreeningReport
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.reference import Reference


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
    ("labels", "message"), [([0], "one for each"), ([0, 2], "labels count from 0")]
)
def test_labels_fit(grid, labels, message):
    with pytest.raises(ValueError, match=message):
        BundleSet(np.zeros((2, 4, 3)), labels, ("a", "b"), grid)
