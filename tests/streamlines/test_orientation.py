import numpy as np
import pytest

from dipy_tractogen.streamlines import orientation
from dipy_tractogen.streamlines.orientation import (
    odd_coefficients,
    stored_reversed,
)


def bundle_directions(points, labels, nb_bundles):
    return orientation.bundle_directions(odd_coefficients(points), labels, nb_bundles)


def orient(points, labels, directions):
    backwards = stored_reversed(odd_coefficients(points), labels, directions)
    return orientation.reverse(points, backwards)


@pytest.fixture(scope="module")
def bundles(phantom):
    return phantom.resample(40), phantom.labels, len(phantom.bundle_names)


def flipped(points, seed):
    which = np.random.default_rng(seed).random(len(points)) < 0.5
    turned = points.copy()
    turned[which] = points[which, ::-1]
    return turned


def test_blocks_change_nothing(bundles, monkeypatch):
    points, labels, nb_bundles = bundles
    directions = bundle_directions(points, labels, nb_bundles)
    expected = orient(points, labels, directions)
    monkeypatch.setattr(orientation, "_BLOCK", 7)
    np.testing.assert_array_equal(orient(points, labels, directions), expected)


@pytest.mark.parametrize("seed", range(4))
def test_result_does_not_depend_on_the_stored_direction(bundles, seed):
    points, labels, nb_bundles = bundles
    turned = flipped(points, seed)
    assert not np.array_equal(turned, points)
    expected, obtained = (
        orient(each, labels, bundle_directions(each, labels, nb_bundles))
        for each in (points, turned)
    )
    np.testing.assert_array_equal(obtained, expected)


def test_streamlines_of_a_bundle_run_the_same_way(bundles):
    points, labels, nb_bundles = bundles
    turned = flipped(points, seed=9)
    oriented = orient(turned, labels, bundle_directions(turned, labels, nb_bundles))
    for label in range(nb_bundles):
        chords = oriented[labels == label, -1] - oriented[labels == label, 0]
        assert (chords @ chords.mean(axis=0) > 0).all()


def test_a_bundle_runs_towards_larger_coordinates(bundles):
    points, labels, nb_bundles = bundles
    oriented = orient(points, labels, bundle_directions(points, labels, nb_bundles))
    chord = (oriented[labels == 2, -1] - oriented[labels == 2, 0]).mean(axis=0)
    assert chord[np.argmax(np.abs(chord))] > 0


def test_unseen_streamlines_follow_the_bundle(bundles):
    points, labels, nb_bundles = bundles
    seen = np.arange(len(points)) % 2 == 0
    directions = bundle_directions(points[seen], labels[seen], nb_bundles)
    together = orient(points, labels, directions)
    turned = orient(flipped(points, 3)[~seen], labels[~seen], directions)
    np.testing.assert_array_equal(turned, together[~seen])


def test_input_is_not_changed_and_empty_bundles_are_allowed(bundles):
    points, labels, nb_bundles = bundles
    before = points.copy()
    directions = bundle_directions(points, labels, nb_bundles + 1)
    orient(points, labels, directions)
    np.testing.assert_array_equal(points, before)
    assert not directions[-1].any()


def test_few_points_are_enough():
    line = np.linspace([0, 0, 0], [5, 1, 0], 2)[None]
    both = np.concatenate([line, line[:, ::-1]])
    labels = np.zeros(2, dtype=int)
    oriented = orient(both, labels, bundle_directions(both, labels, 1))
    np.testing.assert_array_equal(oriented[0], oriented[1])
